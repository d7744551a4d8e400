//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// landlock confines the calling thread to what a Spec names. In a network of
// its own there are only the platform's ports.
func (s *system) landlock(sp *Spec, ownNet bool) error {
	ports := sp.Network == NetworkPlatformOnly && !ownNet
	r, err := newRuleset(s.can.landlock, ports)
	if err != nil {
		return err
	}
	defer r.close()
	var errs []error
	if s.spaces {
		errs = append(errs, r.allow("/", landlockRead), r.allow("/tmp", r.fs), r.allow("/dev", landlockUse))
	} else {
		for _, f := range s.fixed {
			errs = append(errs, r.allowFD(f.fd, f.path, f.rights))
		}
		if sp.CodeDir != "" {
			errs = append(errs, r.allowWithout(sp.CodeDir, sp.masked(s.opts.Masked)))
		}
		for _, p := range slices.Concat(sp.LayerDirs, sp.ReadOnly) {
			errs = append(errs, r.allow(p, landlockRead))
		}
		errs = append(errs, r.allow(sp.Tmp, r.fs))
	}
	if ports {
		errs = append(errs, r.port(0, unix.LANDLOCK_ACCESS_NET_BIND_TCP)) // one of the kernel's choice
		for _, p := range sp.connectable() {
			errs = append(errs, r.port(p, unix.LANDLOCK_ACCESS_NET_CONNECT_TCP))
		}
		for _, p := range sp.Listen {
			errs = append(errs, r.port(p, unix.LANDLOCK_ACCESS_NET_BIND_TCP|unix.LANDLOCK_ACCESS_NET_CONNECT_TCP))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return r.restrict()
}

// fixedPath is a path that every process gets rights on, opened ahead.
type fixedPath struct {
	path   string
	fd     int
	rights uint64
}

// openFixed opens the system's paths for the level where the host's own tree
// is seen. Links into another of them, such as /bin, need no rule.
func (s *system) openFixed() error {
	add := func(path string, rights uint64) error {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("landlock: open %s: %w", path, err)
		}
		s.fixed = append(s.fixed, fixedPath{path, fd, rights})
		return nil
	}
	paths := append(systemPaths(), "/proc")
	if r := resolverFile(); r != "" {
		paths = append(paths, r)
	}
	for _, p := range paths {
		if real, err := filepath.EvalSymlinks(p); err == nil && real != p && inSystem(real) {
			continue
		}
		if err := add(p, landlockRead); err != nil {
			return err
		}
	}
	for _, d := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := add("/dev/"+d, landlockUse); err != nil {
			return err
		}
	}
	return nil
}
