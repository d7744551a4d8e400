package runner

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Directories are made once nothing is taken any more, each is given out once, and
// none is left behind. One that has gone is not given out.
func TestSpares(t *testing.T) {
	dir := t.TempDir()
	left := func() int {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dir, "tmp-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &spares{dir: dir, machine: clock.Machine{}}
		given := map[string]bool{}
		take := func() {
			t.Helper()
			got, err := s.take()
			if err != nil {
				t.Fatal(err)
			}
			if st, err := os.Stat(got); err != nil || !st.IsDir() || given[got] {
				t.Fatalf("%s: %v, given %v", got, err, given[got])
			}
			given[got] = true
		}
		for range 3 {
			take()
			time.Sleep(sparesAfter - time.Millisecond)
		}
		if n := left(); n != 3 {
			t.Errorf("%d directories while instances start, want 3", n)
		}
		time.Sleep(sparesAfter)
		synctest.Wait()
		if n := left(); n != 3+mostSpares {
			t.Errorf("%d directories, want %d", n, 3+mostSpares)
		}
		for range mostSpares + 2 {
			take()
		}
		time.Sleep(sparesAfter)
		synctest.Wait()
		for _, gone := range s.ready {
			if err := os.Remove(gone); err != nil {
				t.Fatal(err)
			}
		}
		take()
		time.Sleep(sparesAfter)
		synctest.Wait()
		s.close()
		take()
		time.Sleep(sparesAfter)
		synctest.Wait()
		if n := left(); n != len(given) {
			t.Errorf("%d directories are left, %d were given out", n, len(given))
		}
	})
}
