package disktest

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/nube-run/nube/internal/disk"
)

func write(t *testing.T, fs disk.FS, name, content string, sync bool) {
	t.Helper()
	f, err := fs.Create(name, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		syncDir(t, fs)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func syncDir(t *testing.T, fs disk.FS) {
	t.Helper()
	d, err := fs.OpenDir("")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		t.Fatal(err)
	}
}

func read(fs disk.FS, name string) string {
	f, err := fs.Open(name)
	if err != nil {
		return "error"
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return "error"
	}
	return string(b)
}

func TestCrash(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		survive        int
		synced, second string
	}{{0, "s", "error"}, {100, "s", "u"}} {
		m := NewMem()
		write(t, m.FS(), "synced", "s", true)
		write(t, m.FS(), "unsynced", "u", false)
		after := m.Crash(rng, c.survive)
		write(t, m.FS(), "later", "l", true) // reaches the original only
		if got := read(after.FS(), "synced"); got != c.synced {
			t.Errorf("%d%%: synced reads %s", c.survive, got)
		}
		if got := read(after.FS(), "unsynced"); got != c.second {
			t.Errorf("%d%%: unsynced reads %s, want %s", c.survive, got, c.second)
		}
		if got := read(after.FS(), "later"); got != "error" {
			t.Errorf("%d%%: what was written after the crash reads %s", c.survive, got)
		}
	}
}

func TestFailWrites(t *testing.T) {
	fault, n := FailWrites(2)
	fs := Faulty(NewMem().FS(), fault)
	f, err := fs.Create("f", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Sync(); !errors.Is(err, ErrInjected) {
			t.Errorf("Sync: %v, want ErrInjected", err)
		}
	}
	if _, err := fs.List(""); err != nil {
		t.Errorf("reading: %v", err)
	}
	if n.Load() != 4 {
		t.Errorf("%d writes counted, want 4", n.Load())
	}
}
