//go:build amd64 || arm64

package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// victimHost opens a Host on a level, starts a process with an orphan, prints
// the members of its tree and waits to be killed.
func victimHost(levelName, dir, code string) {
	i := slices.IndexFunc(levels(), func(l level) bool { return l.name == levelName })
	sys, err := openSystem(Options{Dir: dir}, levels()[i].can)
	if err != nil {
		panic(err)
	}
	h, err := newHost(Options{Dir: dir}, sys)
	if err != nil {
		panic(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	tmp, err := os.MkdirTemp(code, "tmp")
	if err != nil {
		panic(err)
	}
	s := Spec{CodeDir: code, Tmp: tmp, Stdout: w, Stderr: os.Stderr}
	s.Argv = []string{h.Layout(s).Task + "/bootstrap", "daemon wait", "wait"}
	p, err := h.Start(context.Background(), s)
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(r)
	for waiting := 0; waiting < 2 && lines.Scan(); {
		if lines.Text() == "waiting" {
			waiting++
		}
	}
	fmt.Println(p.Pid(), p.child.(*tree).members())
	unix.Pause()
}

// When this process is killed without a chance to clean up, its instances go
// with it: all that they have started at once where there are namespaces,
// otherwise when the next Host is opened.
func TestKilledHostLeavesNothing(t *testing.T) {
	for _, l := range levels() {
		t.Run(l.name, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir, code := t.TempDir(), t.TempDir()
			if err := copyFile(self, filepath.Join(code, "bootstrap")); err != nil {
				t.Fatal(err)
			}
			c := exec.Command(self)
			c.Args = []string{"victim-host", l.name, dir, code}
			c.Stderr = os.Stderr
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(out)
			said.Scan()
			var pids []int
			for _, f := range strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(said.Text())) {
				pids = append(pids, num(f))
			}
			if len(pids) != 3 {
				t.Fatalf("the host says %q", said.Text())
			}
			first, members := pids[0], pids[1:]
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			waitFor(t, "the instance to end with its host", func() bool { return !alive(first) })
			if strings.HasPrefix(l.name, "namespaces") {
				for _, pid := range members {
					waitFor(t, "process "+strconv.Itoa(pid)+" to end with the host", func() bool { return !alive(pid) })
				}
			}
			// Control groups tell whose a process was, so that any Host will do.
			o := Options{}
			if l.can.mounts == nil {
				o.Dir = dir
			}
			openLevel(t, l, o)
			for _, pid := range members {
				waitFor(t, "process "+strconv.Itoa(pid)+" to be swept", func() bool { return !alive(pid) })
			}
		})
	}
}

func alive(pid int) bool {
	st, ok := readStat(pid)
	return ok && !st.ended
}

// The guarantees must hold for a user without any rights too. As root, the
// suite runs itself again as nobody, in a control group that is handed to it
// as systemd hands one to a user's session.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		return // it is
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "unprivileged")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "sandbox.test")
	if err := copyFile(self, binary); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{dir, binary} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	for _, m := range readCgroupMounts() {
		if m.version != 2 {
			continue
		}
		group := filepath.Join(m.own, filepath.Base(dir))
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := emptyGroup(group); err != nil {
				t.Error(err)
			}
		})
		for _, f := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
			if err := os.Chown(filepath.Join(group, f), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Open(group)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		attr.UseCgroupFD, attr.CgroupFD = true, int(f.Fd())
	}
	c := exec.Command(binary, "-test.v", "-test.count=1")
	c.SysProcAttr, c.Dir, c.Env = attr, dir, []string{"TMPDIR=" + dir, "PATH=/usr/bin:/bin"}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	for _, l := range []string{"landlock", "landlock-alone"} {
		if !strings.Contains(string(out), "--- PASS: TestOthersAreOutOfReach/"+l) {
			t.Errorf("level %s was not tried as nobody", l)
		}
	}
	t.Logf("%s", out)
}
