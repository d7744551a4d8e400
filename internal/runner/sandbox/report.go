package sandbox

import (
	"fmt"
	"strings"
)

// A Report says what a Host enforces on this machine, as data and, in
// Sentences, in words.
type Report struct {
	// Level is the sum of it: "namespaces", "landlock" or "none".
	Level string

	// The guarantees.

	Files        bool // nothing but the Spec's and the system's paths can be read, and only Tmp written
	Memory       bool // memory and environment of processes outside the tree are out of reach
	Signals      bool // processes outside the tree cannot be signalled
	Ports        bool // Process.Guard refuses others at an instance's Runtime API
	PlatformOnly bool // NetworkPlatformOnly can be enforced
	Tree         bool // all that a process has started is found and killed with it
	Orphans      bool // nothing survives this process, even when it is killed
	MemoryLimit  bool // Spec.MemoryMB is enforced
	ProcessLimit bool // Spec.Processes is enforced
	TmpLimit     bool // Spec.TmpBytes is enforced
	Freeze       bool // Process.Freeze works

	// The means.

	Namespaces  []string // "mount", "pid", "ipc", "uts", and "net" for platform-only; own ones, or shared only with other confined processes
	OwnUser     bool     // each process runs as a user of its own
	LandlockABI int      // 0: none
	Seccomp     bool     // system-call filter
	Cgroup      string   // "v1", "v2", "v1+v2" or "": where limits are set
	CgroupTree  bool     // cgroup v2 keeps, freezes and kills trees
	Watched     bool     // memory is limited by looking at it every 20 ms, not by the kernel

	// Reasons are sentences that say what is not in force, and why.
	Reasons []string
}

// Missing names the core guarantees that are not in force: those that Required
// asks for.
func (r Report) Missing() []string {
	var m []string
	for _, g := range []struct {
		ok   bool
		name string
	}{
		{r.Files, "files of others are out of reach"},
		{r.Memory, "memory and environment of others are out of reach"},
		{r.Signals, "others cannot be signalled"},
		{r.Ports, "other instances' Runtime APIs are out of reach"},
		{r.Tree, "a process's whole tree is killed with it"},
		{r.MemoryLimit, "memory is limited"},
	} {
		if !g.ok {
			m = append(m, g.name)
		}
	}
	return m
}

// RequiredError is what Open returns when Mode is Required and the machine
// cannot give the core guarantees.
type RequiredError struct{ Missing []string }

func (e *RequiredError) Error() string {
	return "isolation is required, but cannot be guaranteed here: " + strings.Join(e.Missing, "; ")
}

// Sentences say the same in plain words, one line each, the sum first.
func (r Report) Sentences() []string {
	var out []string
	say := func(ok bool, sentence string) {
		if ok {
			out = append(out, sentence)
		}
	}
	switch r.Level {
	case "namespaces":
		out = append(out, "Each instance runs in namespaces of its own ("+strings.Join(r.Namespaces, ", ")+"): its code is at /var/task, its layers at /opt, and /tmp is its own.")
	case "landlock":
		out = append(out, "Each instance is confined by Landlock, under its real paths; namespaces are not in force.")
	default:
		out = append(out, "Instances are plain processes: nothing keeps them apart from each other or from your files.")
	}
	var means []string
	if r.OwnUser {
		means = append(means, "a user of its own")
	}
	if r.LandlockABI > 0 {
		means = append(means, fmt.Sprintf("Landlock (ABI %d)", r.LandlockABI))
	}
	if r.Seccomp {
		means = append(means, "a system-call filter")
	}
	if len(means) > 0 {
		out = append(out, "In force are "+strings.Join(means, ", ")+".")
	}
	switch {
	case r.Watched:
		out = append(out, "Memory is limited by looking at it every 20 ms.")
	case r.MemoryLimit:
		out = append(out, "Memory is limited by control groups ("+r.Cgroup+").")
	}
	say(r.CgroupTree, "Trees of processes are frozen and killed by control groups.")
	return append(out, r.Reasons...)
}
