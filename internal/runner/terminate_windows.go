package runner

import "errors"

// terminate asks a process to end, for which Windows has no signal.
func terminate(int) error { return errors.ErrUnsupported }

// killProcess is never called: processes below others are not known here.
func killProcess(int) error { return nil }
