package kv_test

import (
	"context"
	"testing"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

func TestTimeline(t *testing.T) {
	db, ctx := open(t), context.Background()
	cell := keyspace.Cell{Account: "000000000000", Region: "us-east-1"}
	line := kv.NewTimeline(keyspace.Service(cell, "time", 0))
	update := func(fn func(tx *kv.Tx) error) kv.Stamp {
		t.Helper()
		s, err := db.Update(ctx, fn)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write := func() kv.Stamp {
		return update(func(tx *kv.Tx) error { tx.Append(kv.Key("log"), nil, nil); return nil })
	}
	sec := func(n int64) clock.Instant { return clock.Unix(n, 0) }
	marks := map[int64]kv.Stamp{}
	writes := map[int64]kv.Stamp{}
	writes[0] = write()
	for n := int64(10); n <= 14; n++ {
		marks[n] = update(func(tx *kv.Tx) error { line.Mark(tx, sec(n)); return nil })
		writes[n] = write()
	}
	check := func(first int64) {
		t.Helper()
		err := db.View(ctx, func(s *kv.Snap) error {
			for _, c := range []struct {
				at   clock.Instant
				want int64
			}{{sec(9), 0}, {sec(10) - 1, 0}, {sec(10), 10}, {sec(12), 12}, {sec(12) + 1, 12}, {sec(13) - 1, 12}, {sec(99), 14}} {
				if c.want < first {
					c.want = 0
				}
				if got, err := line.Before(s, c.at); err != nil || got.Version() != marks[c.want].Version() {
					t.Errorf("Before(%v) = %v, %v; want %v", c.at, got, err, marks[c.want])
				}
			}
			for n, stamp := range writes {
				want := sec(n)
				if n < first {
					want = 0
				}
				if got, err := line.Time(s, stamp); err != nil || got != want {
					t.Errorf("Time(%v) = %v, %v; want %v", stamp, got, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	check(10)
	trim := func(at clock.Instant) { update(func(tx *kv.Tx) error { return line.Trim(tx, at) }) }
	trim(sec(9))
	check(10)
	trim(sec(12) + 1)
	check(12)
}
