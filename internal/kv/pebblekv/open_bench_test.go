package pebblekv

import (
	"context"
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

// BenchmarkOpen opens a new store, one that was closed, and one that was killed
// with a few megabytes of log.
func BenchmarkOpen(b *testing.B) {
	open := func(b *testing.B, dir string) *Engine {
		e, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		return e
	}
	stop := func(b *testing.B, e *Engine) {
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("New", func(b *testing.B) {
		for b.Loop() {
			dir := b.TempDir()
			e := open(b, dir)
			b.StopTimer()
			stop(b, e)
			b.StartTimer()
		}
	})
	b.Run("Closed", func(b *testing.B) {
		dir := b.TempDir()
		db := kv.Open(open(b, dir))
		for i := range 1000 {
			if _, err := db.Update(context.Background(), func(tx *kv.Tx) error {
				tx.Append(kv.Key("k"), nil, make([]byte, i))
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			e := open(b, dir)
			b.StopTimer()
			stop(b, e)
			b.StartTimer()
		}
	})
}
