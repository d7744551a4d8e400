//go:build amd64 || arm64

package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func (s *system) start(_ context.Context, sp *Spec) (child, error) {
	if sp.Network == NetworkPlatformOnly && !s.platformOnly() {
		return nil, ErrNetwork
	}
	base := s.currentBase()
	t, err := s.launch(sp)
	if err != nil && s.renew(base) {
		t, err = s.launch(sp)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// launch starts a process in a cell.
func (s *system) launch(sp *Spec) (*tree, error) {
	c, err := s.cell()
	if err != nil {
		return nil, err
	}
	j := &job{spec: sp, reply: make(chan launched)}
	defer func() {
		for _, m := range j.mounts {
			unix.Close(m.fd)
		}
	}()
	if err := s.prepare(c, j); err != nil {
		return nil, errors.Join(err, c.discard())
	}
	c.jobs <- j
	l := <-j.reply
	s.refill() // only now, so that it does not compete with the start
	if l.err != nil {
		return nil, errors.Join(l.err, c.dispose())
	}
	return s.newTree(c, sp, l), nil
}

// prepare does what a cell's thread cannot, from where the host's files are
// seen.
func (s *system) prepare(c *cell, j *job) error {
	if c.group != nil {
		l := limitsOf(j.spec)
		if err := c.group.limit(l); err != nil {
			return err
		}
		s.usual.Store(&l)
	}
	if j.spec.Network == NetworkPlatformOnly && s.ownNets() {
		if err := c.connect(j.spec); err != nil {
			return err
		}
	}
	if c.base != nil {
		return s.mounts(j, c)
	}
	return nil
}

// mounts makes the detached mounts for a job, in the order in which they are
// attached.
func (s *system) mounts(j *job, c *cell) error {
	sp := j.spec
	add := func(path string, fd int, err error) error {
		if err == nil {
			j.mounts = append(j.mounts, mount{fd, path})
		}
		return err
	}
	tmp, err := tmpMount(sp, c.uid, s.opts.TmpInMemory)
	if err := add("/tmp", tmp, err); err != nil {
		return err
	}
	if sp.CodeDir != "" {
		fd, err := cloneMount(sp.CodeDir, roMount)
		if err := add("/var/task", fd, err); err != nil {
			return err
		}
		for _, m := range sp.masked(s.opts.Masked) {
			if st, err := os.Stat(m); err != nil || !st.IsDir() {
				continue // nothing there to hide
			}
			rel, err := filepath.Rel(sp.CodeDir, m)
			if err != nil {
				return err
			}
			fd, err := newMount("tmpfs", roMount, []option{{"mode", "0555"}, {"size", "4k"}}, nil)
			if err := add(filepath.Join("/var/task", rel), fd, err); err != nil {
				return err
			}
		}
	}
	extra := readOnly(sp.ReadOnly)
	if len(sp.LayerDirs) > 0 {
		layers := sp.LayerDirs
		if i := slices.IndexFunc(extra, func(p string) bool { return within(p, "/opt") }); i >= 0 {
			layers = append([]string{filepath.Join(s.points.Name(), "opt")}, layers...) // the lowest, with the mount points
		}
		fd, err := layersMount(layers)
		if err := add("/opt", fd, err); err != nil {
			return err
		}
	}
	for _, p := range extra {
		st, err := os.Stat(p)
		if err != nil {
			return err
		}
		switch {
		case p == "/opt" && len(sp.LayerDirs) > 0:
			return errors.New("read-only path /opt would hide the layers")
		case within(p, "/tmp"):
			err = makeTarget(tmp, strings.TrimPrefix(p, "/tmp"), st.IsDir())
		case within(p, "/opt") && len(sp.LayerDirs) > 0:
			err = makeTarget(int(s.points.Fd()), p, st.IsDir())
		default:
			err = c.base.target(p, st.IsDir())
		}
		if err != nil {
			return err
		}
		fd, err := cloneMount(p, roMount)
		if err := add(p, fd, err); err != nil {
			return err
		}
	}
	return nil
}

// readOnly are the paths that need a mount of their own: not the system's, and
// of one within another only the outer.
func readOnly(paths []string) []string {
	paths = slices.Clone(paths)
	slices.Sort(paths)
	var out []string
	for _, p := range paths {
		p = filepath.Clean(p)
		if inSystem(p) || slices.ContainsFunc(out, func(o string) bool { return within(p, o) }) {
			continue
		}
		out = append(out, p)
	}
	return out
}
