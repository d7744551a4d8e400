package pebblekv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

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
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Fatalf("a second engine on the same directory: %v", err)
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
	for _, name := range []string{"/store/MANIFEST-notes.txt", "/store/thesis.tex"} {
		if got := readFile(t, fs, name); got != "precious" {
			t.Errorf("%s reads %q", name, got)
		}
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

// TestFailures fails one kind of call for good. Whichever it is, the engine says
// so instead of going on or hanging, and loses nothing that it acknowledged.
func TestFailures(t *testing.T) {
	for name, fails := range map[string]func(disktest.Op) bool{
		"table creation": func(op disktest.Op) bool { return op.Kind == errorfs.OpCreate && isTable(op) },
		"table writes":   func(op disktest.Op) bool { return op.Kind == errorfs.OpFileWrite && isTable(op) },
		"table syncs":    func(op disktest.Op) bool { return isSync(op) && isTable(op) },
		"log creation": func(op disktest.Op) bool {
			return (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite) && isLog(op)
		},
		"log writes": func(op disktest.Op) bool { return op.Kind == errorfs.OpFileWrite && isLog(op) },
		"log syncs":  func(op disktest.Op) bool { return isSync(op) && isLog(op) },
		"manifest writes": func(op disktest.Op) bool {
			return op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, "MANIFEST")
		},
		"manifest syncs":    func(op disktest.Op) bool { return isSync(op) && strings.Contains(op.Path, "MANIFEST") },
		"directory syncs":   func(op disktest.Op) bool { return isSync(op) && strings.HasSuffix(op.Path, "store") },
		"everything at all": func(disktest.Op) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			mem := disktest.NewMem()
			var on atomic.Bool
			e, err := openOn(disktest.Faulty(mem.FS(), func(op disktest.Op) error {
				if on.Load() && fails(op) {
					return disktest.ErrInjected
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			db, acked := kv.Open(e), 0
			write := func() error {
				_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
					tx.Set(kv.Key(fmt.Sprintf("%04d", acked)), make([]byte, 4<<10))
					return nil
				})
				return err
			}
			for range 20 { // past the first flush
				if err := write(); err != nil {
					t.Fatal(err)
				}
				acked++
			}
			on.Store(true)
			for err = write(); err == nil && acked < 2000; err = write() {
				acked++
			}
			if !errors.Is(err, kv.ErrBroken) {
				t.Fatalf("after %d commits: %v, want ErrBroken", acked, err)
			}
			<-db.Broken()
			on.Store(false) // the disk is well again, and that changes nothing
			if err := write(); !errors.Is(err, kv.ErrBroken) {
				t.Errorf("then: %v, want ErrBroken", err)
			}
			if err := db.Close(); !errors.Is(err, kv.ErrBroken) {
				t.Errorf("Close: %v, want ErrBroken", err)
			}

			e, err = openOn(mem.Crash(nil, 0).FS())
			if err != nil {
				t.Fatal(err)
			}
			db = kv.Open(e)
			err = db.View(t.Context(), func(s *kv.Snap) error {
				for i := range acked {
					if v, err := s.Get(kv.Key(fmt.Sprintf("%04d", i))); len(v) != 4<<10 || err != nil {
						return fmt.Errorf("commit %d of %d: %d bytes, %w", i, acked, len(v), err)
					}
				}
				return nil
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func isTable(op disktest.Op) bool { return strings.HasSuffix(op.Path, ".sst") }
func isLog(op disktest.Op) bool   { return strings.HasSuffix(op.Path, ".log") }

func isSync(op disktest.Op) bool {
	return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
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
		var told atomic.Int64
		for range 100 {
			_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
				tx.Add(kv.Key("n"), 1)
				tx.After(func(s kv.Stamp) {
					told.Add(1)
					if d := eng.durable.Load().version; d < s.Version() {
						t.Errorf("told of version %d, while %d is durable", s.Version(), d)
					}
				})
				return nil
			}, kv.Relaxed())
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Millisecond) // the bubble's clock
		synctest.Wait()
		if a, d := eng.applied.Load().version, eng.durable.Load().version; a != 100 || d != 100 {
			t.Errorf("after ten milliseconds: applied %d, durable %d; want 100", a, d)
		}
		if n := told.Load(); n != 100 {
			t.Errorf("After was called %d times, want 100", n)
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
