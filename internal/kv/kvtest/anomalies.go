package kvtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

// testAnomalies runs the classics of weak isolation under contention.
func testAnomalies(t *testing.T, open Open) {
	t.Run("Bank", func(t *testing.T) { testBank(t, open) })
	t.Run("WriteSkew", func(t *testing.T) { testWriteSkew(t, open) })
	t.Run("Phantom", func(t *testing.T) { testPhantom(t, open) })
	t.Run("LostUpdate", func(t *testing.T) { testLostUpdate(t, open) })
}

// eachWorker runs fn in so many goroutines.
func eachWorker(workers int, fn func(w int, rng *rand.Rand)) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { fn(w, rand.New(rand.NewPCG(1, uint64(w)))) })
	}
	wg.Wait()
}

func number(v []byte, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return kv.Int64(v)
}

// testBank moves money; nobody ever sees another sum.
func testBank(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	const accounts, total = 10, 1000
	account := func(n int) kv.Key { return kv.Key(fmt.Sprint("account/", n)) }
	update(t, db, func(tx *kv.Tx) error {
		for n := range accounts {
			tx.Set(account(n), kv.Counter(total/accounts))
		}
		return nil
	})
	eachWorker(8, func(w int, rng *rand.Rand) {
		for range 60 {
			if w == 0 {
				sum := int64(0)
				err := db.View(ctx, func(s *kv.Snap) error {
					for p, err := range s.Scan(kv.Prefix(kv.Key("account/")), kv.ScanOptions{}) {
						n, err := number(p.Value, err)
						if err != nil {
							return err
						}
						sum += n
					}
					return nil
				})
				if err != nil || sum != total {
					t.Errorf("a view sums up to %d, %v; want %d", sum, err, total)
				}
				continue
			}
			from, to := rng.IntN(accounts), rng.IntN(accounts)
			_, err := db.Update(ctx, func(tx *kv.Tx) error {
				n, err := number(tx.Get(account(from)))
				if err != nil || n == 0 {
					return err
				}
				tx.Add(account(from), -1)
				tx.Add(account(to), 1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	for k, v := range dump(t, db) {
		if n, err := kv.Int64([]byte(v)); err != nil || n < 0 {
			t.Errorf("%s is %d, %v", k, n, err)
		}
	}
}

// testWriteSkew lets one of two doctors go, never both: each writes what the
// other reads.
func testWriteSkew(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	on := [2]kv.Key{kv.Key("on/0"), kv.Key("on/1")}
	eachWorker(4, func(w int, _ *rand.Rand) {
		me, other := on[w%2], on[1-w%2]
		for i := range 100 {
			_, err := db.Update(ctx, func(tx *kv.Tx) error {
				vs, err := tx.GetAll(me, other)
				if err != nil {
					return err
				}
				switch {
				case vs[0] == nil && vs[1] == nil && i > 0:
					return fmt.Errorf("nobody is on call")
				case vs[0] == nil:
					tx.Set(me, nil)
				case vs[1] != nil:
					tx.Delete(me)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
}

// testPhantom numbers entries by counting those that are there.
func testPhantom(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	const workers, each = 6, 25
	eachWorker(workers, func(int, *rand.Rand) {
		for range each {
			_, err := db.Update(ctx, func(tx *kv.Tx) error {
				n := 0
				for _, err := range tx.Scan(kv.Prefix(kv.Key("entry/")), kv.ScanOptions{KeysOnly: true}) {
					if err != nil {
						return err
					}
					n++
				}
				k := kv.Key(fmt.Sprintf("entry/%03d", n))
				if v, err := tx.Peek().Get(k); v != nil || err != nil {
					return fmt.Errorf("entry %d is taken: %w", n, err)
				}
				tx.Set(k, nil)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	if got := len(dump(t, db)); got != workers*each {
		t.Errorf("%d entries, want %d", got, workers*each)
	}
}

// testLostUpdate counts by reading and writing, and by adding.
func testLostUpdate(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	const workers, each = 8, 40
	eachWorker(workers, func(int, *rand.Rand) {
		for range each {
			_, err := db.Update(ctx, func(tx *kv.Tx) error {
				n, err := number(tx.Get(kv.Key("read")))
				tx.Set(kv.Key("read"), kv.Counter(n+1))
				tx.Add(kv.Key("added"), 1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	want := string(kv.Counter(workers * each))
	if got := dump(t, db); got["read"] != want || got["added"] != want {
		t.Errorf("counted %x and %x, want %x", got["read"], got["added"], want)
	}
}
