package xvfb

import "syscall"

// endWithParent keeps a test that crashes from leaving its server behind.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
