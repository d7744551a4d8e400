//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchy is where a Host has its directory for one thing that control
// groups do. A machine may have the controllers on version 1, on version 2
// (https://docs.kernel.org/admin-guide/cgroup-v2.html), or some on each.
type hierarchy struct {
	version int    // 1 or 2; 0: not to be had
	dir     string // the Host's directory
}

// group is the directory of one tree of processes.
func (h hierarchy) group(name string) string {
	return filepath.Join(h.dir, name)
}

// cgroups is a Host's place in the control group hierarchies. Fields whose
// version is 0 are not available to this user on this machine.
type cgroups struct {
	//
	// The cpu controller is not among them. A group is scheduled as one, and each
	// step between groups costs: with a group for each instance, a quarter of a
	// warm function's throughput went into switching, and an instance whose turn
	// had passed waited for tens of milliseconds. In one group with this process
	// they take turns as threads do.
	memory, pids hierarchy
	// tree is version 2's own doing, which needs no controller: it knows the
	// members of a tree, and kills and freezes them at once.
	tree  hierarchy
	locks []*os.File // on the directories
}

// cgroupMount is one mounted hierarchy.
type cgroupMount struct {
	version     int
	controllers []string // of version 1
	own         string   // this process's directory in it
	top         string   // the highest directory that is visible
}

// openCgroups makes the Host's directories, called name, wherever it may, and
// kills what Hosts that ended without closing have left behind. One Host at a
// time does so: a directory that is made, but not locked yet, would be taken
// for left behind.
func openCgroups(mounts []cgroupMount, name string) (*cgroups, error) {
	g := &cgroups{}
	if len(mounts) == 0 {
		return g, nil
	}
	one, err := os.Open(mounts[0].top)
	if err != nil {
		return nil, fmt.Errorf("cgroups: %w", err)
	}
	defer one.Close()
	if err := unix.Flock(int(one.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("cgroups: lock %s: %w", mounts[0].top, err)
	}
	g.find(mounts, name)
	if err := g.sweep(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	g.weigh()
	return g, nil
}

// weigh makes the group of all instances weigh as much as many processes,
// where version 2 schedules it as one because its parent hands down the cpu
// controller: with the weight of one process, all instances together would get
// what a single thread of ours gets, and a busy cloud would starve its
// functions.
func (g *cgroups) weigh() {
	if g.tree.version == 2 { // without the controller there is no such file
		_ = writeFile(filepath.Join(g.tree.dir, "cpu.weight"), "10000")
	}
}

// find makes the directories.
func (g *cgroups) find(mounts []cgroupMount, name string) {
	for _, m := range mounts {
		if m.version == 2 {
			g.openUnified(m, name)
			continue
		}
		for _, c := range m.controllers {
			h := map[string]*hierarchy{"memory": &g.memory, "pids": &g.pids}[c]
			if h == nil || h.version != 0 {
				continue
			}
			dir := filepath.Join(m.own, name)
			if os.Mkdir(dir, 0o755) == nil || isDir(dir) {
				*h = hierarchy{version: 1, dir: dir}
			}
		}
	}
}

// openUnified takes version 2. Its controllers can only be handed down from a
// group without processes of its own, so the first choice, below our own
// group, gives none unless we are alone there and move aside. The second is
// the top, where systemd has usually handed them down.
func (g *cgroups) openUnified(m cgroupMount, name string) {
	own := strings.TrimSuffix(m.own, "/"+asideName) // when an earlier Host has moved us
	for _, parent := range slices.Compact([]string{own, m.top}) {
		dir := filepath.Join(parent, name)
		if os.Mkdir(dir, 0o755) != nil && !isDir(dir) {
			continue
		}
		if handDown(parent) != nil && alone(parent) {
			aside := filepath.Join(parent, asideName)
			if os.Mkdir(aside, 0o755) == nil || isDir(aside) {
				if writeFile(filepath.Join(aside, "cgroup.procs"), "0") == nil {
					handDown(parent)
				}
			}
		}
		handDown(dir) // what the parent has handed down to us, to each process's group
		got := g.tree.version != 0
		has := strings.Fields(readFile(filepath.Join(dir, "cgroup.subtree_control")))
		if got && len(has) == 0 {
			os.Remove(dir) // the second choice is no better
			continue
		}
		if got {
			os.Remove(g.tree.dir)
		}
		g.tree = hierarchy{version: 2, dir: dir}
		for c, h := range map[string]*hierarchy{"memory": &g.memory, "pids": &g.pids} {
			if slices.Contains(has, c) {
				*h = g.tree
			}
		}
		if len(has) > 0 {
			return
		}
	}
}

// asideName is the group that this process moves into to make room beside it.
const asideName = "nube-self"

// handDown gives the groups in dir the controllers that dir has. One that is
// missing or refused does not keep the others.
func handDown(dir string) error {
	var errs []error
	has := strings.Fields(readFile(filepath.Join(dir, "cgroup.controllers")))
	for _, c := range []string{"memory", "pids"} {
		if slices.Contains(has, c) {
			errs = append(errs, writeFile(filepath.Join(dir, "cgroup.subtree_control"), "+"+c))
		}
	}
	return errors.Join(errs...)
}

// alone reports whether this process is the only one in the group.
func alone(dir string) bool {
	return strings.TrimSpace(readFile(filepath.Join(dir, "cgroup.procs"))) == strconv.Itoa(os.Getpid())
}

// all are the hierarchies that the Host uses, each once.
func (g *cgroups) all() []hierarchy {
	var out []hierarchy
	for _, h := range []hierarchy{g.tree, g.memory, g.pids} {
		if h.version != 0 && !slices.ContainsFunc(out, func(o hierarchy) bool { return o.group("") == h.group("") }) {
			out = append(out, h)
		}
	}
	return out
}

// dirs are the Host's directories, each once.
func (g *cgroups) dirs() []string {
	var out []string
	for _, h := range g.all() {
		if !slices.Contains(out, h.dir) {
			out = append(out, h.dir)
		}
	}
	return out
}

// version names where limits are set.
func (g *cgroups) version() string {
	var out []string
	for v := 1; v <= 2; v++ {
		for _, h := range []hierarchy{g.memory, g.pids} {
			if h.version == v {
				out = append(out, fmt.Sprintf("v%d", v))
				break
			}
		}
	}
	return strings.Join(out, "+")
}

// sweep locks the Host's directories for as long as it is open, kills what is
// left in them from a Host that ended without closing, and does the same in
// the directories of other Hosts that nobody has locked.
func (g *cgroups) sweep() error {
	for _, dir := range g.dirs() {
		l, err := lockGroup(dir)
		if err != nil {
			return err
		}
		g.locks = append(g.locks, l)
		if err := emptyGroups(dir); err != nil {
			return err
		}
		others, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), groupPrefix+"????????")) // a good pattern
		for _, other := range others {
			l, err := lockGroup(other)
			if err != nil {
				continue // it is in use, or has just gone
			}
			// What cannot be removed is not ours to complain about.
			if emptyGroups(other) == nil {
				_ = unix.Rmdir(other)
			}
			l.Close()
		}
	}
	return nil
}

// groupPrefix begins the names of Hosts' directories.
const groupPrefix = "nube-"

// lockGroup takes a directory for this Host, if nobody has it.
func lockGroup(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cgroups: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("cgroups: %s is in use: %w", dir, err)
	}
	return f, nil
}

// emptyGroups kills what is in the groups of a Host's directory, and removes
// them.
func emptyGroups(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cgroups: %w", err)
	}
	var groups []string
	for _, n := range names {
		if n.IsDir() {
			groups = append(groups, hierarchy{dir: dir}.group(n.Name()))
		}
	}
	var errs []error
	for _, group := range groups {
		errs = append(errs, emptyGroup(group))
	}
	return errors.Join(errs...)
}

// close removes the Host's directories, which must have no groups any more.
func (g *cgroups) close() error {
	var errs []error
	for _, dir := range g.dirs() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("cgroups: %w", err))
		}
	}
	for _, l := range g.locks {
		l.Close()
	}
	return errors.Join(errs...)
}

// readCgroupMounts finds the hierarchies and this process's place in them.
func readCgroupMounts() []cgroupMount {
	return parseCgroupMounts(readFile("/proc/self/mountinfo"), readFile("/proc/self/cgroup"))
}

// parseCgroupMounts reads the two files of proc_pid_mountinfo(5) and
// cgroups(7).
func parseCgroupMounts(mountinfo, membership string) []cgroupMount {
	own := map[string]string{} // controller → path; "" for version 2
	for line := range strings.Lines(membership) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		for _, c := range strings.Split(f[1], ",") {
			own[c] = f[2]
		}
	}
	var out []cgroupMount
	for line := range strings.Lines(mountinfo) {
		place, kind, ok := strings.Cut(line, " - ")
		p, k := strings.Fields(place), strings.Fields(kind)
		if !ok || len(p) < 5 || len(k) < 3 {
			continue
		}
		root, dir := unescapeMount(p[3]), unescapeMount(p[4])
		switch k[0] {
		case "cgroup2":
			out = append(out, cgroupMount{version: 2, own: below(dir, root, own[""]), top: dir})
		case "cgroup":
			for _, c := range strings.Split(k[2], ",") {
				if path, ok := own[c]; ok && c != "" {
					out = append(out, cgroupMount{version: 1, controllers: []string{c}, own: below(dir, root, path), top: dir})
				}
			}
		}
	}
	return out
}

// below is where path, as the kernel names it, lies when the hierarchy's root
// is mounted at dir. In a container the two need not agree; the mount's top is
// then all there is.
func below(dir, root, path string) string {
	if root == "/" {
		return filepath.Join(dir, path)
	}
	if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
		return filepath.Join(dir, rest)
	}
	return dir
}

// unescapeMount undoes the octal escapes of blanks and backslashes.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// writeFile writes to a file that exists, in one call, as control files want
// it.
func writeFile(path, s string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(s))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("write %q to %s: %w", s, path, err)
	}
	return nil
}

// readFile returns a control file's contents, or nothing.
//
// The kernel's files are small and cannot be waited for: os.ReadFile, which asks
// for their size and tries to, takes twice the time.
func readFile(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	b := make([]byte, 2<<10)
	n := 0
	for {
		k, err := unix.Read(fd, b[n:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return ""
		case k == 0:
			return string(b[:n])
		}
		if n += k; n == len(b) {
			b = append(b, make([]byte, len(b))...)
		}
	}
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
