//go:build amd64 || arm64

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nube-run/nube/internal/clock"
)

// patience is how long a killed tree may take to disappear. Only a process in
// an uninterruptible wait, such as on a dead network disk, takes long.
const patience = 10 * time.Second

// killGroup ends every process in a control group: at once where the kernel
// can (cgroup.kill, Linux 5.14), otherwise by forbidding new processes and
// killing until no unknown one appears.
func killGroup(dir string) error {
	err := writeFile(filepath.Join(dir, "cgroup.kill"), "1")
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := writeFile(filepath.Join(dir, "pids.max"), "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return killAll(func() []int { return groupMembers(dir) })
}

// killAll kills what list returns until it returns nothing that has not been
// killed before.
func killAll(list func() []int) error {
	killed := map[int]bool{}
	for again := true; again; {
		again = false
		for _, pid := range list() {
			if killed[pid] {
				continue
			}
			killed[pid], again = true, true
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill %d: %w", pid, err)
			}
		}
	}
	return nil
}

// emptyGroup kills what is in a group and removes its directory.
func emptyGroup(dir string) error {
	gone := func() (bool, error) {
		err := unix.Rmdir(dir)
		switch {
		case err == nil, errors.Is(err, unix.ENOENT):
			return true, nil
		case errors.Is(err, unix.EBUSY):
			return false, killGroup(dir)
		default:
			return false, fmt.Errorf("remove %s: %w", dir, err)
		}
	}
	return until(gone, "control group "+dir)
}

// until repeats f until it reports true or fails. It is for what the kernel
// finishes behind our back and does not announce.
func until(f func() (bool, error), what string) error {
	var m clock.Machine
	start := m.Now()
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		ok, err := f()
		if ok || err != nil {
			return err
		}
		if m.Since(start) > patience {
			return fmt.Errorf("%s is not empty %v after it was killed", what, patience)
		}
		_ = m.Wait(context.Background(), pause) // never ends early
	}
}
