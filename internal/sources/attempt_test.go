package sources

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Whatever becomes of batches, whatever is changed about the mapping meanwhile:
// every record is done once, or given up once, in order, and none is handed over
// again after that.
//
// Mutations: the cursor moved to the failed record, not before it; a part that
// is passed without its end; halves that overlap or leave a record out.
func TestEveryRecordIsDoneOrGivenUp(t *testing.T) {
	for seed := range uint64(3000) {
		if err := rounds(rand.New(rand.NewPCG(seed, 11))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func rounds(r *rand.Rand) error {
	now := clock.Unix(1_700_000_000, 0)
	var all []Record
	for i := range 1 + r.IntN(12) {
		all = append(all, Record{Cursor: Cursor(fmt.Sprintf("%03d", 2*i+1)), Sequence: fmt.Sprint(i), At: now.Add(time.Duration(i) * time.Second)})
	}
	m := &Mapping{BatchSize: 1 + r.IntN(6), MaxRetries: r.IntN(4) - 1, Bisect: r.IntN(2) == 0}
	if r.IntN(3) == 0 {
		m.MaxAge = time.Duration(1+r.IntN(60)) * time.Second
	}
	at := row{Factor: 1}
	out := 0 // records that are done or given up
	leave := func(rs []Record, what string) error {
		for _, rec := range rs {
			if all[out].Sequence != rec.Sequence {
				return fmt.Errorf("%s is %s, %s is next", rec.Sequence, what, all[out].Sequence)
			}
			out++
		}
		return nil
	}
	for turn := 0; out < len(all); turn++ {
		if turn > 2000 {
			return fmt.Errorf("no end: %+v", at)
		}
		now = max(now+1, at.Due)
		// What collect does: up to the end of the first part, no more than fit.
		b := &batch{}
		for _, rec := range all {
			if rec.Cursor <= at.Cursor || at.retries() && rec.Cursor > at.Ends[0] || len(b.records) == m.BatchSize {
				continue
			}
			b.records = append(b.records, rec)
		}
		if len(b.records) == 0 {
			return fmt.Errorf("%s is left, and nothing is handed over: %+v", all[out].Sequence, at)
		}
		b.next = b.records[len(b.records)-1].Cursor
		if b.records[0].Sequence != all[out].Sequence {
			return fmt.Errorf("%s is handed over, %s is next", b.records[0].Sequence, all[out].Sequence)
		}
		if next, old := at.aged(m, b, now); old != nil {
			if err := leave(old.records, "too old"); err != nil {
				return err
			}
			at = next
			continue
		}
		a := attempt{failed: -1, request: "r"}
		switch r.IntN(5) {
		case 0:
			a.problem = "throttled"
		case 1:
			a.failed = 0
		case 2:
			a.failed = r.IntN(len(b.records))
		}
		next, g := at.after(m, b, a, now)
		done := b.records
		switch {
		case a.problem != "":
			done = nil
		case a.failed >= 0:
			done = b.records[:a.failed]
		}
		if err := leave(done, "done"); err != nil {
			return err
		}
		if g != nil {
			if err := leave(g.records, "given up"); err != nil {
				return err
			}
			if m.MaxRetries < 0 || g.attempts <= m.MaxRetries {
				return fmt.Errorf("given up after %d attempts", g.attempts)
			}
		}
		if next.Cursor < at.Cursor || !slices.IsSorted(next.Ends) || len(next.Ends) > 0 && next.Ends[0] <= next.Cursor {
			return fmt.Errorf("from %+v to %+v", at, next)
		}
		if again, err := decodeRow(next.encode()); err != nil || fmt.Sprint(again) != fmt.Sprint(next) {
			return fmt.Errorf("row %+v is read as %+v: %v", next, again, err)
		}
		at = next
		if r.IntN(10) == 0 {
			m.BatchSize, m.MaxRetries, m.Bisect = 1+r.IntN(6), r.IntN(4)-1, r.IntN(2) == 0
		}
	}
	return nil
}
