package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/nube-run/nube/internal/clock"
)

const (
	// quiet is how long nothing must have happened before changes are told: an
	// editor's write, rename and change of mode are within it.
	quiet = 50 * time.Millisecond
	// patience is how long changes that go on may hold up what was seen.
	patience = 2 * time.Second
)

// Watcher watches paths. Its methods may be called concurrently.
type Watcher struct {
	machine clock.Machine
	events  *fsnotify.Watcher
	changes chan []string
	done    chan struct{} // closed when run has ended

	// watching is held by one Watch at a time, mu only while the maps are looked
	// at: where the system adds a watch by the goroutine that delivers events, who
	// takes those must not wait for who adds.
	watching sync.Mutex

	mu    sync.Mutex
	paths map[string]bool // what was asked for
	dirs  map[string]bool // what the system watches for it
}

// New returns a Watcher of nothing.
func New() (*Watcher, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	w := &Watcher{events: events, changes: make(chan []string), done: make(chan struct{}), dirs: map[string]bool{}}
	go w.run()
	return w, nil
}

// Changes delivers the watched paths that have changed, sorted. The path of a
// directory stands for its names. It is closed by [Watcher.Close].
func (w *Watcher) Changes() <-chan []string { return w.changes }

// Watch replaces what is watched. Paths are absolute. When the system can watch
// no more the error says so, and what could be watched is.
func (w *Watcher) Watch(paths []string) error {
	w.watching.Lock()
	defer w.watching.Unlock()
	asked, want := map[string]bool{}, map[string]bool{}
	for _, p := range paths {
		p = filepath.Clean(p)
		asked[p] = true
		want[around(p)] = true
	}
	w.mu.Lock()
	w.paths = asked
	had := maps.Clone(w.dirs)
	w.mu.Unlock()
	var errs []error
	for d := range want {
		if had[d] {
			continue
		}
		w.note(d, true) // before it is true: it may be gone as soon as it is
		if err := w.events.Add(d); err != nil {
			w.note(d, false)
			if !errors.Is(err, fs.ErrNotExist) { // it has just gone: whoever removed it is seen one level up
				errs = append(errs, fmt.Errorf("watch %s: %w", d, err))
			}
		}
	}
	for d := range had {
		if !want[d] {
			w.note(d, false)
			_ = w.events.Remove(d) // it may have gone by itself
		}
	}
	return errors.Join(errs...)
}

// note notes whether the system watches a directory.
func (w *Watcher) note(dir string, watched bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if watched {
		w.dirs[dir] = true
	} else {
		delete(w.dirs, dir)
	}
}

// around is the directory whose events tell of p: p itself when it is a
// directory, else the nearest one that exists.
func around(p string) string {
	for {
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			return p
		}
		up := filepath.Dir(p)
		if up == p {
			return p
		}
		p = up
	}
}

// Close ends the watching.
func (w *Watcher) Close() error {
	err := w.events.Close()
	<-w.done
	return err
}

// run collects events until there are no more for a moment, and delivers.
func (w *Watcher) run() {
	defer close(w.done)
	defer close(w.changes)
	seen := map[string]bool{}
	var began time.Time
	timer := w.machine.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	var out chan []string
	for {
		var ready []string
		if out != nil {
			ready = slices.Sorted(maps.Keys(seen))
		}
		select {
		case e, ok := <-w.events.Events:
			if !ok {
				return
			}
			hit := w.hit(e)
			if hit == "" {
				continue
			}
			if len(seen) == 0 {
				began = w.machine.Now()
			}
			seen[hit] = true
			if w.machine.Since(began) < patience {
				out = nil
				timer.Reset(quiet)
			}
			continue
		case _, ok := <-w.events.Errors:
			if !ok {
				return
			}
			// Events were lost: anything may have changed.
			w.mu.Lock()
			for p := range w.paths {
				seen[p] = true
			}
			w.mu.Unlock()
			timer.Reset(quiet)
			continue
		case <-timer.C:
			out = w.changes
			continue
		case out <- ready:
			out = nil
			clear(seen)
		}
	}
}

// hit returns the watched path that an event is about, or nothing.
func (w *Watcher) hit(e fsnotify.Event) string {
	if e.Op == fsnotify.Chmod {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	name := filepath.Clean(e.Name)
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		delete(w.dirs, name) // the system watches it no more
	}
	if w.paths[name] {
		return name
	}
	if dir := filepath.Dir(name); w.paths[dir] && !e.Has(fsnotify.Write) {
		return dir // its names have changed
	}
	// A directory that a missing file could come to lie in.
	for p := range w.paths {
		if strings.HasPrefix(p, name+string(filepath.Separator)) {
			return p
		}
	}
	return ""
}
