//go:build amd64 || arm64

package sandbox

import "slices"

// report follows from what the Host has opened, not from what it hoped for.
func (s *system) report() Report {
	spaces, ll := s.spaces, s.can.landlock
	g := s.groups
	if g == nil {
		g = &cgroups{}
	}
	r := Report{
		Level:        "none",
		Files:        spaces || ll > 0,
		Memory:       spaces || ll > 0,
		Signals:      spaces || ll >= landlockScopeABI,
		Ports:        s.peers,
		PlatformOnly: s.platformOnly(),
		Tree:         !s.marks(),
		Orphans:      spaces,
		MemoryLimit:  true,
		ProcessLimit: g.pids.version != 0,
		TmpLimit:     spaces && s.opts.TmpInMemory,
		Freeze:       true,
		OwnUser:      s.users != nil,
		LandlockABI:  ll,
		Seccomp:      s.filter != nil,
		Cgroup:       g.version(),
		CgroupTree:   g.tree.version != 0,
		Watched:      s.watch != nil,
		Reasons:      slices.Clone(s.why),
	}
	switch {
	case spaces:
		r.Level, r.Namespaces = "namespaces", []string{"mount", "pid", "ipc", "uts"}
		if s.ownNets() {
			r.Namespaces = append(r.Namespaces, "net")
		}
	case ll > 0:
		r.Level = "landlock"
	}
	no := func(bad bool, sentence string) {
		if bad {
			r.Reasons = append(r.Reasons, sentence)
		}
	}
	no(ll == 0, "The kernel has no Landlock.")
	no(!r.Signals, "Instances can signal each other and nube: that needs Landlock ABI 6 (Linux 6.12).")
	no(!r.PlatformOnly, "A function's network cannot be limited to the platform: that needs Landlock ABI 4 (Linux 6.7) and seccomp.")
	no(!r.Ports, "Instances can reach each other's Runtime API: the kernel does not say who connects.")
	no(!r.TmpLimit, "The size of /tmp is not limited: it is on the disk.")
	no(!spaces, "If nube is killed, its instances end with it; what they started themselves ends when nube starts again.")
	no(!spaces, "Instances can see the names and arguments of your other processes, and connect to sockets that have a name in the file system.")
	no(!r.Tree, "What an instance has started is found by its family, session and environment: a process that leaves all three survives it.")
	no(!r.ProcessLimit, "The number of processes is not limited: there is no pids controller.")
	return r
}

// platformOnly reports whether a network can be limited to the platform.
// Landlock knows TCP; the filter closes the rest.
func (s *system) platformOnly() bool {
	return s.ownNets() || s.can.landlock >= landlockNetABI && s.filter != nil
}

// ownNets reports whether NetworkPlatformOnly means a network of its own: when
// that is asked for, or when nothing else can do it.
func (s *system) ownNets() bool {
	return s.spaces && (s.opts.NetworkNamespaces || s.can.landlock < landlockNetABI || s.filter == nil)
}
