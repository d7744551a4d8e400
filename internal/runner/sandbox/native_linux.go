//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/nube-run/nube/internal/clock"
)

// system is the confiner on Linux. It works on one of two levels. With root's
// rights a process gets namespaces and a user of its own, and Landlock and
// seccomp on top; paths are Lambda's. Without them Landlock and seccomp do
// it alone; paths are the host's.
type system struct {
	opts   Options
	can    abilities
	why    []string // what is not in force, and why
	lock   *os.File // keeps other Hosts out of the directory
	null   *os.File
	mark   string            // begins the marker of every process
	groups *cgroups          // nil: none
	watch  *watcher          // nil: control groups limit the memory
	filter []unix.SockFilter // every process's; nil: no seccomp
	only   []unix.SockFilter // on top of it, NetworkPlatformOnly's
	peers  bool              // the kernel says who connects

	// On the upper level.
	spaces bool // it is the upper level
	users  *userPool
	nets   networks
	points *os.File // a directory of mount points for paths among the layers
	mu     sync.Mutex
	base   *base // replaced, under mu, when its keeper was killed

	// On the lower level.
	fixed []fixedPath // what every process may use

	serial   atomic.Uint64 // of cells
	ready    chan *cell
	busy     atomic.Bool    // a goroutine makes cells
	chores   sync.WaitGroup // in the background; close waits for them
	closing  chan struct{}
	usual    atomic.Pointer[limits] // of the last start: what cells are made with
	launches atomic.Uint64          // counts starts
	settled  uint64                 // launches when quiet saw no more of them; refill's own
	machine  clock.Machine
}

// abilities are what the machine and our rights allow, before trying.
type abilities struct {
	root     bool // effective user 0
	admin    bool // CAP_SYS_ADMIN, CAP_SETUID and what else namespaces need
	landlock int  // ABI
	seccomp  bool
	named    bool // a /proc can be told its PID namespace
	mounts   []cgroupMount
}

func probe() abilities {
	return abilities{
		root:     os.Geteuid() == 0,
		admin:    hasCapabilities(unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_CHOWN, unix.CAP_SYS_CHROOT, unix.CAP_KILL),
		landlock: landlockABI(),
		seccomp:  unix.Prctl(unix.PR_GET_SECCOMP, 0, 0, 0, 0) == nil,
		named:    procCanBeNamed(),
		mounts:   readCgroupMounts(),
	}
}

// hasCapabilities reports whether the calling thread has all of them.
func hasCapabilities(caps ...int) bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) != nil {
		return false
	}
	return !slices.ContainsFunc(caps, func(c int) bool { return data[c/32].Effective&(1<<(c%32)) == 0 })
}

func openNative(o Options) (confiner, error) {
	s, err := openSystem(o, probe())
	if err != nil {
		return nil, err
	}
	return s, nil
}

func openSystem(o Options, can abilities) (_ *system, err error) {
	s := &system{opts: o, can: can, ready: make(chan *cell, readyCells), closing: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	// Files that this process was started with may pass to its children, and
	// must not to those of ours. Older kernels than 5.11 cannot do it at once.
	err = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return nil, os.NewSyscallError("close_range", err)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	if s.lock, err = lockDir(o.Dir); err != nil {
		return nil, err
	}
	if s.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	seed := fnv.New32a()
	fmt.Fprintf(seed, "%d:%s", os.Geteuid(), o.Dir)
	name := fmt.Sprintf(groupPrefix+"%08x", seed.Sum32())
	s.mark = name + "."
	g, err := openCgroups(can.mounts, name)
	if err != nil {
		return nil, err
	}
	if len(g.dirs()) > 0 {
		s.groups = g
	} else {
		s.note("No control group can be made here: memory is watched instead of limited.")
	}
	if err := s.openNamespaces(seed.Sum32()); err != nil {
		s.note("Namespaces are not used: " + err.Error() + ".")
	}
	if s.marks() {
		if err := killAll(func() []int { return marked(s.mark) }); err != nil {
			return nil, err
		}
	}
	if !s.spaces && can.landlock > 0 {
		if err := s.openFixed(); err != nil {
			return nil, err
		}
	}
	s.buildFilters()
	s.peers = canLookupPeers()
	if s.groups == nil || s.groups.memory.version == 0 {
		s.watch = newWatcher()
	}
	s.refill()
	return s, nil
}

func (s *system) note(sentence string) { s.why = append(s.why, sentence) }

// lockDir makes sure that no other Host uses the directory.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("directory %s is in use by another Host: %w", dir, err)
	}
	return f, nil
}

// openNamespaces reaches the upper level, or says why not.
func (s *system) openNamespaces(seed uint32) error {
	if !s.can.admin {
		return errors.New("this user may not make them")
	}
	u, err := chooseUsers(readFile("/proc/self/uid_map"), seed)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.opts.Dir, "root")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	points := filepath.Join(s.opts.Dir, "points")
	if err := os.MkdirAll(points, 0o755); err != nil {
		return err
	}
	if s.points, err = os.OpenFile(points, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	b, err := newBase(dir, u, s.can.named)
	if err != nil {
		return err
	}
	s.base, s.users, s.spaces = b, &userPool{users: u}, true
	return nil
}

// buildFilters makes the seccomp programs.
func (s *system) buildFilters() {
	if !s.can.seccomp {
		s.note("The kernel has no seccomp filters.")
		return
	}
	s.filter = assemble(filterRules(s.groups != nil && s.groups.tree.version != 0))
	s.only = assemble(platformRules())
}

// marks reports whether processes need a marker to be found again, also by the
// next Host when this one ends without closing.
func (s *system) marks() bool { return s.groups == nil && !s.spaces }

func (s *system) layout(sp *Spec) Layout {
	if !s.spaces {
		return realLayout(sp)
	}
	l := Layout{Task: "/var/task", Tmp: "/tmp"}
	if len(sp.LayerDirs) > 0 {
		l.Opt = []string{"/opt"}
	}
	return l
}

func (s *system) close() error {
	close(s.closing)
	s.chores.Wait()
	var errs []error
	for len(s.ready) > 0 {
		errs = append(errs, (<-s.ready).discard())
	}
	if s.base != nil {
		s.base.close()
	}
	if s.groups != nil {
		errs = append(errs, s.groups.close())
	}
	s.nets.close()
	if s.watch != nil {
		s.watch.close()
	}
	for _, f := range s.fixed {
		unix.Close(f.fd)
	}
	for _, f := range []*os.File{s.null, s.points, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
