package sandbox

import (
	"errors"
	"os"
	"syscall"
)

const plainFreezes = false

func plainAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func (c *plainChild) kill() error {
	if err := c.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (c *plainChild) freeze() error { return errors.ErrUnsupported }
func (c *plainChild) thaw() error   { return errors.ErrUnsupported }

func exitOf(st *os.ProcessState) Exit { return Exit{Code: st.ExitCode()} }

func maxRSS(*os.ProcessState) int64 { return 0 }
