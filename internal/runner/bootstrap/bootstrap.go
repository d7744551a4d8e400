package bootstrap

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var files embed.FS

// Set holds the runtimes of one machine. Its methods may be called
// concurrently.
type Set struct {
	dir string // with the embedded files

	mu    sync.Mutex
	found map[string]*search
}

// search is one search for an interpreter, which everybody who needs it awaits.
type search struct {
	once sync.Once
	at   *interpreter
	err  error
}

// Open writes the embedded runtimes below dir, in a directory named after
// their content, and returns the Set.
func Open(dir string) (*Set, error) {
	h := sha256.New()
	names, err := files.ReadDir("files")
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	for _, n := range names {
		b, err := files.ReadFile("files/" + n.Name())
		if err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
		h.Write(b)
	}
	at := filepath.Join(dir, "runtime-"+hex.EncodeToString(h.Sum(nil)[:8]))
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	for _, n := range names {
		b, err := files.ReadFile("files/" + n.Name())
		if err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
		path := filepath.Join(at, n.Name())
		if have, err := os.ReadFile(path); err == nil && string(have) == string(b) {
			continue
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
	}
	return &Set{dir: at, found: map[string]*search{}}, nil
}

// A Program is how a function is run.
type Program struct {
	// Path is the directory of the interpreter, for PATH; empty when there is
	// none.
	Path string
	// Dir is LAMBDA_RUNTIME_DIR.
	Dir string
	// Version is the runtime and its version as INIT_START prints them.
	Version string
	// ReadOnly are host directories that the program reads.
	ReadOnly []string
	// Note is a remark for the function's log, such as that another version
	// runs than the one asked for; empty when there is nothing to say.
	Note string

	argv func(task string, opt []string, memoryMB int) []string
	env  func(task string, opt []string) []string
}

// Argv returns the program and its arguments, for directories as the process
// sees them.
func (p *Program) Argv(task string, opt []string, memoryMB int) []string {
	return p.argv(task, opt, memoryMB)
}

// Env returns what the runtime adds to the environment.
func (p *Program) Env(task string, opt []string) []string {
	if p.env == nil {
		return nil
	}
	return p.env(task, opt)
}

// VersionARN is the name of the runtime's version, of the form that Lambda
// gives; its hash is of the version.
func (p *Program) VersionARN(region string) string {
	sum := sha256.Sum256([]byte(p.Version))
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}

// Kind says what sort of runtime an identifier names.
type Kind int

// The kinds of runtimes.
const (
	Unknown  Kind = iota
	Provided      // the code brings a program named bootstrap
	Go1           // the handler is the program
	Node
	Python
)

// KindOf returns the kind of a runtime and the version that it asks for, such
// as "20" of nodejs20.x.
func KindOf(runtime string) (k Kind, version string) {
	switch {
	case runtime == "provided" || strings.HasPrefix(runtime, "provided."):
		return Provided, ""
	case runtime == "go1.x":
		return Go1, ""
	}
	if v, ok := strings.CutPrefix(runtime, "nodejs"); ok {
		v = strings.TrimSuffix(v, ".x")
		if _, err := strconv.Atoi(v); err == nil {
			return Node, v
		}
	}
	if v, ok := strings.CutPrefix(runtime, "python3."); ok {
		if _, err := strconv.Atoi(v); err == nil {
			return Python, "3." + v
		}
	}
	return Unknown, ""
}

// ErrRuntime is wrapped by errors about runtimes that nube does not run.
var ErrRuntime = errors.New("runtime is not supported")

// Find returns how to run a function. Its directories are those of the host.
func (s *Set) Find(runtime, handler, codeDir string, layers []string) (*Program, error) {
	kind, version := KindOf(runtime)
	switch kind {
	case Provided:
		return custom(runtime, codeDir, layers)
	case Go1:
		return own(runtime, codeDir, handler)
	case Node:
		return s.node(runtime, version)
	case Python:
		return s.python(runtime, version)
	}
	return nil, fmt.Errorf("%w: %q; nube runs provided.*, go1.x, nodejs* and python3.*", ErrRuntime, runtime)
}

// custom is a program named bootstrap, in the code or in a layer.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
func custom(runtime, codeDir string, layers []string) (*Program, error) {
	p := &Program{Dir: "/var/runtime", Version: runtimeVersion(runtime, "")}
	if executable(filepath.Join(codeDir, "bootstrap")) {
		p.argv = func(task string, _ []string, _ int) []string { return []string{filepath.Join(task, "bootstrap")} }
		return p, nil
	}
	for n := len(layers) - 1; n >= 0; n-- { // a later layer wins
		if !executable(filepath.Join(layers[n], "bootstrap")) {
			continue
		}
		first := len(layers) - 1 - n
		p.argv = func(_ string, opt []string, _ int) []string {
			return []string{filepath.Join(opt[min(first, len(opt)-1)], "bootstrap")}
		}
		return p, nil
	}
	return nil, fmt.Errorf("Couldn't find valid bootstrap(s): [%s /opt/bootstrap]", filepath.Join(codeDir, "bootstrap"))
}

// own is a program that the handler names.
func own(runtime, codeDir, handler string) (*Program, error) {
	if !filepath.IsLocal(handler) || !executable(filepath.Join(codeDir, handler)) {
		return nil, fmt.Errorf("Couldn't find valid bootstrap(s): [%s]", filepath.Join(codeDir, handler))
	}
	return &Program{Dir: "/var/runtime", Version: runtimeVersion(runtime, ""),
		argv: func(task string, _ []string, _ int) []string { return []string{filepath.Join(task, handler)} }}, nil
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// runtimeVersion is a runtime and its version as INIT_START prints them, such
// as "nodejs:20.v20.11.1".
func runtimeVersion(runtime, version string) string {
	for _, prefix := range []string{"nodejs", "python", "provided."} {
		if v, ok := strings.CutPrefix(runtime, prefix); ok && v != "" {
			runtime = strings.TrimSuffix(prefix, ".") + ":" + strings.TrimSuffix(v, ".x")
			break
		}
	}
	if version != "" {
		runtime += ".v" + version
	}
	return runtime
}
