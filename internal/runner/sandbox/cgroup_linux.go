//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroup is the control group of one tree of processes: a directory of the
// same name in each hierarchy that the Host uses.
type cgroup struct {
	host *cgroups
	name string
	fd   int // of the directory in version 2, to start a child in it; -1 when there is none
	set  limits
}

// limits are what a group bounds.
type limits struct {
	memoryMB  int // 0 is no limit
	processes int
}

func limitsOf(s *Spec) limits { return limits{s.MemoryMB, s.processes()} }

// newCgroup makes the directories. The caller removes them.
func (g *cgroups) newCgroup(name string) (*cgroup, error) {
	c := &cgroup{host: g, name: name, fd: -1}
	for _, h := range g.all() {
		if err := os.Mkdir(h.group(name), 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("cgroup: %w", err), c.remove())
		}
	}
	if g.tree.version == 2 {
		fd, err := unix.Open(c.path(g.tree, ""), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cgroup: open: %w", err), c.remove())
		}
		c.fd = fd
	}
	return c, nil
}

func (c *cgroup) path(h hierarchy, file string) string { return filepath.Join(h.group(c.name), file) }

// enter moves the calling thread into the version 1 groups, so that its child
// is born there. Version 2 takes the child directly, by fd.
func (c *cgroup) enter() error {
	var last string
	for _, h := range []hierarchy{c.host.memory, c.host.pids} {
		if h.version != 1 || h.group(c.name) == last {
			continue
		}
		last = h.group(c.name)
		if err := writeFile(c.path(h, "tasks"), "0"); err != nil {
			return fmt.Errorf("cgroup: enter: %w", err)
		}
	}
	return nil
}

// limit sets limits that are not set already, as far as there are controllers.
func (c *cgroup) limit(l limits) error {
	if l == c.set {
		return nil
	}
	var errs []error
	set := func(h hierarchy, file, value string) {
		errs = append(errs, writeFile(c.path(h, file), value))
	}
	optional := func(h hierarchy, file, value string) { // not every kernel has swap accounting
		if err := writeFile(c.path(h, file), value); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if l.memoryMB != c.set.memoryMB {
		bytes := strconv.Itoa(l.memoryMB << 20)
		switch h := c.host.memory; h.version {
		case 1:
			if c.set.memoryMB > 0 { // memory may not exceed memory and swap together
				optional(h, "memory.memsw.limit_in_bytes", "-1")
			}
			if l.memoryMB == 0 {
				bytes = "-1"
			}
			set(h, "memory.limit_in_bytes", bytes)
			optional(h, "memory.memsw.limit_in_bytes", bytes)
		case 2:
			if l.memoryMB == 0 {
				bytes = "max"
			}
			set(h, "memory.max", bytes)
			optional(h, "memory.swap.max", "0")
			optional(h, "memory.oom.group", "1")
		}
	}
	if h := c.host.pids; h.version != 0 && l.processes != c.set.processes {
		set(h, "pids.max", strconv.Itoa(l.processes))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cgroup: limit: %w", err)
	}
	c.set = l
	return nil
}

// oomKills counts the processes that the kernel has killed for the memory
// limit.
func (c *cgroup) oomKills() int {
	file := "memory.events"
	if c.host.memory.version == 1 {
		file = "memory.oom_control"
	}
	return int(field(readFile(c.path(c.host.memory, file)), "oom_kill"))
}

// peak is the most memory that was charged to the tree, or 0 where that is not
// known.
func (c *cgroup) peak() int64 {
	var file string
	switch c.host.memory.version {
	case 1:
		file = "memory.max_usage_in_bytes"
	case 2:
		file = "memory.peak" // Linux 5.19
	default:
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(readFile(c.path(c.host.memory, file))), 10, 64)
	return n
}

// field finds "name value" on a line of a control file.
func field(s, name string) int64 {
	for line := range strings.Lines(s) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			n, _ := strconv.ParseInt(f[1], 10, 64) // the kernel's own number
			return n
		}
	}
	return 0
}

// members are the processes of the tree, or nil when no hierarchy knows.
func (c *cgroup) members() []int {
	for _, h := range []hierarchy{c.host.tree, c.host.pids, c.host.memory} {
		if h.version != 0 {
			return groupMembers(c.path(h, ""))
		}
	}
	return nil
}

// kill ends every process of the tree at once.
func (c *cgroup) kill() error { return killGroup(c.path(c.anyTree(), "")) }

// anyTree is the hierarchy that knows the tree best.
func (c *cgroup) anyTree() hierarchy {
	for _, h := range []hierarchy{c.host.tree, c.host.pids, c.host.memory} {
		if h.version != 0 {
			return h
		}
	}
	return hierarchy{}
}

// freezable reports whether the tree can be frozen by the kernel.
func (g *cgroups) freezable() bool { return g.tree.version == 2 }

// freeze stops or continues every process of the tree.
func (c *cgroup) freeze(frozen bool) error {
	v := "0"
	if frozen {
		v = "1"
	}
	return writeFile(c.path(c.host.tree, "cgroup.freeze"), v)
}

// remove kills what is left in the group, waits until it is gone, and removes
// the directories.
func (c *cgroup) remove() error {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
	var errs []error
	for _, h := range c.host.all() {
		errs = append(errs, emptyGroup(h.group(c.name)))
	}
	return errors.Join(errs...)
}

// groupMembers lists a group's processes, except this one: a thread of ours
// stands in a version 1 group while it waits for work.
func groupMembers(dir string) []int {
	var out []int
	self := os.Getpid()
	for line := range strings.Lines(readFile(filepath.Join(dir, "cgroup.procs"))) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 && pid != self {
			out = append(out, pid)
		}
	}
	return out
}
