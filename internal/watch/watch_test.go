package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestChanges does what editors, build tools and people do to files, and wants
// the watched paths that it concerns, and no others.
func TestChanges(t *testing.T) {
	tests := []struct {
		name string
		make map[string]string // files that are there before
		do   func(t *testing.T, at func(string) string)
		want []string
	}{
		{"written in place", map[string]string{"a.go": "1"}, func(t *testing.T, at func(string) string) { write(t, at("a.go"), "2") }, []string{"a.go"}},
		{"replaced by a rename", map[string]string{"a.go": "1"}, func(t *testing.T, at func(string) string) {
			write(t, at(".a.go.swp"), "2")
			rename(t, at(".a.go.swp"), at("a.go"))
		}, []string{"a.go"}},
		{"moved away and written again", map[string]string{"a.go": "1"}, func(t *testing.T, at func(string) string) {
			rename(t, at("a.go"), at("a.go~"))
			write(t, at("a.go"), "2")
		}, []string{"a.go"}},
		{"removed", map[string]string{"a.go": "1"}, func(t *testing.T, at func(string) string) { remove(t, at("a.go")) }, []string{"a.go"}},
		{"a missing file appears", nil, func(t *testing.T, at func(string) string) { write(t, at("new.yml"), "1") }, []string{"new.yml"}},
		{"a missing file's directory appears", nil, func(t *testing.T, at func(string) string) {
			if err := os.MkdirAll(at("deep/er"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, []string{"deep/er/x.yml"}},
		{"a name in a directory", map[string]string{"dir/one": "1"}, func(t *testing.T, at func(string) string) { write(t, at("dir/two"), "1") }, []string{"dir"}},
		{"many at once", map[string]string{"a.go": "1", "b.go": "1"}, func(t *testing.T, at func(string) string) {
			for range 20 {
				write(t, at("a.go"), "2")
				write(t, at("b.go"), "2")
			}
		}, []string{"a.go", "b.go"}},
		{"one that nobody watches, then one", map[string]string{"a.go": "1", "other": "1"}, func(t *testing.T, at func(string) string) {
			write(t, at("other"), "2")
			write(t, at("a.go"), "2")
		}, []string{"a.go"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			at := func(p string) string { return filepath.Join(root, filepath.FromSlash(p)) }
			for p, text := range tt.make {
				if err := os.MkdirAll(filepath.Dir(at(p)), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, at(p), text)
			}
			w := open(t)
			if err := w.Watch([]string{at("a.go"), at("b.go"), at("dir"), at("new.yml"), at("deep/er/x.yml")}); err != nil {
				t.Fatal(err)
			}
			tt.do(t, at)
			got := <-w.Changes()
			for i := range got {
				rel, err := filepath.Rel(root, got[i])
				if err != nil {
					t.Fatal(err)
				}
				got[i] = filepath.ToSlash(rel)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("changed: %q, want %q", got, tt.want)
			}
		})
	}
}

// TestWatchAgain changes what is watched, as a deployment does, also after a
// watched directory has been replaced.
func TestWatchAgain(t *testing.T) {
	root := t.TempDir()
	at := func(p string) string { return filepath.Join(root, p) }
	w := open(t)
	paths := []string{at("src"), at("src/a.go")}
	for _, round := range []string{"1", "2"} {
		if err := os.Mkdir(at("src"), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, at("src/a.go"), round)
		if err := w.Watch(paths); err != nil {
			t.Fatal(err)
		}
		write(t, at("src/a.go"), round+round)
		if got := <-w.Changes(); !slices.Contains(got, at("src/a.go")) {
			t.Fatalf("round %s: changed %q", round, got)
		}
		if err := os.RemoveAll(at("src")); err != nil {
			t.Fatal(err)
		}
		if got := <-w.Changes(); len(got) == 0 {
			t.Fatal("nothing changed")
		}
		if err := w.Watch(paths); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T) *Watcher {
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
