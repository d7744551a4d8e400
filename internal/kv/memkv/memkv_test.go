package memkv

import (
	"testing"

	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
)

func open(testing.TB) driver.Engine { return New() }

func TestConformance(t *testing.T) { kvtest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { kvtest.RunBenchmarks(b, open) }
