package pebblekv

import (
	"testing"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
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

func BenchmarkEngine(b *testing.B) {
	kvtest.RunBenchmarks(b, func(t testing.TB) driver.Engine {
		e, err := Open(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
