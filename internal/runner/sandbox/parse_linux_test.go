//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	rest := " 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 8192 90 18446744073709551615"
	tests := []struct {
		line string
		want procStat
		ok   bool
	}{
		{"42 (sh) S 7 42 41" + rest, procStat{pid: 42, ppid: 7, session: 41, start: 123456}, true},
		{"42 (a) b) (c) R 7 42 41" + rest, procStat{pid: 42, ppid: 7, session: 41, start: 123456}, true},
		{"42 (sh) Z 7 42 41" + rest, procStat{pid: 42, ppid: 7, session: 41, start: 123456, ended: true}, true},
		{"42 (sh) R 7 42 41" + strings.Replace(rest, " 8192 ", " 0 ", 1), procStat{pid: 42, ppid: 7, session: 41, start: 123456, ended: true}, true},
		{"42 (sh) S 7", procStat{}, false},
		{"42 )sh( S 7 42 41" + rest, procStat{}, false},
		{"", procStat{}, false},
	}
	for _, tt := range tests {
		got, ok := parseStat(tt.line)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%q: %+v %v, want %+v %v", tt.line, got, ok, tt.want, tt.ok)
		}
	}
	if st, ok := readStat(os.Getpid()); !ok || st.pid != os.Getpid() || st.ppid != os.Getppid() || st.ended {
		t.Errorf("this process: %+v %v", st, ok)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("42 (sh) S 7 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 8192 90")
	f.Add("1 ((((( ))))) Z")
	f.Fuzz(func(t *testing.T, line string) {
		if st, ok := parseStat(line); !ok && st != (procStat{}) {
			t.Errorf("%q is refused, but not empty: %+v", line, st)
		}
	})
}

func TestParseCgroupMounts(t *testing.T) {
	tests := []struct {
		name, mountinfo, membership string
		want                        []cgroupMount
	}{
		{"version 2",
			"29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
			"0::/user.slice/user-1000.slice/app.scope\n",
			[]cgroupMount{{version: 2, own: "/sys/fs/cgroup/user.slice/user-1000.slice/app.scope", top: "/sys/fs/cgroup"}}},
		{"version 1, two on a mount",
			"33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n" +
				"34 32 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"35 32 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n",
			"5:cpu,cpuacct:/a\n4:memory:/b\n1:name=systemd:/init\n",
			[]cgroupMount{
				{version: 1, controllers: []string{"cpu"}, own: "/sys/fs/cgroup/cpu,cpuacct/a", top: "/sys/fs/cgroup/cpu,cpuacct"},
				{version: 1, controllers: []string{"cpuacct"}, own: "/sys/fs/cgroup/cpu,cpuacct/a", top: "/sys/fs/cgroup/cpu,cpuacct"},
				{version: 1, controllers: []string{"memory"}, own: "/sys/fs/cgroup/memory/b", top: "/sys/fs/cgroup/memory"},
				{version: 1, controllers: []string{"name=systemd"}, own: "/sys/fs/cgroup/systemd/init", top: "/sys/fs/cgroup/systemd"},
			}},
		{"a container sees only its part",
			"29 23 0:26 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"4:memory:/docker/1f/sub\n",
			[]cgroupMount{{version: 1, controllers: []string{"memory"}, own: "/sys/fs/cgroup/memory/sub", top: "/sys/fs/cgroup/memory"}}},
		{"a container that is told the host's path",
			"29 23 0:26 /docker/1f /cg\\040x rw - cgroup2 none rw\n",
			"0::/docker/1f0\n",
			[]cgroupMount{{version: 2, own: "/cg x", top: "/cg x"}}},
		{"none", "22 27 0:21 / /proc rw - proc proc rw\nnonsense\n", "", nil},
	}
	for _, tt := range tests {
		got := parseCgroupMounts(tt.mountinfo, tt.membership)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(cgroupMount{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

func FuzzParseCgroupMounts(f *testing.F) {
	f.Add("29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n", "0::/user.slice\n")
	f.Add("33 32 0:30 /a\\040b /c\\ rw - cgroup cgroup rw,cpu,cpuacct", "5:cpu,cpuacct:/a b/../..\n")
	f.Fuzz(func(t *testing.T, mountinfo, membership string) {
		for _, m := range parseCgroupMounts(mountinfo, membership) {
			if m.version != 1 && m.version != 2 {
				t.Errorf("version %d", m.version)
			}
			if m.version == 1 && len(m.controllers) != 1 {
				t.Errorf("controllers %q", m.controllers)
			}
		}
	})
}

func TestParseDiag(t *testing.T) {
	answer := func(typ uint16, body ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
		b = binary.NativeEndian.AppendUint16(b, typ)
		return append(append(b, make([]byte, unix.SizeofNlMsghdr-6)...), body...)
	}
	body := make([]byte, 72)
	binary.NativeEndian.PutUint32(body[64:], 1000)
	binary.NativeEndian.PutUint32(body[68:], 4711)
	got, err := parseDiag(answer(unix.SOCK_DIAG_BY_FAMILY, body...))
	if err != nil || got != (peerSocket{1000, 4711}) {
		t.Errorf("answer: %+v %v", got, err)
	}
	notFound := binary.NativeEndian.AppendUint32(nil, ^uint32(unix.ENOENT)+1)
	if _, err := parseDiag(answer(unix.NLMSG_ERROR, notFound...)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("error: %v", err)
	}
	for _, b := range [][]byte{nil, answer(unix.NLMSG_ERROR), answer(unix.SOCK_DIAG_BY_FAMILY, body[:71]...), answer(99, body...)} {
		if _, err := parseDiag(b); err == nil {
			t.Errorf("%d bytes are taken for an answer", len(b))
		}
	}
}

func FuzzParseDiag(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123"))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseDiag(b); err != nil && p != (peerSocket{}) {
			t.Errorf("an error with %+v", p)
		}
	})
}

func TestChooseUsers(t *testing.T) {
	tests := []struct {
		uidMap string
		seed   uint32
		first  int
		err    error
	}{
		{"         0          0 4294967295\n", 0, 1_900_000_000, nil},
		{"         0          0 4294967295\n", 100_001, 1_900_001_024, nil},
		{"         0     100000      65536\n", 4, 62_000 + userRange, nil},
		{"         0       1000          1\n         1     100000      65536\n", 0, 0, errNoUsers},
		{"      1000       1000          1\n", 0, 0, errNoUsers},
		{"", 0, 0, errNoUsers},
	}
	for _, tt := range tests {
		u, err := chooseUsers(tt.uidMap, tt.seed)
		if u.first != tt.first || !errors.Is(err, tt.err) {
			t.Errorf("%q: %+v %v, want %d %v", tt.uidMap, u, err, tt.first, tt.err)
		}
	}
}

func TestUserPool(t *testing.T) {
	p := &userPool{users: users{first: 100, size: 3}}
	for want := 100; want < 103; want++ {
		if got, err := p.take(); got != want || err != nil {
			t.Fatalf("got %d %v, want %d", got, err, want)
		}
	}
	if _, err := p.take(); err == nil {
		t.Fatal("a fourth of three")
	}
	p.put(101)
	if got, err := p.take(); got != 101 || err != nil {
		t.Fatalf("got %d %v, want the one that was given back", got, err)
	}
}

// No machine of ours has the controllers on version 2, so what is written to
// both versions is compared in directories that look like theirs.
func TestLimits(t *testing.T) {
	tests := []struct {
		version int
		want    map[string]string
	}{
		{1, map[string]string{
			"memory.limit_in_bytes": "268435456", "memory.memsw.limit_in_bytes": "268435456",
			"pids.max": "10",
		}},
		{2, map[string]string{
			"memory.max": "268435456", "memory.swap.max": "0", "memory.oom.group": "1",
			"pids.max": "10",
		}},
	}
	for _, tt := range tests {
		spec := Spec{MemoryMB: 256, Processes: 10}
		h := hierarchy{version: tt.version, dir: t.TempDir()}
		c := &cgroup{host: &cgroups{memory: h, pids: h}, name: "x", fd: -1}
		dir := filepath.Join(h.dir, "x")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name := range tt.want {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.limit(limitsOf(&spec)); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name := range tt.want {
			got[name] = readFile(filepath.Join(dir, name))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("version %d (-want +got)\n%s", tt.version, diff)
		}
		limit := filepath.Join(dir, [3]string{1: "memory.limit_in_bytes", 2: "memory.max"}[tt.version])
		if err := os.Truncate(limit, 0); err != nil {
			t.Fatal(err)
		}
		if err := c.limit(limitsOf(&Spec{Processes: 10})); err != nil {
			t.Fatal(err)
		}
		if got, want := readFile(limit), [3]string{1: "-1", 2: "max"}[tt.version]; got != want {
			t.Errorf("version %d: no limit is %q, want %q", tt.version, got, want)
		}
		// Without swap accounting two of the files are missing.
		for _, f := range []string{"memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group"} {
			os.Remove(filepath.Join(dir, f))
		}
		if err := c.limit(limitsOf(&spec)); err != nil {
			t.Errorf("version %d without swap accounting: %v", tt.version, err)
		}
		if err := os.Remove(filepath.Join(dir, "pids.max")); err != nil {
			t.Fatal(err)
		}
		spec.Processes = 11 // what is set already is not set again
		if err := c.limit(limitsOf(&spec)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("version %d: a limit that cannot be set is no error: %v", tt.version, err)
		}
	}
}

func TestCgroupCounters(t *testing.T) {
	h := hierarchy{version: 2, dir: t.TempDir()}
	c := &cgroup{host: &cgroups{memory: h, tree: h}, name: "x", fd: -1}
	dir := filepath.Join(h.dir, "x")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"memory.events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 3\noom_group_kill 1\n",
		"memory.peak":   "4096\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.oomKills(); n != 3 {
		t.Errorf("%d kills, want 3", n)
	}
	if n := c.peak(); n != 4096 {
		t.Errorf("peak %d, want 4096", n)
	}
}
