package memkv

import (
	"testing"

	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
)

func BenchmarkEngine(b *testing.B) {
	kvtest.RunBenchmarks(b, func(testing.TB) driver.Engine { return New() })
}
