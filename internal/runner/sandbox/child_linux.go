//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// tree is a started process with everything that it starts itself.
type tree struct {
	cell  *cell
	id    int
	pidfd *os.File // nil where the kernel has none
	root  procStat // for finding the family where nothing else tells
	oom   atomic.Bool

	frozen  atomic.Bool
	sampled atomic.Int64 // the highest memory seen by usage
	mu      sync.Mutex
	final   *Usage // set when the tree is gone
}

func (s *system) newTree(c *cell, sp *Spec, l launched) *tree {
	t := &tree{cell: c, id: l.pid}
	// In non-blocking mode the runtime's poller waits for the process, so that
	// a waiting instance costs no thread.
	if l.pidfd >= 0 && unix.SetNonblock(l.pidfd, true) == nil {
		t.pidfd = os.NewFile(uintptr(l.pidfd), "pidfd")
	} else if l.pidfd >= 0 {
		unix.Close(l.pidfd)
	}
	if c.group == nil {
		t.root, _ = readStat(l.pid) // our own child: it is there until we reap it
	}
	if s.watch != nil && sp.MemoryMB > 0 {
		s.watch.add(t, int64(sp.MemoryMB)<<20)
	}
	return t
}

func (t *tree) pid() int { return t.id }

func (t *tree) wait() Exit {
	ws, ru := t.reap()
	s := t.cell.sys
	if s.watch != nil {
		s.watch.remove(t)
	}
	e := Exit{Code: ws.ExitStatus()}
	if ws.Signaled() {
		e = Exit{Code: -1, Signal: ws.Signal()}
	}
	// The kernel's highest resident set counts that of this process too, whose
	// memory the child shared until it became another program. So it is only
	// an upper bound, as is the control group's, which counts files read.
	peak := ru.Maxrss << 10
	e.OOM = t.oom.Load()
	if g := t.cell.group; g != nil {
		if p := g.peak(); p > 0 {
			peak = min(peak, p)
		}
		e.OOM = e.OOM || e.Signal == unix.SIGKILL && s.groups.memory.version != 0 && g.oomKills() > 0
	}
	used := Usage{MemoryPeak: max(t.sampled.Load(), peak)}
	t.mu.Lock()
	t.final = &used
	t.mu.Unlock()
	t.bury()
	return e
}

// reap waits for the first process.
func (t *tree) reap() (ws unix.WaitStatus, ru unix.Rusage) {
	try := func(options int) bool {
		pid, err := unix.Wait4(t.id, &ws, options, &ru)
		return pid == t.id || err != nil && !errors.Is(err, unix.EINTR)
	}
	if t.pidfd != nil {
		rc, err := t.pidfd.SyscallConn()
		if err == nil && rc.Read(func(uintptr) bool { return try(unix.WNOHANG) }) == nil {
			return ws, ru
		}
	}
	for !try(0) {
	}
	return ws, ru
}

// bury kills what the first process has left behind and returns when nothing
// runs any more. What the tree stood in is given back in the background.
//
// Its errors have nobody to go to, and mean that something is in an
// uninterruptible wait: the next Open sweeps again.
func (t *tree) bury() {
	_ = until(func() (bool, error) {
		left := t.members()
		if len(left) == 0 {
			return true, nil
		}
		if g := t.cell.group; g != nil {
			return false, g.kill()
		}
		return false, killAll(func() []int { return left })
	}, "the tree of process "+strconv.Itoa(t.id))
	if t.pidfd != nil {
		t.pidfd.Close()
	}
	close(t.cell.gone)
	t.cell.sys.chores.Go(func() { _ = t.cell.dispose() })
}

// members are the tree's processes.
func (t *tree) members() []int {
	switch {
	case t.cell.group != nil:
		return t.cell.group.members()
	case t.cell.uid != 0:
		return ofUser(t.cell.uid)
	default:
		return family(t.root, t.cell.marker())
	}
}

// alive runs f unless the tree is gone, in which case its numbers may already
// be another's.
func (t *tree) alive(f func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.final != nil {
		return os.ErrProcessDone
	}
	return f()
}

func (t *tree) kill() error {
	err := t.alive(func() error {
		if g := t.cell.group; g != nil {
			return g.kill()
		}
		return killAll(t.members)
	})
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

func (t *tree) freeze() error {
	return t.alive(func() error {
		t.frozen.Store(true)
		return t.stop(true)
	})
}

func (t *tree) thaw() error {
	return t.alive(func() error {
		t.frozen.Store(false)
		return t.stop(false)
	})
}

// stop freezes or thaws: the whole group where the kernel can, which the
// program does not notice, otherwise by signals.
func (t *tree) stop(yes bool) error {
	if g := t.cell.group; g != nil && g.host.freezable() {
		return g.freeze(yes)
	}
	sig := unix.SIGCONT
	if yes {
		sig = unix.SIGSTOP
	}
	for _, pid := range t.members() {
		if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("signal %d: %w", pid, err)
		}
	}
	return nil
}

func (t *tree) usage() Usage {
	var u Usage
	err := t.alive(func() error {
		u.MemoryPeak = max(t.sampled.Load(), t.resident())
		t.sampled.Store(u.MemoryPeak)
		return nil
	})
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return *t.final
	}
	return u
}

// resident is the sum of the highest resident sets of the processes that are
// there now.
func (t *tree) resident() int64 {
	var sum int64
	for _, pid := range t.members() {
		for line := range strings.Lines(readFile("/proc/" + strconv.Itoa(pid) + "/status")) {
			if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
				sum += n << 10
			}
		}
	}
	return sum
}
