//go:build !linux

package xvfb

import "syscall"

func endWithParent() *syscall.SysProcAttr { return nil }
