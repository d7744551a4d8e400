//go:build amd64 || arm64

package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A cell is one process's surroundings made ahead: a thread that stands in
// namespaces and control groups of its own and waits for what to start. It
// serves one process. Making it costs about as much as starting the process,
// so that a few are kept ready.
type cell struct {
	sys   *system
	base  *base // nil: no namespaces
	name  string
	group *cgroup // nil: none
	uid   int     // 0: the Host's own user
	jobs  chan *job
	gone  chan struct{} // closed when the process is no more, for a parked thread

	// Set for one process that gets a network of its own.
	net   *network
	relay *relay
}

// job is what a cell starts, with the detached mounts that the caller made.
type job struct {
	spec   *Spec
	mounts []mount
	reply  chan launched
}

// mount is a detached mount and where it goes.
type mount struct {
	fd   int
	path string
}

type launched struct {
	pid, pidfd int
	err        error
}

// newCell makes a cell and its thread.
func (s *system) newCell() (*cell, error) {
	c := &cell{sys: s, base: s.currentBase(), name: strconv.FormatUint(s.serial.Add(1), 10), jobs: make(chan *job), gone: make(chan struct{})}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(err, c.dispose())
	}
	ready := make(chan error)
	onThread(func() {
		err := c.enter()
		ready <- err
		if err != nil {
			return
		}
		j, ok := <-c.jobs
		if !ok {
			return
		}
		var l launched
		l.pid, l.pidfd, l.err = c.launch(j)
		j.reply <- l
		if l.err == nil && c.base == nil {
			<-c.gone // the end of this thread is what kills an orphan
		}
	})
	if err := <-ready; err != nil {
		return nil, errors.Join(err, c.dispose())
	}
	return c, nil
}

// furnish gets what does not need the thread.
func (c *cell) furnish() (err error) {
	if c.sys.users != nil {
		if c.uid, err = c.sys.users.take(); err != nil {
			return err
		}
	}
	if c.sys.groups == nil {
		return nil
	}
	if c.group, err = c.sys.groups.newCgroup(c.name); err != nil {
		return err
	}
	// Functions of one application mostly have one size.
	if l := c.sys.usual.Load(); l != nil {
		return c.group.limit(*l)
	}
	return nil
}

// enter moves the calling thread into the cell and takes from it what it will
// not need for the start.
func (c *cell) enter() error {
	s := c.sys
	if c.group != nil {
		if err := c.group.enter(); err != nil {
			return err
		}
	}
	if c.base != nil {
		if err := c.base.enter(); err != nil {
			return err
		}
	} else if s.can.root {
		if err := dropCapabilities(); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl no_new_privs", err)
	}
	if s.filter == nil {
		return nil
	}
	return installFilter(s.filter)
}

// connect gives the cell a network of its own for a process.
func (c *cell) connect(s *Spec) (err error) {
	if c.net, err = c.sys.nets.take(); err != nil {
		return err
	}
	c.relay, err = newRelay(c.net, s.connectable())
	return err
}

// dispose gives back what the cell holds, once, when nothing runs in it any
// more.
func (c *cell) dispose() error {
	var err error
	if c.group != nil {
		err = c.group.remove()
	}
	if c.relay != nil {
		c.relay.close()
	}
	if c.net != nil {
		c.sys.nets.put(c.net)
	}
	if c.uid != 0 {
		c.sys.users.put(c.uid)
	}
	return err
}

// discard ends a cell that was never used.
func (c *cell) discard() error {
	close(c.jobs)
	return c.dispose()
}

// launch does what the Spec decides and starts the program.
func (c *cell) launch(j *job) (pid, pidfd int, err error) {
	s := j.spec
	if c.net != nil {
		if err := unix.Setns(int(c.net.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return 0, -1, fmt.Errorf("setns net: %w", err)
		}
	}
	for _, m := range j.mounts {
		if err := attach(m.fd, m.path[1:]); err != nil {
			return 0, -1, err
		}
	}
	if c.base != nil {
		if err := unix.Chroot("."); err != nil {
			return 0, -1, os.NewSyscallError("chroot", err)
		}
	}
	if c.sys.can.landlock > 0 {
		if err := c.sys.landlock(s, c.net != nil); err != nil {
			return 0, -1, err
		}
	}
	if s.Network == NetworkPlatformOnly && c.net == nil {
		if err := installFilter(c.sys.only); err != nil {
			return 0, -1, err
		}
	}
	return c.spawn(s)
}

// spawn starts the program.
func (c *cell) spawn(s *Spec) (pid, pidfd int, err error) {
	null := c.sys.null.Fd()
	files := []uintptr{null, null, null}
	for i, f := range []*os.File{s.Stdout, s.Stderr} {
		if f == nil {
			continue
		}
		files[i+1] = f.Fd() // which also makes it blocking, as programs expect
		if c.uid != 0 {
			if err := ownPipe(f, c.uid); err != nil {
				return 0, -1, err
			}
		}
	}
	// A session of its own keeps a program from the terminal, which one in a base
	// does not see. There it would only be a scheduling group of its own
	// (sched(7), autogroup), which costs what control groups would.
	attr := &syscall.SysProcAttr{Setsid: c.base == nil, Setpgid: c.base != nil, PidFD: &pidfd}
	if c.base == nil {
		attr.Pdeathsig = unix.SIGKILL
	}
	if c.uid != 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid)}
	}
	if c.group != nil && c.group.fd >= 0 {
		attr.UseCgroupFD, attr.CgroupFD = true, c.group.fd
	}
	at := c.sys.layout(s)
	env := s.Env
	if c.sys.marks() {
		env = append(env[:len(env):len(env)], markerKey+"="+c.marker())
	}
	pid, err = syscall.ForkExec(s.Argv[0], s.Argv, &syscall.ProcAttr{Dir: cmp.Or(s.WorkDir, at.Task, at.Tmp), Env: env, Files: files, Sys: attr})
	if errors.Is(err, unix.EACCES) && c.uid != 0 {
		err = fmt.Errorf("%w (the code runs as a user of its own: it must be readable and executable for others, as on Lambda)", err)
	}
	return pid, pidfd, err
}

// marker is the value of the variable that marks this cell's processes.
func (c *cell) marker() string { return c.sys.mark + c.name + "." }

// ownPipe lets the program open its own output again by name, as through
// /dev/stdout.
func ownPipe(f *os.File, uid int) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil
	}
	if err := unix.Fchown(int(f.Fd()), uid, uid); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// dropCapabilities takes all of root's special rights from the calling thread.
// With no_new_privs a program that it becomes cannot get them back, although
// its user is root.
func dropCapabilities() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return os.NewSyscallError("capset", unix.Capset(&hdr, &none[0]))
}
