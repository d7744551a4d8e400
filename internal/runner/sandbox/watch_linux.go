//go:build amd64 || arm64

package sandbox

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// watcher kills trees that exceed their memory where no control group does:
// it looks at their resident, anonymous memory every few milliseconds. A limit
// of the kernel's on address space or data would be exact, but about the wrong
// thing: Go, Node.js and Java reserve many times what they use.
type watcher struct {
	mu      sync.Mutex
	trees   map[*tree]*watched
	running bool
	stop    chan struct{}
	done    sync.WaitGroup
}

type watched struct {
	limit int64
	pids  []int // as of some rounds ago
}

const (
	watchEvery  = 20 * time.Millisecond
	watchFamily = 10 // rounds between looks for new processes of a tree
)

func newWatcher() *watcher {
	return &watcher{trees: map[*tree]*watched{}, stop: make(chan struct{})}
}

func (w *watcher) add(t *tree, limit int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trees[t] = &watched{limit: limit, pids: []int{t.id}}
	if !w.running {
		w.running = true
		w.done.Go(w.run)
	}
}

func (w *watcher) remove(t *tree) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trees, t)
}

// run looks until there is nothing to look at.
func (w *watcher) run() {
	tick := clock.Machine{}.NewTicker(watchEvery)
	defer tick.Stop()
	for round := 0; ; round++ {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		if len(w.trees) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		var over []*tree
		for t, e := range w.trees {
			if t.frozen.Load() {
				continue
			}
			if round%watchFamily == 0 {
				e.pids = t.members()
			}
			var sum int64
			for _, pid := range e.pids {
				sum += anonymous(pid)
			}
			if sum > e.limit {
				over = append(over, t)
				delete(w.trees, t)
			}
		}
		w.mu.Unlock()
		for _, t := range over {
			t.oom.Store(true)
			_ = t.kill() // fails only for what is already gone
		}
	}
}

func (w *watcher) close() {
	close(w.stop)
	w.done.Wait()
}

// anonymous is a process's resident memory without the files that it maps.
func anonymous(pid int) int64 {
	f := strings.Fields(readFile("/proc/" + strconv.Itoa(pid) + "/statm"))
	if len(f) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(f[1], 10, 64)
	shared, _ := strconv.ParseInt(f[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}
