package kvtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
)

// RunEqual does the same with two engines, the second of which is closed and
// opened again now and then. They must return the same at every step, stamps
// included, and hold the same in the end.
func RunEqual(t *testing.T, open Open, onDisk OpenOn) {
	eachSeed(t, 5, func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mem := disktest.NewMem()
		one, two := openDB(t, open), openOn(t, onDisk, mem.FS())
		defer func() { closeDB(t, two) }()
		for i := range 300 {
			if rng.IntN(40) == 0 {
				closeDB(t, two)
				two = openOn(t, onDisk, mem.FS())
			}
			steps := generate(rng, fmt.Sprint(i))
			end := error(nil)
			if rng.IntN(10) == 0 {
				end = errOnPurpose
			}
			var o []kv.Option
			if rng.IntN(3) == 0 {
				o = append(o, kv.Relaxed())
			}
			first, stampOne := outcomeOf(t, one, steps, end, o)
			second, stampTwo := outcomeOf(t, two, steps, end, o)
			if d := cmp.Diff(first, second); d != "" || stampOne != stampTwo {
				t.Fatalf("transaction %d: stamps %v and %v, steps (-one +two):\n%s", i, stampOne, stampTwo, d)
			}
		}
		for _, db := range []*kv.DB{one, two} {
			update(t, db, func(*kv.Tx) error { return nil }) // relaxed commits are durable now
		}
		if d := cmp.Diff(dump(t, one), dump(t, two)); d != "" {
			t.Errorf("contents (-one +two):\n%s", d)
		}
	})
}

// outcomeOf runs a transaction and returns what its steps returned.
func outcomeOf(t *testing.T, db *kv.DB, steps []step, end error, o []kv.Option) ([]string, kv.Stamp) {
	t.Helper()
	var got []string
	stamp, err := db.Update(t.Context(), func(tx *kv.Tx) error {
		got = nil
		for _, s := range steps {
			got = append(got, s.name+": "+s.do(realTx{tx}))
		}
		return end
	}, o...)
	if !errors.Is(err, end) {
		t.Fatalf("Update: %v, want %v", err, end)
	}
	return got, stamp
}
