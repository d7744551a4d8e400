//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/nube-run/nube/internal/clock"
)

func TestExit(t *testing.T) {
	tests := []struct {
		script string
		want   Exit
		reason string
	}{
		{"exit 0", Exit{}, "exit status 0"},
		{"exit 3", Exit{Code: 3}, "exit status 3"},
		// A program that is number 1 of its namespace could not do these.
		{"kill -KILL $$", Exit{Code: -1, Signal: syscall.SIGKILL}, "signal: killed"},
		{"kill -TERM $$", Exit{Code: -1, Signal: syscall.SIGTERM}, "signal: terminated"},
		{"kill -ABRT $$", Exit{Code: -1, Signal: syscall.SIGABRT}, "signal: aborted"},
		{"kill -SEGV $$", Exit{Code: -1, Signal: syscall.SIGSEGV}, "signal: segmentation fault"},
	}
	eachLevel(t, func(t *testing.T, h *Host) {
		for _, tt := range tests {
			s := newSpec(t, h)
			s.Argv = []string{"/bin/sh", "-c", tt.script}
			if got := start(t, h, s).Exit(); got != tt.want || got.String() != tt.reason {
				t.Errorf("%s: %#v %q, want %#v %q", tt.script, got, got, tt.want, tt.reason)
			}
		}
	})
}

func TestStartFails(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		s.Argv[0] = h.Layout(s).Task + "/nothing"
		if _, err := h.Start(t.Context(), s); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("missing program: %v", err)
		}
		s.Argv[0] = h.Layout(s).Task + "/code.txt"
		if _, err := h.Start(t.Context(), s); !errors.Is(err, os.ErrPermission) {
			t.Errorf("not executable: %v", err)
		}
		s = newSpec(t, h)
		s.CodeDir = "/nowhere"
		if _, err := h.Start(t.Context(), s); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("missing code: %v", err)
		}
		if got := tryAll(t, h, newSpec(t, h), "cwd"); len(got) != 1 {
			t.Errorf("the host does not start any more: %q", got)
		}
	})
}

// What a process has started ends with it, wherever it has hidden.
func TestKillTakesTheTree(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		p := start(t, h, newSpec(t, h, "daemon wait", "wait"))
		for waiting := 0; waiting < 2; {
			if p.line() == "waiting" {
				waiting++
			}
		}
		members := p.child.(*tree).members()
		if len(members) != 2 {
			t.Fatalf("members %v, want the program and its orphan", members)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e.Signal != syscall.SIGKILL || e.OOM {
			t.Errorf("exit %#v", e)
		}
		for _, pid := range members {
			if st, ok := readStat(pid); ok && !st.ended {
				t.Errorf("process %d of the tree is alive", pid)
			}
		}
	})
}

// A process that ends by itself takes its tree along.
func TestExitTakesTheTree(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		p := start(t, h, newSpec(t, h, "daemon wait", "exit 0"))
		p.Exit()
		if left := marked(p.child.(*tree).cell.marker()); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		for p.line() != "" { // the pipe closes when its last holder is gone
		}
	})
}

func TestForkBomb(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		if !h.Report().ProcessLimit {
			return
		}
		s := newSpec(t, h, "bomb")
		s.Processes = 64
		p := start(t, h, s)
		for p.line() != "full" {
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		p.Exit()
		for p.line() != "" { // ends when nobody holds the pipe
		}
	})
}

func TestMemoryLimit(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h, "alloc 512", "wait")
		s.MemoryMB = 128
		p := start(t, h, s)
		if e := p.Exit(); !e.OOM || e.Signal != syscall.SIGKILL {
			t.Errorf("512 MB with a limit of 128: %#v", e)
		}
		s = newSpec(t, h, "alloc 64")
		s.MemoryMB = 128
		p = start(t, h, s)
		if e := p.Exit(); e != (Exit{}) {
			t.Errorf("64 MB with a limit of 128: %#v", e)
		}
		if m := p.Usage().MemoryPeak; m < 64<<20 || m > 512<<20 {
			t.Errorf("peak of a process that used 64 MB: %d MB", m>>20)
		}
	})
}

func TestUsage(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		p := start(t, h, newSpec(t, h, "alloc 32", "wait"))
		p.line()
		p.line()
		u := p.Usage()
		if u.MemoryPeak < 32<<20 || u.MemoryPeak > 128<<20 {
			t.Errorf("running: %+v", u)
		}
		p.Kill()
		p.Exit()
		if e := p.Usage(); e.MemoryPeak < u.MemoryPeak {
			t.Errorf("after the end %+v is less than before, %+v", e, u)
		}
	})
}

// A frozen process uses no CPU, and can be thawed and killed.
func TestFreeze(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		p := start(t, h, newSpec(t, h, "spin"))
		p.line()
		if err := p.Freeze(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the process to stand still", func() bool {
			before := cpuTime(p.Pid())
			clock.Machine{}.Wait(t.Context(), 20*time.Millisecond)
			return cpuTime(p.Pid()) == before
		})
		if err := p.Thaw(); err != nil {
			t.Fatal(err)
		}
		before := cpuTime(p.Pid())
		waitFor(t, "the process to go on", func() bool { return cpuTime(p.Pid()) > before })
		if err := p.Freeze(); err != nil {
			t.Fatal(err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e.Signal != syscall.SIGKILL {
			t.Errorf("killed while frozen: %#v", e)
		}
		if err := p.Freeze(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("freezing what is gone: %v", err)
		}
		if err := p.Kill(); err != nil {
			t.Errorf("killing what is gone: %v", err)
		}
	})
}

// waitFor waits for a fact of the kernel's that nobody announces.
func waitFor(t testing.TB, what string, f func() bool) {
	t.Helper()
	var m clock.Machine
	for began := m.Now(); !f(); m.Wait(t.Context(), time.Millisecond) {
		if m.Since(began) > 20*time.Second {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// Many at once, as after a deployment.
func TestStartsAtOnce(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				s := s
				s.Tmp = t.TempDir()
				s.Argv = []string{s.Argv[0], "write " + h.Layout(s).Tmp + "/x", "env N"}
				s.Env = []string{"N=" + strconv.Itoa(i)}
				p := start(t, h, s)
				if a, b := p.line(), p.line(); a != "ok" || b != strconv.Itoa(i) {
					t.Errorf("process %d says %q, %q", i, a, b)
				}
				if e := p.Exit(); e != (Exit{}) {
					t.Errorf("process %d: %v", i, e)
				}
			})
		}
		wg.Wait()
	})
}

// Close ends what runs, and a closed Host holds nothing any more: no file, no
// thread, no control group, no process.
func TestCloseLeavesNothing(t *testing.T) {
	for _, l := range levels() {
		t.Run(l.name, func(t *testing.T) {
			round := func() {
				dir := t.TempDir()
				s, err := openSystem(Options{Dir: dir}, l.can)
				if err != nil {
					t.Fatal(err)
				}
				h, err := newHost(Options{Dir: dir}, s)
				if err != nil {
					t.Fatal(err)
				}
				p := start(t, h, newSpec(t, h, "daemon wait", "wait"))
				p.line()
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				if e := p.Exit(); e.Signal != syscall.SIGKILL {
					t.Errorf("exit %#v", e)
				}
				if _, err := h.Start(t.Context(), newSpec(t, h)); !errors.Is(err, ErrClosed) {
					t.Errorf("start after close: %v", err)
				}
				if s.groups != nil {
					for _, d := range s.groups.dirs() {
						if isDir(d) {
							t.Errorf("%s is left", d)
						}
					}
				}
			}
			round() // the first opens the runtime's poller
			type held struct{ files, threads int }
			count := func() held { return held{entries(t, "/proc/self/fd"), entries(t, "/proc/self/task")} }
			before := count()
			for range 3 {
				round()
			}
			var after held
			waitFor(t, "threads to end", func() bool {
				after = count()
				return after.threads <= before.threads+2 // the runtime keeps some for itself
			})
			// start's own pipes are closed when the test ends, three of them.
			if after.files > before.files+3 {
				t.Errorf("files %d, were %d", after.files, before.files)
			}
		})
	}
}

func entries(t testing.TB, dir string) int {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

func TestDirIsOneHosts(t *testing.T) {
	dir := t.TempDir()
	h, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("second host in the same directory: %v", err)
	}
}

func TestLayers(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		for i, files := range []map[string]string{{"a": "1", "both": "1"}, {"b": "2", "both": "2"}} {
			dir := filepath.Join(t.TempDir(), fmt.Sprintf("layer:%d,x", i))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s.LayerDirs = append(s.LayerDirs, dir)
		}
		opt := h.Layout(s).Opt
		got := tryAll(t, h, s, "read "+opt[0]+"/both", "read "+opt[len(opt)-1]+"/a", "read "+opt[0]+"/b", "write "+opt[0]+"/new")
		if diff := cmp.Diff([]string{`ok "2"`, `ok "1"`, `ok "2"`}, got[:3]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if !refused(got[3]) {
			t.Errorf("writing to a layer: %s", got[3])
		}
		s.LayerDirs = s.LayerDirs[:1]
		opt = h.Layout(s).Opt
		if got := tryAll(t, h, s, "read "+opt[0]+"/both"); got[0] != `ok "1"` {
			t.Errorf("one layer: %q", got)
		}
	})
}

func TestReadOnlyPaths(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		dir := t.TempDir() // below /tmp
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		s.ReadOnly = []string{dir, dir + "/f", "/usr/bin", "/var/lib"}
		got := tryAll(t, h, s, "read "+dir+"/f", "write "+dir+"/g", "read /var/lib/dpkg/status", "read /var/log/dpkg.log")
		if got[0] != `ok "x"` || !refused(got[1]) || !strings.HasPrefix(got[2], "ok ") || !refused(got[3]) {
			t.Errorf("got %q", got)
		}
	})
}

func TestTmpLimit(t *testing.T) {
	for _, l := range levels() {
		t.Run(l.name, func(t *testing.T) {
			h := openLevel(t, l, Options{TmpInMemory: true})
			s := newSpec(t, h)
			s.TmpBytes = 1 << 20
			tmp := h.Layout(s).Tmp
			want := []string{"ok", "ok"}
			if h.Report().TmpLimit {
				want[1] = "ENOSPC"
			}
			got := tryAll(t, h, s, "fill "+tmp+"/a 512", "fill "+tmp+"/b 1024")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Files in /tmp, on the disk, do not count against the memory.
func TestTmpIsNotMemory(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		s.MemoryMB, s.TmpBytes = 64, 512<<20
		if got := tryAll(t, h, s, "fill "+h.Layout(s).Tmp+"/a 131072"); got[0] != "ok" {
			t.Errorf("128 MB in /tmp with 64 MB of memory: %s", got[0])
		}
	})
}

// When somebody kills the keeper everything in the namespaces ends with it,
// and the next start builds them again.
func TestKeeperKilled(t *testing.T) {
	for _, l := range levels() {
		if !strings.HasPrefix(l.name, "namespaces") {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			h := openLevel(t, l, Options{})
			p := start(t, h, newSpec(t, h, "wait"))
			p.line()
			if err := h.impl.(*system).base.keeper.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if e := p.Exit(); e.Signal != syscall.SIGKILL || e.OOM {
				t.Errorf("exit %#v", e)
			}
			for range 6 { // more than there are ready cells
				if got := tryAll(t, h, newSpec(t, h), "cwd"); got[0] != "/var/task" {
					t.Errorf("after the keeper's end: %q", got)
				}
			}
		})
	}
}

// The kernel has the limits, as far as there are controllers, also where the cell
// was made for another size.
func TestLimitsInForce(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		limited := func(mb, processes int) *cgroup {
			s := newSpec(t, h, "wait")
			s.MemoryMB, s.Processes = mb, processes
			return start(t, h, s).child.(*tree).cell.group
		}
		if limited(128, 16) == nil {
			return
		}
		ready := h.impl.(*system).ready
		for range cap(ready) { // those that were made before
			limited(128, 16)
		}
		for _, want := range []limits{{64, 32}, {256, 32}, {128, 16}} {
			waitFor(t, "cells for the size before", func() bool { return len(ready) == cap(ready) })
			g := limited(want.memoryMB, want.processes)
			bytes := strconv.Itoa(want.memoryMB << 20)
			for _, c := range []struct {
				h    hierarchy
				file [3]string // by version
				want string
			}{
				{g.host.memory, [3]string{1: "memory.limit_in_bytes", 2: "memory.max"}, bytes},
				{g.host.pids, [3]string{1: "pids.max", 2: "pids.max"}, strconv.Itoa(want.processes)},
			} {
				if v := c.h.version; v != 0 {
					if got := strings.TrimSpace(readFile(g.path(c.h, c.file[v]))); got != c.want {
						t.Errorf("%s is %s, want %s", c.file[v], got, c.want)
					}
				}
			}
		}
	})
}

// cpuTime is a process's CPU time, from /proc/<pid>/schedstat's nanoseconds.
func cpuTime(pid int) time.Duration {
	f := strings.Fields(readFile("/proc/" + strconv.Itoa(pid) + "/schedstat"))
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(f[0], 10, 64)
	return time.Duration(n)
}
