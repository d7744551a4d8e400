package sandbox

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpecCheck(t *testing.T) {
	abs := func(p string) string { // absolute on every system
		a, err := filepath.Abs(p)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	good := func() Spec {
		return Spec{Argv: []string{abs("p")}, Tmp: abs("tmp"), CodeDir: abs("code"), Env: []string{"A=1", "B="}}
	}
	hidden := []string{abs("store")}
	tests := []struct {
		name string
		edit func(*Spec)
		want string // in the error; "" for none
	}{
		{"good", func(*Spec) {}, ""},
		{"beside the store", func(s *Spec) { s.ReadOnly = []string{abs("stored")} }, ""},
		{"no program", func(s *Spec) { s.Argv = nil }, "Argv is empty"},
		{"relative program", func(s *Spec) { s.Argv[0] = "p" }, "not an absolute path"},
		{"no tmp", func(s *Spec) { s.Tmp = "" }, "Tmp is empty"},
		{"network", func(s *Spec) { s.Network = "none" }, `unknown network "none"`},
		{"environment", func(s *Spec) { s.Env = append(s.Env, "x") }, "not KEY=value"},
		{"nameless variable", func(s *Spec) { s.Env = append(s.Env, "=x") }, "not KEY=value"},
		{"relative path", func(s *Spec) { s.ReadOnly = []string{"x"} }, "not absolute"},
		{"the store as code", func(s *Spec) { s.CodeDir = abs("store") }, "hidden directory"},
		{"the store's parent as layer", func(s *Spec) { s.LayerDirs = []string{abs(".")} }, "hidden directory"},
		{"the root", func(s *Spec) { s.ReadOnly = []string{abs("/")} }, "too wide"},
	}
	for _, tt := range tests {
		s := good()
		tt.edit(&s)
		err := s.check(hidden, nil)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		path, dir string
		want      bool
	}{
		{"/a", "/a", true}, {"/a/b", "/a", true}, {"/a/..b", "/a", true}, {"/", "/", true}, {"/x", "/", true},
		{"/ab", "/a", false}, {"/a", "/a/b", false}, {"/b", "/a", false},
	} {
		if got := within(filepath.FromSlash(tt.path), filepath.FromSlash(tt.dir)); got != tt.want {
			t.Errorf("%s within %s: %v", tt.path, tt.dir, got)
		}
	}
}

// fake is a confiner that reports what it is told and counts its closings.
type fake struct {
	Report
	closed int
}

func (f *fake) report() Report                              { return f.Report }
func (f *fake) layout(s *Spec) Layout                       { return realLayout(s) }
func (f *fake) start(context.Context, *Spec) (child, error) { return nil, errors.ErrUnsupported }
func (f *fake) close() error                                { f.closed++; return nil }

func TestRequired(t *testing.T) {
	whole := Report{Files: true, Memory: true, Signals: true, Ports: true, Tree: true, MemoryLimit: true}
	if _, err := newHost(Options{Mode: Required}, &fake{Report: whole}); err != nil {
		t.Errorf("everything is in force: %v", err)
	}
	part := whole
	part.Signals, part.MemoryLimit = false, false
	f := &fake{Report: part}
	_, err := newHost(Options{Mode: Required}, f)
	var required *RequiredError
	if !errors.As(err, &required) || len(required.Missing) != 2 || f.closed != 1 {
		t.Fatalf("%v, closed %d times", err, f.closed)
	}
	for _, want := range []string{"cannot be signalled", "memory is limited"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name what is missing: %q", err, want)
		}
	}
	if _, err := newHost(Options{Mode: Auto}, &fake{}); err != nil {
		t.Errorf("auto: %v", err)
	}
}

func TestOpenOptions(t *testing.T) {
	if _, err := Open(Options{}); err == nil {
		t.Error("no directory is no error")
	}
	if _, err := Open(Options{Dir: t.TempDir(), Mode: "strict"}); err == nil || !strings.Contains(err.Error(), `"strict"`) {
		t.Errorf("unknown mode: %v", err)
	}
}

func TestSentences(t *testing.T) {
	none := newPlain("switched off").report().Sentences()
	if len(none) != 2 || !strings.Contains(none[0], "plain processes") || !strings.Contains(none[1], "switched off") {
		t.Errorf("plain: %q", none)
	}
	r := Report{Level: "namespaces", Namespaces: []string{"mount", "pid"}, LandlockABI: 7, Seccomp: true, OwnUser: true,
		MemoryLimit: true, Cgroup: "v2", CgroupTree: true, Reasons: []string{"Last."}}
	want := []string{
		"Each instance runs in namespaces of its own (mount, pid): its code is at /var/task, its layers at /opt, and /tmp is its own.",
		"In force are a user of its own, Landlock (ABI 7), a system-call filter.",
		"Memory is limited by control groups (v2).",
		"Trees of processes are frozen and killed by control groups.",
		"Last.",
	}
	if got := r.Sentences(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

// A project's own directory may hold the platform's: it is masked, and what is
// hidden in it is no reason to refuse.
func TestMaskedInCode(t *testing.T) {
	s := Spec{Argv: []string{"/bin/true"}, CodeDir: "/app", Tmp: "/t"}
	if err := s.check([]string{"/app/.nube/kv"}, []string{"/app/.nube"}); err != nil {
		t.Errorf("code with a masked directory is refused: %v", err)
	}
	if err := s.check([]string{"/app/kv"}, []string{"/app/.nube"}); err == nil {
		t.Error("code with a hidden directory that is not masked is accepted")
	}
	if err := s.check([]string{"/app"}, []string{"/app"}); err == nil {
		t.Error("code in a hidden directory is accepted")
	}
}
