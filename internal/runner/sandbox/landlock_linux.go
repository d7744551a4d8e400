//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock's rights (https://docs.kernel.org/userspace-api/landlock.html), by
// the ABI that brought them.
const (
	landlockABI1FS = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // Linux 5.13
	landlockABI2FS = landlockABI1FS | unix.LANDLOCK_ACCESS_FS_REFER
	landlockABI3FS = landlockABI2FS | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	landlockABI5FS = landlockABI3FS | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	landlockNetABI   = 4 // TCP ports, Linux 6.7
	landlockScopeABI = 6 // signals and abstract unix sockets, Linux 6.12

	landlockRead = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockUse  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// landlockFile are the rights that may stand on a rule for a file; others
	// there are EINVAL.
	landlockFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	landlockRuleNetPort = 2 // LANDLOCK_RULE_NET_PORT, which x/sys lacks
)

// landlockNetPort is struct landlock_net_port_attr.
type landlockNetPort struct{ access, port uint64 }

// landlockABI is the version that the kernel offers, or 0.
func landlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

func landlockFS(abi int) uint64 {
	switch {
	case abi >= 5:
		return landlockABI5FS
	case abi >= 3:
		return landlockABI3FS
	case abi == 2:
		return landlockABI2FS
	default:
		return landlockABI1FS
	}
}

// A ruleset is a Landlock domain being written: everything that it handles is
// refused except what is added.
type ruleset struct {
	fd  int
	fs  uint64
	net uint64
}

// newRuleset begins a domain. It handles TCP ports when net is true, and
// signals and abstract sockets wherever the kernel can.
func newRuleset(abi int, net bool) (*ruleset, error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: landlockFS(abi)}
	if net {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= landlockScopeABI {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	// A kernel that knows a shorter attribute takes ours, because what it does
	// not know is zero.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return nil, os.NewSyscallError("landlock_create_ruleset", errno)
	}
	return &ruleset{fd: int(fd), fs: attr.Handled_access_fs, net: attr.Handled_access_net}, nil
}

// allow adds rights on a path and what lies below it, as the calling thread
// sees it. A path that does not exist cannot be reached and is no error.
func (r *ruleset) allow(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("landlock: open %s: %w", path, err)
	}
	defer unix.Close(fd)
	return r.allowFD(fd, path, rights)
}

func (r *ruleset) allowFD(fd int, path string, rights uint64) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("landlock: stat %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= landlockFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.fs, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("landlock: rule for %s: %w", path, errno)
	}
	return nil
}

// allowWithout lets a directory be read but for the masked ones in it. Landlock
// has no exceptions: each entry beside the way to a masked directory gets a rule
// of its own, and the directory itself may only be listed.
func (r *ruleset) allowWithout(dir string, masked []string) error {
	if len(masked) == 0 {
		return r.allow(dir, landlockRead)
	}
	if err := r.allow(dir, unix.LANDLOCK_ACCESS_FS_READ_DIR); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		var below []string
		for _, m := range masked {
			if within(m, at) {
				below = append(below, m)
			}
		}
		if slices.Contains(below, at) {
			continue
		}
		if err := r.allowWithout(at, below); err != nil {
			return err
		}
	}
	return nil
}

// port adds rights on a TCP port; it needs a ruleset that handles ports.
func (r *ruleset) port(port int, rights uint64) error {
	attr := landlockNetPort{access: rights, port: uint64(port)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), landlockRuleNetPort, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("landlock: rule for port %d: %w", port, errno)
	}
	return nil
}

// restrict confines the calling thread, for ever. The thread must have
// no_new_privs.
func (r *ruleset) restrict() error {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return os.NewSyscallError("landlock_restrict_self", errno)
	}
	return nil
}

func (r *ruleset) close() { unix.Close(r.fd) }
