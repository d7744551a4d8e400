package sandbox

import (
	"strings"
)

// A Report says what a Host enforces on this machine.
type Report struct {
	// Level is the sum of it: "namespaces", "landlock" or "none".
	Level string
	// Namespaces that each process has of its own or shares only with other
	// confined processes: "mount", "pid", "ipc", "uts", "user", "net".
	Namespaces   []string
	LandlockABI  int    // 0: none
	Seccomp      bool   // system-call filter
	OwnUser      bool   // each process runs as a user of its own
	Cgroup       string // "v1", "v2", "v1+v2" or "": where limits are set
	MemoryLimit  string // "cgroup", "watched" or "": who enforces MemoryMB
	CPULimit     bool
	ProcessLimit bool
	TmpLimit     bool
	Freeze       string // "cgroup", "signal" or ""
	KillTree     string // "cgroup", "walk", "group" or "": how a tree is killed
	Files        bool   // nothing but the Spec's and the system's paths can be read
	Memory       bool   // memory and environment of other processes out of reach
	Signals      bool   // other processes cannot be signalled
	Ports        bool   // other instances' Runtime APIs cannot be reached
	PlatformOnly bool   // NetworkPlatformOnly can be enforced
	Orphans      bool   // no process survives this one, even when it is killed

	// Reasons says, for what is not in force, why not.
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
		{r.Ports, "other instances' Runtime APIs cannot be reached"},
		{r.MemoryLimit != "", "memory is limited"},
		{r.KillTree != "" && r.KillTree != "group", "the whole tree is killed"},
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
