package runner

import (
	"os"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

const (
	// mostSpares is how many directories are kept: a burst of this many starts
	// makes none.
	mostSpares = 8
	// sparesAfter is how long nothing must have been started before missing ones
	// are made: a program that starts should have the processors for itself.
	sparesAfter = 20 * time.Millisecond
)

// spares are empty directories for instances' /tmp, made before they are needed:
// a file system with a journal takes a tenth of a millisecond for each, which is a
// tenth of what a start costs here.
type spares struct {
	dir     string
	machine clock.Machine

	mu     sync.Mutex
	ready  []string
	timer  *time.Timer // fills; nil until a first one was taken
	closed bool
}

// take returns a directory, which is the caller's from then on.
func (s *spares) take() (string, error) {
	if dir := s.one(); dir != "" {
		// Whoever tidies up directories for temporary files may have been here.
		if _, err := os.Lstat(dir); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp(s.dir, "tmp-")
}

// one returns a directory that is ready, if there is one, and has what is missing
// made later.
func (s *spares) one() (dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.ready); n > 0 {
		dir, s.ready = s.ready[n-1], s.ready[:n-1]
	}
	switch {
	case s.closed:
	case s.timer == nil:
		s.timer = s.machine.AfterFunc(sparesAfter, s.fill)
	default:
		s.timer.Reset(sparesAfter)
	}
	return dir
}

// fill makes what is missing. A failure is not kept: who takes one meets it again.
func (s *spares) fill() {
	for s.missing() {
		dir, err := os.MkdirTemp(s.dir, "tmp-")
		if err != nil || !s.put(dir) {
			return
		}
	}
}

func (s *spares) missing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && len(s.ready) < mostSpares
}

// put reports whether there was use for a directory; otherwise it is removed.
func (s *spares) put(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = os.Remove(dir) // what is left in the directory goes when it is opened again
		return false
	}
	s.ready = append(s.ready, dir)
	return true
}

// close removes what is ready. What is taken after that is made.
func (s *spares) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, dir := range s.ready {
		_ = os.Remove(dir)
	}
	s.ready = nil
}
