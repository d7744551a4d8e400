package pebblekv

import (
	"testing"

	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
)

func BenchmarkEngine(b *testing.B) {
	kvtest.RunBenchmarks(b, func(t testing.TB) driver.Engine {
		e, err := Open(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
