package cloud

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/snapshot"
)

// Wherever the exchange of states is interrupted, the next start finds the one
// or the other, whole.
func TestInterruptedLoading(t *testing.T) {
	old := []string{"kv/old", "records/logs/old", "root-key"}
	for _, test := range []struct {
		name string
		have []string
		want []string
	}{
		{"not begun", nil, old},
		{"not ready", []string{"loading/kv/new"}, old},
		{"ready", []string{"loading/kv/new", "loading/records/logs/new", "loading/ready"}, []string{"kv/new", "records/logs/new", "root-key"}},
		{"half in place", []string{"kv/new", "-kv/old", "loading/records/logs/new", "loading/ready"}, []string{"kv/new", "records/logs/new", "root-key"}},
		{"between removing and moving", []string{"-kv/old", "loading/kv/new", "loading/records/logs/new", "loading/ready"}, []string{"kv/new", "records/logs/new", "root-key"}},
		{"in place, not cleared away", []string{"kv/new", "-kv/old", "records/logs/new", "-records/logs/old", "loading/ready"}, []string{"kv/new", "records/logs/new", "root-key"}},
		{"without records", []string{"loading/kv/new", "loading/ready"}, []string{"kv/new", "records/logs/old", "root-key"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := disk.Mem()
			for _, f := range append(append([]string{}, old...), test.have...) {
				if f[0] == '-' {
					if err := fs.Remove("data/" + f[1:]); err != nil {
						t.Fatal(err)
					}
					continue
				}
				write(t, fs, "data/"+f)
			}
			for range 2 { // it may be done again
				if err := finishLoading(fs, "data"); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range test.want {
				file, err := fs.Open("data/" + f)
				if err != nil {
					t.Errorf("%s: %v", f, err)
					continue
				}
				if text, err := io.ReadAll(file); err != nil || string(text) != "data/"+f && string(text) != "data/loading/"+f {
					t.Errorf("%s holds %q, %v", f, text, err)
				}
			}
			if _, err := fs.Stat("data/loading"); err == nil {
				t.Error("what was made ready is still there")
			}
		})
	}
}

// write writes a file that holds its own name.
func write(t *testing.T, fs disk.FS, name string) {
	t.Helper()
	err := fs.MkdirAll(fs.PathDir(name), 0o700)
	var f disk.File
	if err == nil {
		f, err = fs.Create(name, "test")
	}
	if err == nil {
		_, err = f.Write([]byte(name))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotNames(t *testing.T) {
	for name, want := range map[string]bool{
		"seeded": true, "v1.2-rc_3": true, "": false, ".hidden": false, "-flag": false, "a/b": false, "..": false, "a b": false, `a\b`: false,
	} {
		if got := snapshotName(name); got != want {
			t.Errorf("snapshotName(%q) = %v", name, got)
		}
	}
}

// Code that only a snapshot uses stays.
func TestSnapshotsKeepCode(t *testing.T) {
	c := &Cloud{place: place{work: t.TempDir()}}
	for name, uses := range map[string][]string{"one": {"a", "b"}, "two": {"b", "c"}} {
		path, _, err := snapshots{c}.file(control.SnapshotRequest{Name: name})
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		var f *os.File
		if err == nil {
			f, err = os.Create(path)
		}
		if err == nil {
			_, err = snapshot.NewWriter(f, snapshot.Header{Uses: uses})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	used := map[string]bool{"d": true}
	if err := (snapshots{c}).keep(used); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"a", "b", "c", "d"} {
		if !used[d] {
			t.Errorf("%s is removed", d)
		}
	}
}
