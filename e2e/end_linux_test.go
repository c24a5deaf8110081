package e2e

import "syscall"

// endWithParent keeps a test that crashes from leaving its processes behind.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
