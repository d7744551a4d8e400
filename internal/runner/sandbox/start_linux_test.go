//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStart(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		s.Env = []string{"GREETING=hello"}
		l := h.Layout(s)
		got := tryAll(t, h, s, "env GREETING", "cwd", "read "+l.Task+"/code.txt", "write "+l.Tmp+"/f", "read "+l.Tmp+"/f", "stdout", "id")
		want := []string{"hello", l.Task, `ok "code"`, "ok", `ok "x"`, "ok"}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("attempt %d: got %q, want %q", i, got[i], want[i])
			}
		}
		if own := h.Report().OwnUser; own == strings.HasSuffix(got[6], fmt.Sprintf(" %d %d", os.Getuid(), os.Getgid())) {
			t.Errorf("own user %v: runs as %q", own, got[6])
		}
	})
}

// A thread that was confined must never serve another goroutine, and the main
// thread must never be confined: it would not end.
func TestOnThread(t *testing.T) {
	before := entries(t, "/proc/self/task")
	var mu sync.Mutex
	seen := map[int]bool{}
	for range 8 {
		var wg sync.WaitGroup
		for range 16 {
			wg.Add(1)
			onThread(func() {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				if id := unix.Gettid(); id == unix.Getpid() {
					t.Error("on the main thread")
				} else if seen[id] {
					t.Errorf("thread %d serves twice", id)
				} else {
					seen[id] = true
				}
			})
		}
		wg.Wait()
	}
	waitFor(t, "the threads to end", func() bool { return entries(t, "/proc/self/task") <= before+3 })
}
