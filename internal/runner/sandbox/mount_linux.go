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

// Mounts here are made detached, with the calls of Linux 5.2 and 5.12, and
// then attached in the process's own namespace. So the source may be named by
// whoever sees it, and no start ever copies the host's mount table, which can
// have thousands of entries.

const (
	roMount = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	rwMount = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
)

// cloneMount makes a detached mount of a path with attributes.
func cloneMount(path string, attr uint64) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, fmt.Errorf("mount %s: open_tree: %w", path, err)
	}
	return fd, setMount(fd, path, attr)
}

// setMount sets a detached mount's attributes; it closes fd when it fails.
func setMount(fd int, name string, attr uint64) error {
	err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr, Propagation: unix.MS_PRIVATE})
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("mount %s: mount_setattr: %w", name, err)
	}
	return nil
}

// option is a parameter of a new file system; one without value is a flag.
type option struct{ key, value string }

// newMount makes a detached mount of a new file system. fds are parameters
// that are file descriptors.
func newMount(kind string, attr int, opts []option, fds map[string]int) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("mount %s: fsopen: %w", kind, err)
	}
	defer unix.Close(fs)
	for _, o := range opts {
		if o.value == "" {
			err = unix.FsconfigSetFlag(fs, o.key)
		} else {
			err = unix.FsconfigSetString(fs, o.key, o.value)
		}
		if err != nil {
			return -1, fmt.Errorf("mount %s: option %s: %w", kind, o.key, err)
		}
	}
	for key, fd := range fds {
		if err := unix.FsconfigSetFd(fs, key, fd); err != nil {
			return -1, fmt.Errorf("mount %s: option %s: %w", kind, key, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("mount %s: create: %w", kind, err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attr)
	if err != nil {
		return -1, fmt.Errorf("mount %s: fsmount: %w", kind, err)
	}
	return fd, nil
}

// layersMount makes one read-only mount of extracted layers; of two files with
// the same name the later layer's is seen, as Lambda documents
// (https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html).
func layersMount(dirs []string) (int, error) {
	if len(dirs) == 1 {
		return cloneMount(dirs[0], roMount)
	}
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`)
	lower := make([]string, 0, len(dirs))
	for i := len(dirs) - 1; i >= 0; i-- { // overlayfs wants the uppermost first
		lower = append(lower, escape.Replace(dirs[i]))
	}
	return newMount("overlay", roMount, []option{{"lowerdir", strings.Join(lower, ":")}}, nil)
}

// tmpMount makes the mount for /tmp: the host's directory, or memory.
func tmpMount(s *Spec, uid int, inMemory bool) (int, error) {
	if !inMemory || s.TmpBytes <= 0 {
		if err := os.Lchown(s.Tmp, uid, uid); err != nil {
			return -1, fmt.Errorf("tmp: %w", err)
		}
		return cloneMount(s.Tmp, rwMount)
	}
	id := strconv.Itoa(uid)
	return newMount("tmpfs", rwMount, []option{
		{"size", strconv.FormatInt(s.TmpBytes, 10)}, {"mode", "0700"}, {"uid", id}, {"gid", id},
	}, nil)
}

// attach puts a detached mount on a path below the calling thread's working
// directory.
func attach(fd int, path string) error {
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount on %s: move_mount: %w", path, err)
	}
	return nil
}

// makeTarget makes a directory, or an empty file, to mount on: path below the
// directory fd, with what lies above it.
func makeTarget(fd int, path string, dir bool) error {
	path = strings.TrimPrefix(path, "/")
	for i := range path {
		if path[i] == '/' {
			if err := unix.Mkdirat(fd, path[:i], 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
				return fmt.Errorf("mount point %s: %w", path[:i], err)
			}
		}
	}
	var err error
	if dir {
		err = unix.Mkdirat(fd, path, 0o755)
	} else {
		err = unix.Mknodat(fd, path, unix.S_IFREG|0o444, 0)
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("mount point %s: %w", path, err)
	}
	return nil
}

// systemPaths are the machine's programs and libraries, which every process
// can read and execute. Those that a machine lacks are passed over.
func systemPaths() []string {
	return []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store"}
}

// inSystem reports whether a path can be read without being named.
func inSystem(path string) bool {
	for _, s := range systemPaths() {
		if within(path, s) {
			return true
		}
	}
	return false
}

// resolverFile is the file behind /etc/resolv.conf when it lies outside the
// system's paths, as with systemd-resolved; otherwise nothing.
func resolverFile() string {
	real, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil || inSystem(real) {
		return ""
	}
	return real
}
