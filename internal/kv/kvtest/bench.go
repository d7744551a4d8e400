package kvtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
)

// RunBenchmarks measures an engine through package kv: commits of one read and
// one write by 1, 8 and 64 committers, reads and scans.
func RunBenchmarks(b *testing.B, open func(testing.TB) driver.Engine) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("Commit/%d", n), func(b *testing.B) { benchCommit(b, open(b), n) })
	}
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("Relaxed/%d", n), func(b *testing.B) { benchCommit(b, open(b), n, kv.Relaxed()) })
	}
	b.Run("HotKey/8", func(b *testing.B) { benchHot(b, open(b), 8) })
	b.Run("Get/1", func(b *testing.B) { benchGet(b, open(b), 1) })
	b.Run("Get/8", func(b *testing.B) { benchGet(b, open(b), 8) })
	b.Run("Scan", func(b *testing.B) { benchScan(b, open(b)) })
}

const benchKeys = 100_000

func benchKey(n uint64) kv.Key {
	return keyspace.Service(keyspace.Cell{Account: "000000000000", Region: "us-east-1"}, "b", 1).Key().Uint(n).Done()
}

// spread returns keys in an order that is not theirs.
func spread(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 % benchKeys }

func parallel(b *testing.B, workers int, fn func(n uint64) error) {
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(b.N) {
					return
				}
				if err := fn(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func benchCommit(b *testing.B, e driver.Engine, workers int, o ...kv.Option) {
	db := kv.Open(e)
	defer db.Close()
	value := make([]byte, 256)
	parallel(b, workers, func(n uint64) error {
		k := benchKey(spread(n))
		_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
			if _, err := tx.Get(k); err != nil {
				return err
			}
			tx.Set(k, value)
			return nil
		}, o...)
		return err
	})
}

func benchHot(b *testing.B, e driver.Engine, workers int) {
	db := kv.Open(e)
	defer db.Close()
	k := benchKey(0)
	parallel(b, workers, func(n uint64) error {
		_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
			v, err := tx.Get(k)
			if err != nil {
				return err
			}
			var c uint64
			if v != nil {
				c = binary.BigEndian.Uint64(v)
			}
			tx.Set(k, binary.BigEndian.AppendUint64(nil, c+1))
			return nil
		})
		return err
	})
}

func fill(b *testing.B, db *kv.DB) {
	value := make([]byte, 256)
	for at := uint64(0); at < benchKeys; at += 1000 {
		_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
			for n := at; n < at+1000; n++ {
				tx.Set(benchKey(n), value)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchGet(b *testing.B, e driver.Engine, workers int) {
	db := kv.Open(e)
	defer db.Close()
	fill(b, db)
	parallel(b, workers, func(n uint64) error {
		return db.View(context.Background(), func(s *kv.Snap) error {
			v, err := s.Get(benchKey(spread(n)))
			if err == nil && len(v) != 256 {
				err = fmt.Errorf("value of %d bytes", len(v))
			}
			return err
		})
	})
}

// benchScan reads 100 rows at a time.
func benchScan(b *testing.B, e driver.Engine) {
	db := kv.Open(e)
	defer db.Close()
	fill(b, db)
	parallel(b, 1, func(n uint64) error {
		return db.View(context.Background(), func(s *kv.Snap) error {
			rows, from := 0, spread(n)
			for _, err := range s.Scan(kv.Range{Start: benchKey(from), End: benchKey(benchKeys)}, kv.ScanOptions{Limit: 100}) {
				if err != nil {
					return err
				}
				rows++
			}
			if want := min(100, benchKeys-from); uint64(rows) != want {
				return fmt.Errorf("%d rows, want %d", rows, want)
			}
			return nil
		})
	})
}
