package bootstrap

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// interpreter is an installed interpreter.
type interpreter struct {
	path    string   // the real program
	version string   // such as 20.11.1
	homes   []string // its libraries
}

// node returns how to run a Node.js function.
func (s *Set) node(runtime, version string) (*Program, error) {
	at, err := s.look(runtime, func() (*interpreter, error) {
		return best(major(version), []string{"node" + version, "node", "nodejs"}, managed("node", version), askNode)
	})
	if err != nil {
		return nil, fmt.Errorf("%s needs Node.js: %w", runtime, err)
	}
	p := s.program(runtime, major(version), at)
	main := filepath.Join(s.dir, "node.mjs")
	p.argv = func(_ string, _ []string, memoryMB int) []string {
		argv := []string{at.path}
		if memoryMB > 0 {
			// As Lambda does, so that a heap that is too large ends in an error
			// of Node.js, which says more than being killed.
			argv = append(argv, "--max-old-space-size="+strconv.Itoa(memoryMB*9/10))
		}
		return append(argv, main)
	}
	p.env = func(task string, opt []string) []string {
		var dirs []string
		for _, o := range opt {
			dirs = append(dirs, filepath.Join(o, "nodejs/node"+version+"/node_modules"), filepath.Join(o, "nodejs/node_modules"))
		}
		return []string{"NODE_PATH=" + strings.Join(append(dirs, filepath.Join(task, "node_modules"), task), ":")}
	}
	return p, nil
}

// python returns how to run a Python function.
func (s *Set) python(runtime, version string) (*Program, error) {
	at, err := s.look(runtime, func() (*interpreter, error) {
		return best(version+".", []string{"python" + version, "python3", "python"}, managed("python", version), askPython)
	})
	if err != nil {
		return nil, fmt.Errorf("%s needs Python 3: %w", runtime, err)
	}
	p := s.program(runtime, version+".", at)
	main := filepath.Join(s.dir, "python.py")
	p.argv = func(string, []string, int) []string { return []string{at.path, "-u", main} }
	p.env = func(_ string, opt []string) []string {
		var dirs []string
		for _, o := range opt {
			dirs = append(dirs, filepath.Join(o, "python/lib/python"+version+"/site-packages"), filepath.Join(o, "python"))
		}
		// The code's directory cannot be written to, and one kept in use should
		// not be.
		return []string{"PYTHONPATH=" + strings.Join(dirs, ":"), "PYTHONDONTWRITEBYTECODE=1"}
	}
	return p, nil
}

func (s *Set) program(runtime, want string, at *interpreter) *Program {
	p := &Program{
		Path: filepath.Dir(at.path), Dir: s.dir, Version: runtimeVersion(runtime, at.version),
		ReadOnly: append([]string{s.dir}, at.homes...),
	}
	if !strings.HasPrefix(at.version, want) {
		p.Note = fmt.Sprintf("nube: %s is not installed here; %s (%s) runs the function", runtime, at.path, at.version)
	}
	return p
}

func major(version string) string { return version + "." }

// look searches once.
func (s *Set) look(runtime string, find func() (*interpreter, error)) (*interpreter, error) {
	s.mu.Lock()
	f := s.found[runtime]
	if f == nil {
		f = new(search)
		s.found[runtime] = f
	}
	s.mu.Unlock()
	f.once.Do(func() { f.at, f.err = find() })
	return f.at, f.err
}

// best returns the first interpreter whose version begins with want, of those
// on PATH and of the version managers, or else the first that there is.
func best(want string, names, others []string, ask func(path string) (*interpreter, error)) (*interpreter, error) {
	var candidates []string
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			if abs, err := filepath.Abs(p); err == nil {
				candidates = append(candidates, abs)
			}
		}
	}
	candidates = append(candidates, others...)
	var fallback *interpreter
	var why []error
	for _, c := range candidates {
		at, err := ask(c)
		switch {
		case err != nil:
			why = append(why, err)
		case strings.HasPrefix(at.version, want):
			return at, nil
		case fallback == nil:
			fallback = at
		}
	}
	if fallback != nil {
		return fallback, nil
	}
	return nil, errors.Join(append([]error{fmt.Errorf("no %s on PATH that runs", names[0])}, why...)...)
}

// managed lists where version managers keep the newest of the wanted version:
// pyenv, nvm, asdf, mise.
func managed(what, version string) []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	var globs []string
	switch what {
	case "node":
		globs = []string{".nvm/versions/node/v" + version + ".*/bin/node", ".asdf/installs/nodejs/" + version + ".*/bin/node",
			".local/share/mise/installs/node/" + version + ".*/bin/node"}
	case "python":
		globs = []string{".pyenv/versions/" + version + ".*/bin/python3", ".asdf/installs/python/" + version + ".*/bin/python3",
			".local/share/mise/installs/python/" + version + ".*/bin/python3"}
	}
	var found []string
	for _, g := range globs {
		m, err := filepath.Glob(filepath.Join(home, g))
		if err == nil && len(m) > 0 {
			found = append(found, slices.MaxFunc(m, byNumbers))
		}
	}
	return found
}

// byNumbers orders paths by the numbers in them: v20.9.0 is before v20.11.0.
func byNumbers(a, b string) int {
	numbers := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	}
	return slices.CompareFunc(numbers(a), numbers(b), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
}

// askNode runs a candidate: a shim answers with the program behind it.
func askNode(path string) (*interpreter, error) {
	var out struct{ Path, Version string }
	if err := ask(&out, path, "-p", "JSON.stringify({Path:process.execPath,Version:process.versions.node})"); err != nil {
		return nil, err
	}
	return &interpreter{path: out.Path, version: out.Version, homes: homes(filepath.Dir(filepath.Dir(out.Path)))}, nil
}

func askPython(path string) (*interpreter, error) {
	var out struct{ Path, Version, Prefix, Base string }
	err := ask(&out, path, "-c", "import json,sys;print(json.dumps({'Path':sys.executable,"+
		"'Version':'.'.join(map(str,sys.version_info[:3])),'Prefix':sys.prefix,'Base':sys.base_prefix}))")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(out.Version, "3.") {
		return nil, fmt.Errorf("%s is Python %s", path, out.Version)
	}
	return &interpreter{path: out.Path, version: out.Version, homes: homes(out.Prefix, out.Base)}, nil
}

func ask(out any, path string, args ...string) error {
	b, err := exec.Command(path, args...).Output()
	if err != nil {
		return fmt.Errorf("%s does not run: %w", path, err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s does not say what it is: %w", path, err)
	}
	return nil
}

// homes drops the system's directories, which everybody may read.
func homes(dirs ...string) []string {
	var out []string
	for _, d := range dirs {
		if d == "/" || d == "/usr" || strings.HasPrefix(d, "/usr/") && !strings.HasPrefix(d, "/usr/local/") {
			continue
		}
		if len(out) == 0 || out[len(out)-1] != d {
			out = append(out, d)
		}
	}
	return out
}
