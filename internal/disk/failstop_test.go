package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
)

// broken is a fail-stop file system over one that can be told to fail.
type broken struct {
	disk.FS
	under    disk.FS
	fails    bool
	failures []error
}

func newBroken(t *testing.T) *broken {
	b := &broken{under: disktest.NewMem().FS()}
	b.FS = disk.FailStop(disktest.Faulty(b.under, func(disktest.Op) error {
		if b.fails {
			return disktest.ErrInjected
		}
		return nil
	}), func(err error) { b.failures = append(b.failures, err) })
	if err := b.MkdirAll("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir/a", "dir/b"} {
		write(t, b.FS, name, name)
	}
	return b
}

func write(t *testing.T, fs disk.FS, name, content string) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte(content)); n != len(content) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	if err := errors.Join(f.Sync(), f.SyncData(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// contents returns what is really on the disk.
func contents(t *testing.T, fs disk.FS) map[string]string {
	t.Helper()
	names, err := fs.List("dir")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, n := range names {
		m[n] = read(t, fs, "dir/"+n)
	}
	return m
}

func read(t *testing.T, fs disk.FS, name string) string {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFailStop has one change of every kind fail, and then tries all others.
func TestFailStop(t *testing.T) {
	changes := map[string]func(disk.FS, disk.File) error{
		"write":   func(_ disk.FS, f disk.File) error { _, err := f.Write([]byte("x")); return err },
		"writeAt": func(_ disk.FS, f disk.File) error { _, err := f.WriteAt([]byte("x"), 0); return err },
		"sync":    func(_ disk.FS, f disk.File) error { return f.Sync() },
		"data":    func(_ disk.FS, f disk.File) error { return f.SyncData() },
		"to":      func(_ disk.FS, f disk.File) error { _, err := f.SyncTo(1); return err },
		"remove":  func(fs disk.FS, _ disk.File) error { return fs.Remove("dir/a") },
		"all":     func(fs disk.FS, _ disk.File) error { return fs.RemoveAll("dir/a") },
		"rename":  func(fs disk.FS, _ disk.File) error { return fs.Rename("dir/a", "dir/c") },
		"link":    func(fs disk.FS, _ disk.File) error { return fs.Link("dir/a", "dir/c") },
		"create": func(fs disk.FS, _ disk.File) error {
			_, err := fs.Create("dir/c", vfs.WriteCategoryUnspecified)
			return err
		},
		"open": func(fs disk.FS, _ disk.File) error {
			_, err := fs.OpenReadWrite("dir/c", vfs.WriteCategoryUnspecified)
			return err
		},
		"reuse": func(fs disk.FS, _ disk.File) error {
			_, err := fs.ReuseForWrite("dir/a", "dir/c", vfs.WriteCategoryUnspecified)
			return err
		},
	}
	for first, change := range changes {
		t.Run(first, func(t *testing.T) {
			b := newBroken(t)
			f, err := b.OpenReadWrite("dir/b", vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			before := contents(t, b.under)
			b.fails = true
			if err := change(b.FS, f); err != nil {
				t.Errorf("the failed change returned %v", err)
			}
			if len(b.failures) != 1 || !errors.Is(b.failures[0], disktest.ErrInjected) {
				t.Fatalf("reported %v, want the injected error", b.failures)
			}
			b.fails = false
			for name, change := range changes {
				if err := change(b.FS, f); err != nil {
					t.Errorf("then %s: %v", name, err)
				}
			}
			if err := f.Close(); err != nil {
				t.Errorf("then close: %v", err)
			}
			write(t, b.FS, "dir/later", "in memory")
			if got := read(t, b.FS, "dir/later"); got != "in memory" {
				t.Errorf("a file made after the failure reads %q", got)
			}
			if got := read(t, b.FS, "dir/a"); got != "dir/a" {
				t.Errorf("a file made before the failure reads %q", got)
			}
			if d := cmp.Diff(before, contents(t, b.under)); d != "" {
				t.Errorf("the disk was changed after the failure (-before +after):\n%s", d)
			}
			if len(b.failures) != 1 {
				t.Errorf("reported %v, want one failure", b.failures)
			}
		})
	}
}

// TestFailStopAnswers: an answer that is an error is no failure.
func TestFailStopAnswers(t *testing.T) {
	b := newBroken(t)
	for name, err := range map[string]error{
		"rename": b.Rename("dir/none", "dir/x"),
		"link":   b.Link("dir/none", "dir/x"),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of nothing: %v, want ErrNotExist", name, err)
		}
	}
	b.fails = true
	for name, call := range map[string]func() error{
		"open":  func() error { _, err := b.Open("dir/a"); return err },
		"list":  func() error { _, err := b.List("dir"); return err },
		"stat":  func() error { _, err := b.Stat("dir/a"); return err },
		"mkdir": func() error { return b.MkdirAll("dir/d", 0o755) },
		"lock":  func() error { _, err := b.Lock("dir/lock"); return err },
	} {
		if err := call(); !errors.Is(err, disktest.ErrInjected) {
			t.Errorf("%s: %v, want the injected error", name, err)
		}
	}
	if len(b.failures) != 0 {
		t.Errorf("reported %v", b.failures)
	}
	b.fails = false
	write(t, b.FS, "dir/c", "c")
	if got := read(t, b.under, "dir/c"); got != "c" {
		t.Errorf("dir/c reads %q", got)
	}
}
