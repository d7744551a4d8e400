package build

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// builder builds one source and reports the steps.
type builder struct {
	t     testing.TB
	s     *Store
	src   Source
	steps []Step
}

func (b *builder) try() (Artifact, error) {
	b.steps = nil
	return b.s.Build(context.Background(), b.src, func(e Event) { b.steps = append(b.steps, e.Step) })
}

func (b *builder) build() Artifact {
	b.t.Helper()
	a, err := b.try()
	if err != nil {
		b.t.Fatal(err)
	}
	if again, err := b.s.Artifact(a.Digest); err != nil || !reflect.DeepEqual(again, a) {
		b.t.Errorf("artifact of its digest: %+v %v, want %+v", again, err, a)
	}
	return a
}

func goProject(t testing.TB) string {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":                 "module example.com/app\n\ngo 1.26\n",
		"fn/hello/main.go":       "package main\n\nimport (\n\t_ \"embed\"\n\n\t\"example.com/app/words\"\n)\n\n//go:embed data/text.txt\nvar text string\n\nfunc main() { print(words.Hello, text) }\n",
		"fn/hello/data/text.txt": "world",
		"words/words.go":         "package words\n\nconst Hello = \"hello \"\n",
		"words/words_test.go":    "package words\n",
		"README.md":              "not an input\n",
	})
	return dir
}

func TestGoPackage(t *testing.T) {
	dir := goProject(t)
	b := &builder{t: t, s: open(t), src: Source{Kind: GoPackage, Path: filepath.Join(dir, "fn/hello")}}
	first := b.build()
	if !slices.Equal(b.steps, []Step{Compiling, Done}) {
		t.Errorf("steps %v", b.steps)
	}
	run := func(a Artifact) string {
		t.Helper()
		out, err := exec.Command(filepath.Join(a.Dir, "bootstrap")).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := run(first); got != "hello world" {
		t.Errorf("the program says %q", got)
	}
	if st, err := os.Stat(filepath.Join(first.Dir, "bootstrap")); err != nil || first.Size != st.Size() || len(first.SHA256) != 44 {
		t.Errorf("artifact %+v, file %v %v", first, st, err)
	}

	// What is no input does not count; neither does touching a file.
	write(t, dir, map[string]string{"README.md": "changed", "words/words_test.go": "package words // changed"})
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "words/words.go"), later, later); err != nil {
		t.Fatal(err)
	}
	if a := b.build(); !reflect.DeepEqual(a, first) || !slices.Equal(b.steps, []Step{Unchanged}) {
		t.Errorf("unchanged: %+v, steps %v", a, b.steps)
	}

	for _, change := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a file of a dependency", map[string]string{"words/words.go": "package words\n\nconst Hello = \"good bye \"\n"}, "good bye world"},
		{"an embedded file", map[string]string{"fn/hello/data/text.txt": "moon"}, "good bye moon"},
		{"a new file", map[string]string{"fn/hello/more.go": "package main\n\nfunc init() { print(\"now: \") }\n"}, "now: good bye moon"},
	} {
		t.Run(change.name, func(t *testing.T) {
			write(t, dir, change.files)
			if got := run(b.build()); got != change.want || !slices.Contains(b.steps, Compiling) {
				t.Errorf("the program says %q, want %q; steps %v", got, change.want, b.steps)
			}
		})
	}
	t.Run("go.mod", func(t *testing.T) {
		write(t, dir, map[string]string{"go.mod": "module example.com/app\n\ngo 1.25\n"})
		b.build()
		if !slices.Contains(b.steps, Compiling) {
			t.Errorf("steps %v", b.steps)
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("GOFLAGS", "-buildvcs=false")
		b.build()
		if !slices.Contains(b.steps, Compiling) {
			t.Errorf("steps %v", b.steps)
		}
	})
}

func TestCompileError(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":  "module example.com/app\n\ngo 1.26\n",
		"main.go": "package main\n\nfunc main() {\n\tundefined1()\n\tvar x int = \"text\"\n}\n",
	})
	b := &builder{t: t, s: open(t), src: Source{Kind: GoPackage, Path: dir}}
	_, err := b.try()
	var e *CompileError
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	main := filepath.Join(dir, "main.go")
	if len(e.Problems) < 2 || e.Problems[0] != (Problem{main, 4, 2, "undefined: undefined1"}) || e.Problems[1].Line != 5 {
		t.Errorf("problems %+v of\n%s", e.Problems, e.Output)
	}
	if !strings.Contains(err.Error(), main+":4:2: undefined: undefined1") {
		t.Errorf("message %q", err)
	}
	// Repaired, it is built, though the index has nothing of it.
	write(t, dir, map[string]string{"main.go": "package main\n\nfunc main() {}\n"})
	b.build()
}

func TestMissingModule(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"main.go": "package main\n\nimport _ \"example.org/nowhere\"\n\nfunc main() {}\n", "go.mod": "module m\n\ngo 1.26\n"})
	b := &builder{t: t, s: open(t), src: Source{Kind: GoPackage, Path: dir}}
	t.Setenv("GOFLAGS", "-mod=readonly")
	t.Setenv("GOPROXY", "off")
	_, err := b.try()
	var e *CompileError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "example.org/nowhere") {
		t.Errorf("error %v", err)
	}
}

func archived(t testing.TB, files map[string]string, set func(name string, h *zip.FileHeader)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		h := &zip.FileHeader{Name: name}
		if set != nil {
			set(name, h)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	s := open(t)
	z := archived(t, map[string]string{"bootstrap": "#!/bin/sh\n", "lib/a.txt": "a", "link": "lib/a.txt"}, func(name string, h *zip.FileHeader) {
		switch name {
		case "bootstrap":
			h.SetMode(0o700)
		case "link":
			h.SetMode(0o777 | os.ModeSymlink)
		}
	})
	a, err := s.Unpack(z)
	if err != nil {
		t.Fatal(err)
	}
	if a.Size != int64(len(z)) || len(a.SHA256) != 44 {
		t.Errorf("artifact %+v", a)
	}
	for name, want := range map[string]string{"lib/a.txt": "a", "link": "a", "bootstrap": "#!/bin/sh\n"} {
		if b, err := os.ReadFile(filepath.Join(a.Dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if st, err := os.Stat(filepath.Join(a.Dir, "bootstrap")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("bootstrap: %v %v", st.Mode(), err)
	}
	if again, err := s.Unpack(z); err != nil || !reflect.DeepEqual(again, a) {
		t.Errorf("again: %+v %v", again, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	s := open(t)
	for name, z := range map[string][]byte{
		"no archive":    []byte("not a zip"),
		"outside":       archived(t, map[string]string{"../evil": "x"}, nil),
		"absolute":      archived(t, map[string]string{"/etc/evil": "x"}, nil),
		"backslashes":   archived(t, map[string]string{`..\evil`: "x"}, nil),
		"link outside":  archived(t, map[string]string{"l": "../../x"}, func(_ string, h *zip.FileHeader) { h.SetMode(0o777 | os.ModeSymlink) }),
		"link absolute": archived(t, map[string]string{"l": "/etc/passwd"}, func(_ string, h *zip.FileHeader) { h.SetMode(0o777 | os.ModeSymlink) }),
		"a device":      archived(t, map[string]string{"d": ""}, func(_ string, h *zip.FileHeader) { h.SetMode(0o666 | os.ModeDevice) }),
	} {
		if _, err := s.Unpack(z); !errors.Is(err, ErrArchive) {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "code", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archived(f, map[string]string{"a/b": "c"}, nil))
	f.Add(archived(f, map[string]string{"../a": "c"}, nil))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, z []byte) {
		root := t.TempDir()
		dir := filepath.Join(root, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unzip(z, dir) // an error is as good as none
		es, err := os.ReadDir(root)
		if err != nil || len(es) != 1 {
			t.Errorf("outside: %v %v", es, err)
		}
	})
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"src/a.js": "a", "src/b.js": "b", "docs/x.md": "x", "package.json": "{}",
		"node_modules/.package-lock.json": "1", "node_modules/dep/index.js": "dep", ".git/HEAD": "ref",
	})
	b := &builder{t: t, s: open(t), src: Source{Kind: Directory, Path: dir, Patterns: []string{"!docs/**", "!src/b.*"}}}
	first := b.build()
	if first.Size != int64(len("a")+len("{}")+len("1")) || !slices.Equal(first.Uses, []string{filepath.Join(dir, "node_modules")}) {
		t.Errorf("artifact %+v", first)
	}
	holds(t, first.Dir, map[string]string{"src/a.js": "a", "package.json": "{}", "node_modules/dep/index.js": "dep"}, "src/b.js", "docs", ".git")
	same := func(what string, files map[string]string, want bool) {
		t.Helper()
		write(t, dir, files)
		a := b.build()
		if got := reflect.DeepEqual(a, first); got != want {
			t.Errorf("%s: the same %v, want %v", what, got, want)
		}
		first = a
	}
	same("nothing", nil, true)
	if !slices.Equal(b.steps, []Step{Unchanged}) {
		t.Errorf("steps %v", b.steps)
	}
	same("what is excluded", map[string]string{"docs/x.md": "y", "src/b.js": "c", ".git/HEAD": "r", "docs/new.md": ""}, true)
	same("a dependency's file", map[string]string{"node_modules/dep/index.js": "other"}, true)
	same("the dependencies", map[string]string{"node_modules/.package-lock.json": "2"}, false)
	before := first
	same("a file", map[string]string{"src/a.js": "z"}, false)
	same("a new file", map[string]string{"src/deep/c.js": "c"}, false)
	holds(t, before.Dir, map[string]string{"src/a.js": "a", "package.json": "{}"}, "src/deep")
	holds(t, first.Dir, map[string]string{"src/a.js": "z", "package.json": "{}", "src/deep/c.js": "c"})
	was, err := os.Stat(filepath.Join(before.Dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := os.Stat(filepath.Join(first.Dir, "package.json")); err != nil || !os.SameFile(was, now) {
		t.Errorf("a file that has not changed was copied again (%v)", err)
	}
	if got, want := perm(t, first.Dir, "src/a.js"), fs.FileMode(0o644); got != want {
		t.Errorf("mode %v, want %v: functions have users of their own", got, want)
	}
}

// A file and a directory that are links stand for what they lead to.
func TestDirectoryWithLinks(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"app/main.py": "m", "shared/lib.py": "l", "one.py": "1"})
	for link, to := range map[string]string{"app/shared": "../shared", "app/one.py": "../one.py", "app/nowhere": "../nothing"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	b := &builder{t: t, s: open(t), src: Source{Kind: Directory, Path: filepath.Join(root, "app")}}
	a := b.build()
	holds(t, a.Dir, map[string]string{"main.py": "m", "one.py": "1", "shared/lib.py": "l"}, "nowhere")
	if real, err := filepath.EvalSymlinks(filepath.Join(root, "shared")); err != nil || !slices.Equal(a.Uses, []string{real}) {
		t.Errorf("uses %q, want %q (%v)", a.Uses, real, err)
	}
}

// holds checks what an artifact holds, and what it does not.
func holds(t *testing.T, dir string, want map[string]string, not ...string) {
	t.Helper()
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			t.Errorf("%s is %q (%v), want %q", name, got, err, text)
		}
	}
	for _, name := range not {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want none", name, err)
		}
	}
}

func perm(t *testing.T, dir, name string) fs.FileMode {
	t.Helper()
	st, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()
}

func TestBinary(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"prog": "#!/bin/sh\necho hi\n"})
	b := &builder{t: t, s: open(t), src: Source{Kind: Binary, Path: filepath.Join(dir, "prog"), Name: "main"}}
	a := b.build()
	out, err := exec.Command(filepath.Join(a.Dir, "main")).Output()
	if err != nil || string(out) != "hi\n" {
		t.Errorf("%q %v", out, err)
	}
	b.build()
	if !slices.Equal(b.steps, []Step{Unchanged}) {
		t.Errorf("steps %v", b.steps)
	}
}

func TestUnknown(t *testing.T) {
	for _, digest := range []string{"", "../x", strings.Repeat("0", 64)} {
		if _, err := open(t).Artifact(digest); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", digest, err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		glob, path string
		want       bool
	}{
		{"**", "a/b", true}, {"a/**", "a/b/c", true}, {"a/**", "b/a", false}, {"**/x.js", "x.js", true}, {"**/x.js", "a/b/x.js", true},
		{"*.js", "a.js", true}, {"*.js", "a/a.js", false}, {"a/*/c", "a/b/c", true}, {"a/**/c", "a/c", true}, {"a/**/c", "a/b/b/c", true}, {"[", "[", false},
	} {
		if got := match(tt.glob, tt.path); got != tt.want {
			t.Errorf("match(%q, %q) = %v", tt.glob, tt.path, got)
		}
	}
}

// An unchanged function costs less than 5 ms; this one 0.2:
//
//	go test -run '^$' -bench Unchanged ./internal/runner/build/
func BenchmarkUnchanged(b *testing.B) {
	dir := goProject(b)
	s := open(b)
	src := Source{Kind: GoPackage, Path: filepath.Join(dir, "fn/hello")}
	if _, err := s.Build(context.Background(), src, nil); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := s.Build(context.Background(), src, nil); err != nil {
			b.Fatal(err)
		}
	}
}
