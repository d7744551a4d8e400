package pebblekv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// openOn opens a store with small buffers, so that a short test sees flushes,
// compactions and new log files.
func openOn(fs disk.FS) (driver.Engine, error) {
	return Open("/store", Options{FS: fs, MemTable: 64 << 10, Cache: 1 << 20})
}

func TestConformance(t *testing.T) {
	kvtest.Run(t, func(t testing.TB) driver.Engine {
		e, err := openOn(disktest.NewMem().FS())
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func TestDisk(t *testing.T) { kvtest.RunDisk(t, openOn) }

func TestEqualsMemory(t *testing.T) {
	kvtest.RunEqual(t, func(testing.TB) driver.Engine { return memkv.New() }, openOn)
}

// TestOnTheSystemsDisk opens, closes and locks a real directory.
func TestOnTheSystemsDisk(t *testing.T) {
	dir := t.TempDir() + "/a/b"
	for i := range 3 {
		e, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); err == nil {
			t.Fatal("a second engine opened the same directory")
		}
		db := kv.Open(e)
		stamp, err := db.Update(t.Context(), func(tx *kv.Tx) error { tx.Add(kv.Key("n"), 1); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if want := uint64(i + 1); stamp.Version() != want {
			t.Errorf("version %d, want %d: a clean restart skips none", stamp.Version(), want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignDirectory: a directory that holds something else is refused and
// left alone.
func TestForeignDirectory(t *testing.T) {
	fs := disktest.NewMem().FS()
	if err := fs.MkdirAll("/store", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, fs, "/store/MANIFEST-notes.txt", "precious")
	writeFile(t, fs, "/store/thesis.tex", "precious")
	if _, err := openOn(fs); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("Open: %v, want an error that names the file", err)
	}
	if names, err := fs.List("/store"); err != nil || len(names) != 2 {
		t.Errorf("the directory holds %v, %v", names, err)
	}
}

func writeFile(t *testing.T, fs disk.FS, name, content string) {
	t.Helper()
	f, err := fs.Create(name, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte(content))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, fs disk.FS, name string) string {
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

// TestCorruption damages a table. Reading it fails, and from then on so does
// everything.
func TestCorruption(t *testing.T) {
	fs := disktest.NewMem().FS()
	e, err := openOn(fs)
	if err != nil {
		t.Fatal(err)
	}
	db, ctx := kv.Open(e), context.Background()
	key := func(i int) kv.Key { return kv.Key(fmt.Sprintf("key%05d", i)) }
	_, err = db.Update(ctx, func(tx *kv.Tx) error {
		for i := range 5000 {
			tx.Set(key(i), []byte(strings.Repeat(fmt.Sprint(i), 10)))
		}
		return nil
	})
	if err := errors.Join(err, e.(*Engine).db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("/store")
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, n := range names {
		if strings.HasSuffix(n, ".sst") {
			content := []byte(readFile(t, fs, "/store/"+n))
			for i := 100; i < len(content)/2; i += 500 {
				content[i] ^= 0x40
			}
			writeFile(t, fs, "/store/"+n, string(content))
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatalf("no table in %v", names)
	}
	e, err = openOn(fs)
	if errors.Is(err, kv.ErrBroken) {
		return // Pebble's background work was faster than we
	}
	if err != nil {
		t.Fatal(err)
	}
	db = kv.Open(e)
	err = db.View(ctx, func(s *kv.Snap) error {
		for i := range 5000 {
			if _, err := s.Get(key(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, kv.ErrBroken) {
		t.Errorf("reading damaged data: %v, want ErrBroken", err)
	}
	<-db.Broken()
	if _, err := db.Update(ctx, func(tx *kv.Tx) error { tx.Set(kv.Key("a"), nil); return nil }); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("Update of a broken store: %v", err)
	}
	if err := db.View(ctx, func(*kv.Snap) error { return nil }); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("View of a broken store: %v", err)
	}
	if err := db.Close(); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("Close of a broken store: %v", err)
	}
}

// TestIdle: a store at rest has no snapshot but its state's, so that compaction
// may drop everything older; relaxed commits are durable by then.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := openOn(disktest.NewMem().FS())
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(e)
		eng := e.(*Engine)
		for range 100 {
			_, err := db.Update(t.Context(), func(tx *kv.Tx) error { tx.Add(kv.Key("n"), 1); return nil }, kv.Relaxed())
			if err != nil {
				t.Fatal(err)
			}
		}
		if eng.durable.Load().version == 100 {
			t.Error("relaxed commits are durable at once")
		}
		time.Sleep(10 * time.Millisecond) // the bubble's clock
		synctest.Wait()
		if a, d := eng.applied.Load().version, eng.durable.Load().version; a != 100 || d != 100 {
			t.Errorf("after ten milliseconds: applied %d, durable %d; want 100", a, d)
		}
		time.Sleep(anchorFor)
		synctest.Wait()
		if n := eng.db.Metrics().Snapshots.Count; n != 1 {
			t.Errorf("%d snapshots, want 1", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkEngine(b *testing.B) {
	kvtest.RunBenchmarks(b, func(t testing.TB) driver.Engine {
		e, err := Open(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
