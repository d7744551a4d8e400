package runner

import "errors"

// terminate asks a process to end, for which Windows has no signal.
func terminate(int) error { return errors.ErrUnsupported }
