//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// base is the mount namespace that every process's own is copied from: a
// small tree of the system's directories, a /proc of the keeper's PID
// namespace and a few devices. It is made once, so that a start copies a dozen
// mounts.
//
// The tree is a directory of the namespace's root and processes are chrooted
// into it. For the kernel a chrooted process is one that may not make user
// namespaces, which closes that door without a filter.
type base struct {
	keeper  *keeper
	named   bool // a /proc can be told its PID namespace; see proc
	users   users
	mnt     *os.File     // the mount namespace
	uts     *os.File     // the host name's
	root    *os.File     // the tree's directory, for making mount points
	targets sync.Map     // mount points made so far
	using   sync.RWMutex // held for reading while the files above are used
}

// rootDir is the tree's name in the namespace's root.
const rootDir = "root"

// newBase builds the namespaces; dir is an empty directory to build on.
func newBase(dir string, u users, named bool) (*base, error) {
	k, err := startKeeper()
	if err != nil {
		return nil, err
	}
	b := &base{keeper: k, users: u, named: named}
	done := make(chan error, 1)
	onThread(func() { done <- b.build(dir) })
	if err := <-done; err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// build runs on a thread of its own, which leaves the host's mount namespace.
func (b *base) build(dir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Sethostname([]byte("localhost")); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	if err := unix.Mount("nube", dir, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	var err error
	// This thread's namespaces must be opened while the host's /proc is there.
	if b.mnt, err = os.Open("/proc/thread-self/ns/mnt"); err != nil {
		return err
	}
	if b.uts, err = os.Open("/proc/thread-self/ns/uts"); err != nil {
		return err
	}
	tree := filepath.Join(dir, rootDir)
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	if b.root, err = os.OpenFile(tree, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	if err := unix.Chdir(tree); err != nil {
		return os.NewSyscallError("chdir", err)
	}
	if err := errors.Join(b.system(), b.devices(), b.proc(), b.names()); err != nil {
		return err
	}
	for _, d := range []string{"/var/task", "/var/runtime", "/opt", "/tmp"} {
		if err := makeTarget(int(b.root.Fd()), d, true); err != nil {
			return err
		}
	}
	// The host's mounts leave this namespace: the new root goes on top of the
	// old one, which is then taken from under it.
	if err := unix.Chdir(dir); err != nil {
		return os.NewSyscallError("chdir", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	return os.NewSyscallError("umount2", unix.Unmount(".", unix.MNT_DETACH))
}

// system shows the machine's programs and libraries. Links between their
// directories, such as /bin to usr/bin, are made again.
func (b *base) system() error {
	paths := systemPaths()
	if r := resolverFile(); r != "" {
		paths = append(paths, r)
	}
	for _, p := range paths {
		st, err := os.Lstat(p)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if st.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(p)
			if err == nil {
				err = unix.Symlinkat(to, int(b.root.Fd()), p[1:])
			}
			if err != nil {
				return fmt.Errorf("link %s: %w", p, err)
			}
			continue
		}
		if err := b.bind(p, st.IsDir(), roMount); err != nil {
			return err
		}
	}
	return nil
}

// bind shows a host's path under the same name.
func (b *base) bind(path string, dir bool, attr uint64) error {
	if err := makeTarget(int(b.root.Fd()), path, dir); err != nil {
		return err
	}
	fd, err := cloneMount(path, attr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return attach(fd, path[1:])
}

func (b *base) devices() error {
	for _, d := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := b.bind("/dev/"+d, false, unix.MOUNT_ATTR_NOSUID); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		if err := unix.Symlinkat("/proc/self/fd"+to, int(b.root.Fd()), "dev/"+name); err != nil {
			return fmt.Errorf("link /dev/%s: %w", name, err)
		}
	}
	return nil
}

// proc mounts a /proc that shows the keeper's namespace, and in it to each
// process only those of its own user. Since Linux 6.17 the namespace can be
// named; before, the mounting process must be in it, and a thread of ours
// cannot be, so that the system's mount program does it.
func (b *base) proc() error {
	if err := makeTarget(int(b.root.Fd()), "/proc", true); err != nil {
		return err
	}
	if !b.named {
		return b.procByProgram()
	}
	fd, err := newMount("proc", rwMount|unix.MOUNT_ATTR_NOEXEC, []option{{"hidepid", "2"}}, map[string]int{"pidns": int(b.keeper.ns.Fd())})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return attach(fd, "proc")
}

// procCanBeNamed reports whether the kernel knows the option for it.
func procCanBeNamed() bool {
	fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fs)
	ns, err := unix.Open("/proc/self/ns/pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(ns)
	return unix.FsconfigSetFd(fs, "pidns", ns) == nil
}

func (b *base) procByProgram() error {
	if err := unix.Setns(int(b.keeper.ns.Fd()), unix.CLONE_NEWPID); err != nil {
		return os.NewSyscallError("setns", err)
	}
	argv := []string{"sh", "-c", "exec mount -t proc -o nosuid,nodev,noexec,hidepid=2 proc proc"}
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	pid, err := syscall.ForkExec("/bin/sh", argv, &syscall.ProcAttr{Env: env})
	if err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	var ws unix.WaitStatus
	for {
		_, err = unix.Wait4(pid, &ws, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil || ws.ExitStatus() != 0 {
		return fmt.Errorf("mount /proc: the system's mount program failed (status %d): %w", ws.ExitStatus(), errors.Join(err, errors.ErrUnsupported))
	}
	return nil
}

// namedUsers is how many of a Host's users have a name: processes beyond that,
// at once, do without.
const namedUsers = 256

// names replaces /etc/passwd and /etc/group by ones in which the users that
// processes run as have names, as Lambda's has; interpreters look it up.
func (b *base) names() error {
	passwd := []byte("root:x:0:0:root:/root:/sbin/nologin\n")
	group := []byte("root:x:0:\n")
	for i := range int64(namedUsers) {
		name, id := "sbx_user"+strconv.FormatInt(1051+i, 10), strconv.FormatInt(int64(b.users.first)+i, 10)
		passwd = append(passwd, name+":x:"+id+":"+id+"::/home/"+name+":/sbin/nologin\n"...)
		group = append(group, name+":x:"+id+":\n"...)
	}
	for name, text := range map[string][]byte{"passwd": passwd, "group": group} {
		if _, err := os.Stat("etc/" + name); err != nil {
			continue // nothing to mount on, and nothing to look up
		}
		if err := os.WriteFile("../"+name, text, 0o644); err != nil {
			return err
		}
		fd, err := cloneMount("../"+name, roMount)
		if err != nil {
			return err
		}
		err = attach(fd, "etc/"+name)
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	return nil
}

// target makes sure that a path can be mounted on in every copy of the tree.
func (b *base) target(path string, dir bool) error {
	if _, ok := b.targets.Load(path); ok {
		return nil
	}
	b.using.RLock()
	defer b.using.RUnlock()
	if err := makeTarget(int(b.root.Fd()), path, dir); err != nil {
		return err
	}
	b.targets.Store(path, struct{}{})
	return nil
}

// enter moves the calling thread into a copy of the tree, with an own IPC
// namespace and the shared PID namespace for its children. The working
// directory is then the tree, and the thread is not chrooted yet.
func (b *base) enter() error {
	b.using.RLock()
	defer b.using.RUnlock()
	// A thread that shares its working directory with others may not change
	// mount namespaces.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Setns(int(b.mnt.Fd()), unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("setns mnt: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWIPC); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Setns(int(b.uts.Fd()), unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("setns uts: %w", err)
	}
	if err := unix.Setns(int(b.keeper.ns.Fd()), unix.CLONE_NEWPID); err != nil {
		return fmt.Errorf("setns pid: %w", err)
	}
	return os.NewSyscallError("chdir", unix.Chdir(rootDir))
}

func (b *base) close() {
	b.using.Lock()
	defer b.using.Unlock()
	for _, f := range []*os.File{b.mnt, b.uts, b.root} {
		if f != nil {
			f.Close()
		}
	}
	b.keeper.close()
}
