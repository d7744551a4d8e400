package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Network says whom a process may talk to.
type Network string

const (
	// Open lets a process connect to everything except the Runtime API ports
	// of other instances. It is the default.
	NetworkOpen Network = "open"
	// PlatformOnly lets a process connect to its Runtime API and to
	// Spec.Ports on the loopback interface, and to nothing else.
	NetworkPlatformOnly Network = "platform-only"
)

// Spec describes one process.
type Spec struct {
	// Argv is the program and its arguments, with paths as in [Layout]. The
	// program is not searched in PATH.
	Argv []string
	// Env is the complete environment, as KEY=value.
	Env []string
	// WorkDir is where the program starts; when empty Layout.Task, or
	// Layout.Tmp when there is no code.
	WorkDir string

	// CodeDir is the host's directory with the code, read-only to the process.
	CodeDir string
	// LayerDirs are the extracted layers in the order of the function's list:
	// a later one wins. Read-only.
	LayerDirs []string
	// Tmp is the process's own directory, the only place where it can write.
	// The caller creates it empty and removes it after Done.
	Tmp string
	// TmpBytes, when positive, bounds what the process can store in Tmp, where
	// Report.TmpLimit is true; see Options.TmpInMemory. Tmp on the host then
	// stays empty.
	TmpBytes int64
	// ReadOnly are more host paths that the process can read and execute,
	// under the same names: interpreters and libraries outside the system's
	// directories.
	ReadOnly []string

	// Stdout and Stderr receive the output; nil discards it. The caller closes
	// its own copies. Standard input is always empty.
	Stdout, Stderr *os.File

	// MemoryMB is the limit for the whole tree; 0 is none. A tree that exceeds
	// it is killed, with Exit.OOM set.
	MemoryMB int
	// Processes bounds the number of processes and threads of the tree; 0
	// means 1,024, Lambda's own limit
	// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
	Processes int

	// RuntimeAPI is the loopback port of this instance's Runtime API; 0 when
	// it has none.
	RuntimeAPI int
	// Ports are further loopback ports that the process may connect to: the
	// platform's endpoint.
	Ports []int
	// Listen are TCP ports that the process may listen on, and connect to,
	// under NetworkPlatformOnly: those of a web server behind an adapter, or of
	// an extension. Ports that the system chooses are always allowed; under
	// NetworkOpen all are, as on Lambda.
	Listen []int
	// Network defaults to NetworkOpen.
	Network Network
}

// Layout says where a process sees its directories.
type Layout struct {
	Task string   // CodeDir: LAMBDA_TASK_ROOT
	Opt  []string // LayerDirs, most important first; one merged directory where the system can
	Tmp  string
}

// connectable are the platform's ports for this process.
func (s *Spec) connectable() []int {
	if s.RuntimeAPI == 0 {
		return s.Ports
	}
	return append([]int{s.RuntimeAPI}, s.Ports...)
}

// processes is the bound in force.
func (s *Spec) processes() int {
	if s.Processes > 0 {
		return s.Processes
	}
	return 1024
}

// masked are the directories of ms that lie in CodeDir, which they are not
// themselves.
func (s *Spec) masked(ms []string) []string {
	var out []string
	for _, m := range ms {
		if s.CodeDir != "" && within(m, s.CodeDir) && !within(s.CodeDir, m) {
			out = append(out, m)
		}
	}
	return out
}

func (s *Spec) check(hidden, masked []string) error {
	switch {
	case len(s.Argv) == 0 || s.Argv[0] == "":
		return errors.New("Argv is empty")
	case !filepath.IsAbs(s.Argv[0]):
		return fmt.Errorf("program %q is not an absolute path", s.Argv[0])
	case s.Tmp == "":
		return errors.New("Tmp is empty")
	}
	switch s.Network {
	case "", NetworkOpen, NetworkPlatformOnly:
	default:
		return fmt.Errorf("unknown network %q: want open or platform-only", s.Network)
	}
	for _, p := range s.ReadOnly {
		if c := filepath.Clean(p); c == "/" || c == "/tmp" {
			return fmt.Errorf("read-only path %q is too wide", p)
		}
	}
	for _, e := range s.Env {
		if i := strings.IndexByte(e, '='); i <= 0 || strings.IndexByte(e, 0) >= 0 {
			return fmt.Errorf("environment entry %q is not KEY=value", e)
		}
	}
	dirs := append([]string{s.CodeDir, s.Tmp}, s.LayerDirs...)
	dirs = append(dirs, s.ReadOnly...)
	for _, d := range dirs {
		if d == "" {
			continue
		}
		if !filepath.IsAbs(d) {
			return fmt.Errorf("path %q is not absolute", d)
		}
		for _, h := range hidden {
			if within(h, d) && !(d == s.CodeDir && slices.ContainsFunc(s.masked(masked), func(m string) bool { return within(h, m) })) {
				return fmt.Errorf("path %q contains the hidden directory %q", d, h)
			}
		}
	}
	return nil
}

// within reports whether path is dir or lies in it. Both are absolute.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
