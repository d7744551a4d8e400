package dynamodb

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	causes "github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
)

// expiry is the [timer.Index] of the items whose time to live is over. DynamoDB deletes them within days; here they go at
// their second of model time, so that a test can tell when. A deletion is a write like any other, with its stream record
// and its entries of indexes, but costs nothing.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
type expiry struct{ s *Service }

// expiring is a table whose items expire.
type expiring struct {
	cell   keyspace.Cell
	id     uint64
	name   string
	layout layout
}

// tables are the tables whose items expire.
func (x *expiry) tables(sn *kv.Snap) (out []expiring, err error) {
	cells, err := x.s.cells.all(sn)
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		prefix := catalogOf(c).Sub("ttl")
		for p, err := range sn.Scan(catalogOf(c).allExpiring(), kv.ScanOptions{}) {
			if err != nil {
				return nil, err
			}
			d := prefix.Decode(p.Key)
			e := expiring{cell: c, id: d.Uint(), name: string(p.Value)}
			if err := d.Done(); err != nil {
				return nil, err
			}
			e.layout = layoutOf(c, e.id)
			out = append(out, e)
		}
	}
	return out, nil
}

// NextDue implements [timer.Index].
func (x *expiry) NextDue(_ context.Context, sn *kv.Snap) (due timer.Due, err error) {
	tables, err := x.tables(sn)
	if err != nil {
		return due, err
	}
	for _, e := range tables {
		for p, err := range sn.Scan(e.layout.expiries(), kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return due, err
			}
			second, _, err := e.layout.expiring(p.Key)
			if err != nil {
				return due, err
			}
			due.OneShot = earliest(due.OneShot, instant(second)*instant(time.Second))
		}
	}
	return due, nil
}

// Bounds of one transaction that deletes.
const (
	expiryStep  = 256
	expiryBytes = 2 << 20
)

// Fire implements [timer.Index].
func (x *expiry) Fire(ctx context.Context, shard *timer.Shard, now instant) error {
	var tables []expiring
	err := x.s.db.View(ctx, func(sn *kv.Snap) (err error) {
		tables, err = x.tables(sn)
		return err
	})
	if err != nil {
		return err
	}
	from := origin{at: now, expiry: true, cause: causes.From(ctx)}
	for _, e := range tables {
		due := e.layout.expired(now.Unix())
		for {
			var last kv.Key
			_, err := x.s.db.Update(ctx, func(tx *kv.Tx) (err error) {
				if err := shard.Guard(tx); err != nil {
					return err
				}
				last, err = x.s.expire(tx, e, due, from)
				return err
			})
			if err != nil {
				return err
			}
			if last == nil {
				break
			}
			// The next step begins where this one has ended: it would take long to find what is left behind all that is gone.
			due.Start = kv.Next(last)
		}
	}
	return nil
}

// expire deletes some items whose time is over, and returns the place of the last one if there may be more. The items are
// read, so that one that is given more time at the same moment conflicts; the order of expiry is only looked at, as it
// changes with the items.
func (s *Service) expire(tx *kv.Tx, e expiring, due kv.Range, from origin) (last kv.Key, err error) {
	t, err := s.table(tx, e.cell, e.name)
	if err != nil || t == nil || t.ID != e.id || !t.TTL.Enabled {
		return nil, err
	}
	n, size := 0, 0
	for p, err := range tx.Peek().Scan(due, kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return nil, err
		}
		if n == expiryStep || size > expiryBytes {
			return last, nil
		}
		w, err := t.expireItem(tx, p.Key, from)
		if err != nil {
			return nil, err
		}
		n++
		size += w.beforeSize
		last = p.Key
	}
	return nil, nil
}

// expireItem deletes the item that the order of expiry has at a key.
func (t *table) expireItem(tx *kv.Tx, at kv.Key, from origin) (w written, err error) {
	_, key, err := t.layout.expiring(at)
	if err != nil {
		return w, err
	}
	row, err := tx.Get(key)
	if err != nil {
		return w, err
	}
	if w.before, err = decodeItem(row); err != nil {
		return w, err
	}
	w.beforeSize = sizeOf(w.before)
	return w, t.store(tx, key, &w, from)
}
