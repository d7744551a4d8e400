package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Sweep removes artifacts that nobody uses any more: each edit of a function
// makes one. An artifact goes when it was not in use the last time either, and
// idle has passed since: instances that were started from it may still be
// finishing what they do, and one that was just made may be about to be used.
// What was made before the Store was opened counts as idle since it was made.
func (s *Store) Sweep(inUse map[string]bool, idle time.Duration) error {
	var machine clock.Machine
	metas, err := os.ReadDir(filepath.Join(s.dir, "meta"))
	if err != nil {
		return fmt.Errorf("build: sweep: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := machine.Now()
	first := s.unused == nil
	if first {
		s.unused = map[string]time.Time{}
	}
	var errs []error
	for _, m := range metas {
		digest, ok := strings.CutSuffix(m.Name(), ".json")
		if !ok || !isDigest(digest) {
			continue
		}
		if inUse[digest] {
			delete(s.unused, digest)
			continue
		}
		since, known := s.unused[digest]
		if !known {
			since = now
			if st, err := m.Info(); err == nil && first {
				since = st.ModTime()
			}
			s.unused[digest] = since
		}
		if now.Sub(since) < idle {
			continue
		}
		// The note goes first: without it there is no artifact, whatever is left.
		err := os.Remove(s.meta(digest))
		if err == nil {
			err = os.RemoveAll(filepath.Join(s.dir, "code", digest))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("build: sweep: %w", err))
			continue
		}
		delete(s.unused, digest)
	}
	return errors.Join(errs...)
}
