package bootstrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	for runtime, want := range map[string]string{
		"provided": "1 ", "provided.al2023": "1 ", "go1.x": "2 ", "nodejs20.x": "3 20", "nodejs24.x": "3 24", "python3.12": "4 3.12",
		"python2.7": "0 ", "nodejs": "0 ", "java21": "0 ", "ruby3.3": "0 ", "": "0 ", "python3.x": "0 ",
	} {
		k, v := KindOf(runtime)
		if got := fmt.Sprint(int(k), " ", v); got != want {
			t.Errorf("KindOf(%q) = %s, want %s", runtime, got, want)
		}
	}
}

func set(t *testing.T) *Set {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// The embedded runtimes are written once, and repaired when they were changed.
func TestOpenWritesTheRuntimes(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "node.mjs")
	want, err := os.ReadFile(path)
	if err != nil || len(want) == 0 {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
		t.Errorf("%q %v", got, err)
	}
}

func TestCustom(t *testing.T) {
	s, code, low, high := set(t), t.TempDir(), t.TempDir(), t.TempDir()
	if _, err := s.Find("provided.al2023", "", code, nil); err == nil || err.Error() != "Couldn't find valid bootstrap(s): ["+filepath.Join(code, "bootstrap")+" /opt/bootstrap]" {
		t.Errorf("none: %v", err)
	}
	script(t, filepath.Join(low, "bootstrap"), "")
	p, err := s.Find("provided.al2023", "", code, []string{low, high})
	if err != nil {
		t.Fatal(err)
	}
	// The layer listed last comes first in /opt.
	if argv := p.Argv("/var/task", []string{"/opt/high", "/opt/low"}, 128); argv[0] != "/opt/low/bootstrap" {
		t.Errorf("of a layer: %v", argv)
	}
	if argv := p.Argv("/var/task", []string{"/opt"}, 128); argv[0] != "/opt/bootstrap" {
		t.Errorf("of merged layers: %v", argv)
	}
	script(t, filepath.Join(code, "bootstrap"), "")
	if p, err = s.Find("provided.al2023", "", code, []string{low}); err != nil || p.Argv("/var/task", []string{"/opt"}, 128)[0] != "/var/task/bootstrap" {
		t.Errorf("of the code: %v", err)
	}
	if err := os.Chmod(filepath.Join(code, "bootstrap"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Find("provided.al2023", "", code, nil); err == nil {
		t.Errorf("one that cannot be run: %+v", p)
	}
	script(t, filepath.Join(code, "bin/main"), "")
	if p, err := s.Find("go1.x", "bin/main", code, nil); err != nil || p.Argv("/var/task", nil, 128)[0] != "/var/task/bin/main" {
		t.Errorf("go1.x: %v", err)
	}
	if _, err := s.Find("go1.x", "../evil", code, nil); err == nil {
		t.Error("a handler outside of the code")
	}
	if _, err := s.Find("java21", "x", code, nil); !errors.Is(err, ErrRuntime) {
		t.Errorf("java21: %v", err)
	}
}

// A version manager's shim is run once, to find the program behind it.
func TestShims(t *testing.T) {
	bin, home := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("HOME", home)
	says := func(version string) string {
		return fmt.Sprintf(`echo '{"Path":"/somewhere/%s/bin/node","Version":"%s"}'`, version, version)
	}
	if _, err := set(t).Find("nodejs20.x", "i.h", "", nil); err == nil || !strings.Contains(err.Error(), "nodejs20.x needs Node.js: no node20 on PATH that runs") {
		t.Errorf("without any: %v", err)
	}
	script(t, filepath.Join(bin, "node"), says("18.1.0"))
	p, err := set(t).Find("nodejs20.x", "i.h", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if argv := p.Argv("/var/task", nil, 200); argv[0] != "/somewhere/18.1.0/bin/node" || argv[1] != "--max-old-space-size=180" {
		t.Errorf("argv %v", argv)
	}
	if p.Note != "nube: nodejs20.x is not installed here; /somewhere/18.1.0/bin/node (18.1.0) runs the function" || p.Version != "nodejs:20.v18.1.0" {
		t.Errorf("note %q, version %q", p.Note, p.Version)
	}
	if p.Path != "/somewhere/18.1.0/bin" || p.ReadOnly[1] != "/somewhere/18.1.0" {
		t.Errorf("path %q, reads %v", p.Path, p.ReadOnly)
	}
	// The version that a version manager has is better than another on PATH.
	script(t, filepath.Join(home, ".nvm/versions/node/v20.3.1/bin/node"), says("20.3.1"))
	s := set(t)
	if p, err = s.Find("nodejs20.x", "i.h", "", nil); err != nil || p.Note != "" || p.Version != "nodejs:20.v20.3.1" {
		t.Errorf("%+v %v", p, err)
	}
	// The newest of it is, which is not the last by name.
	script(t, filepath.Join(home, ".nvm/versions/node/v20.11.0/bin/node"), says("20.11.0"))
	script(t, filepath.Join(home, ".nvm/versions/node/v20.9.10/bin/node"), says("20.9.10"))
	s = set(t)
	if p, err = s.Find("nodejs20.x", "i.h", "", nil); err != nil || p.Version != "nodejs:20.v20.11.0" {
		t.Errorf("%+v %v", p, err)
	}
	// It is looked for once.
	if err := os.RemoveAll(bin); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Find("nodejs20.x", "i.h", "", nil); err != nil || again.Version != p.Version {
		t.Errorf("%+v %v", again, err)
	}
	if env := p.Env("/var/task", []string{"/opt"}); env[0] != "NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/task/node_modules:/var/task" {
		t.Errorf("env %v", env)
	}
}

func TestPython(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("HOME", t.TempDir())
	script(t, filepath.Join(bin, "python"), `echo '{"Path":"/usr/bin/python2","Version":"2.7.18","Prefix":"/usr","Base":"/usr"}'`)
	script(t, filepath.Join(bin, "python3"), `echo '{"Path":"/v/bin/python3","Version":"3.11.7","Prefix":"/v","Base":"/base"}'`)
	script(t, filepath.Join(bin, "python3.12"), `exit 127`) // a shim of a version that is not chosen
	p, err := set(t).Find("python3.12", "i.h", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if argv := p.Argv("/var/task", nil, 128); argv[0] != "/v/bin/python3" || argv[1] != "-u" || p.Note == "" || p.Version != "python:3.12.v3.11.7" {
		t.Errorf("argv %v, note %q, version %q", argv, p.Note, p.Version)
	}
	if got := strings.Join(p.ReadOnly[1:], " "); got != "/v /base" {
		t.Errorf("reads %s", got)
	}
	if env := p.Env("/var/task", []string{"/opt"}); env[0] != "PYTHONPATH=/opt/python/lib/python3.12/site-packages:/opt/python" {
		t.Errorf("env %v", env)
	}
	if p, err := set(t).Find("python3.11", "i.h", "", nil); err != nil || p.Note != "" {
		t.Errorf("%+v %v", p, err)
	}
}
