package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

func testLimits(t *testing.T, open Open) {
	ctx := context.Background()
	k, long := kv.Key("k"), kv.Key(bytes.Repeat([]byte("k"), kv.MaxKey+1))
	largest := make([]byte, kv.MaxValue)
	fill := func(n int) func(*kv.Tx) {
		return func(tx *kv.Tx) {
			for i := range n {
				tx.Set(kv.Key(fmt.Sprint("k", i)), largest)
			}
		}
	}
	for _, c := range []struct {
		name string
		body func(*kv.Tx)
		want error
	}{
		{"key", func(tx *kv.Tx) { tx.Set(long[1:], nil) }, nil},
		{"key too long", func(tx *kv.Tx) { tx.Set(long, nil) }, kv.ErrTooLarge},
		{"key too long, delete", func(tx *kv.Tx) { tx.Delete(long) }, kv.ErrTooLarge},
		{"key too long, get", func(tx *kv.Tx) { tx.Get(long) }, kv.ErrTooLarge},
		{"key too long, get all", func(tx *kv.Tx) { tx.GetAll(k, long) }, kv.ErrTooLarge},
		{"key too long, add", func(tx *kv.Tx) { tx.Add(long, 1) }, kv.ErrTooLarge},
		{"key too long, append", func(tx *kv.Tx) { tx.Append(long[10:], nil, nil) }, kv.ErrTooLarge},
		{"key of an append", func(tx *kv.Tx) { tx.Append(long[12:], k, nil) }, nil},
		{"bound too long", func(tx *kv.Tx) { tx.DeleteRange(kv.Prefix(append(long, long...))) }, kv.ErrTooLarge},
		{"no key", func(tx *kv.Tx) { tx.Set(nil, nil) }, kv.ErrBadKey},
		{"engine's key", func(tx *kv.Tx) { tx.Set(kv.Key("\xff"), nil) }, kv.ErrBadKey},
		{"engine's key, get", func(tx *kv.Tx) { tx.Get(kv.Key("\xffversions")) }, kv.ErrBadKey},
		{"engine's range", func(tx *kv.Tx) { tx.DeleteRange(kv.Range{Start: k, End: kv.Key("\xff\xff")}) }, kv.ErrBadKey},
		{"no end, scan", func(tx *kv.Tx) { realTx{tx}.scan(kv.Range{Start: k}, kv.ScanOptions{}, 0) }, kv.ErrBadKey},
		{"no end, guard", func(tx *kv.Tx) { tx.Guard(kv.Range{Start: k}) }, kv.ErrBadKey},
		{"value", func(tx *kv.Tx) { tx.Set(k, largest) }, nil},
		{"value too large", func(tx *kv.Tx) { tx.Set(k, append(largest, 0)) }, kv.ErrTooLarge},
		{"value too large, append", func(tx *kv.Tx) { tx.Append(k, nil, append(largest, 0)) }, kv.ErrTooLarge},
		{"transaction", fill(7), nil},
		{"transaction too large", fill(8), kv.ErrTooLarge},
		{"the same key again", func(tx *kv.Tx) {
			for range 20 {
				tx.Set(k, largest)
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDB(t, open)
			before := dump(t, db)
			_, err := db.Update(ctx, func(tx *kv.Tx) error {
				c.body(tx)
				tx.Set(kv.Key("z"), nil)
				return nil
			})
			if !errors.Is(err, c.want) {
				t.Fatalf("Update: %v, want %v", err, c.want)
			}
			if got := dump(t, db); err != nil && len(got) != len(before) {
				t.Errorf("a refused update left %d pairs", len(got))
			} else if err == nil && len(got) == 0 {
				t.Error("an accepted update left nothing")
			}
		})
	}
	t.Run("view", func(t *testing.T) {
		db := openDB(t, open)
		db.View(ctx, func(s *kv.Snap) error {
			if _, err := s.Get(kv.Key("\xffversions")); !errors.Is(err, kv.ErrBadKey) {
				t.Errorf("Get of an engine's key: %v", err)
			}
			if _, err := s.GetAll(k, nil); !errors.Is(err, kv.ErrBadKey) {
				t.Errorf("GetAll of no key: %v", err)
			}
			return nil
		})
	})
}
