package delivery_test

import (
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// One change with one effect at a time, from the emission to the end of the
// delivery, on disk.
func BenchmarkLatency(b *testing.B) {
	for _, scheme := range []string{"out", "in"} {
		b.Run(scheme, func(b *testing.B) {
			bed := diskBed(b)
			b.ResetTimer()
			for b.Loop() {
				bed.emit(effect(scheme+":a", "x"))
				bed.settled()
			}
		})
	}
}

// A backlog of effects for ten targets, delivered.
func BenchmarkThroughput(b *testing.B) {
	for _, scheme := range []string{"out", "in"} {
		b.Run(scheme, func(b *testing.B) {
			bed := diskBed(b)
			b.ResetTimer()
			for n := 0; n < b.N; n += 100 {
				var es []delivery.Effect
				for i := range 100 {
					es = append(es, effect(fmt.Sprintf("%s:%d", scheme, i%10), "x"))
				}
				bed.emit(es...)
			}
			bed.settled()
		})
	}
}

func diskBed(b *testing.B) *bed {
	e, err := pebblekv.Open(b.TempDir(), pebblekv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db := kv.Open(e)
	bed := newBed(b, db, clock.NewModel(clock.State{}), delivery.Options{}, &outside{}, inside{}).start()
	b.Cleanup(func() {
		bed.stop()
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return bed
}
