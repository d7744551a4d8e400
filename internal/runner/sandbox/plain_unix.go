//go:build unix

package sandbox

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

const plainFreezes = true

// plainAttr makes the process the leader of a group, so that the group can be
// signalled.
func plainAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func (c *plainChild) kill() error   { return signalGroup(c.proc.Pid, syscall.SIGKILL) }
func (c *plainChild) freeze() error { return signalGroup(c.proc.Pid, syscall.SIGSTOP) }
func (c *plainChild) thaw() error   { return signalGroup(c.proc.Pid, syscall.SIGCONT) }

func signalGroup(pgid int, sig syscall.Signal) error {
	if err := syscall.Kill(-pgid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return os.NewSyscallError("kill", err)
	}
	return nil
}

func exitOf(st *os.ProcessState) Exit {
	ws, ok := st.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return Exit{Code: -1, Signal: ws.Signal()}
	}
	return Exit{Code: st.ExitCode()}
}

// maxRSS is the highest resident set of one process of the tree. Its unit is
// the kilobyte, on Apple's systems the byte.
func maxRSS(st *os.ProcessState) int64 {
	ru, ok := st.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(ru.Maxrss)
	}
	return int64(ru.Maxrss) << 10
}
