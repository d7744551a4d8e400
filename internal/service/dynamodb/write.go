package dynamodb

import (
	"context"
	"unsafe"

	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
	causes "github.com/nube-run/nube/internal/record"
)

// verb is what a write does with its item.
type verb uint8

const (
	put verb = iota
	update
	remove
	check // only its condition
)

// write is one change of one item, parsed and bound, before it meets the table.
type write struct {
	verb      verb
	table     string
	item      attr.Item // of a put
	key       attr.Item // of the others
	update    *expr.Update
	condition *expr.Condition // nil for none

	returnOnFailure bool // the item in the error when the condition fails
}

// written is the outcome of a write.
type written struct {
	before, after         attr.Item // absent when there is none
	beforeSize, afterSize int       // in bytes; 0 of an absent item
	used                  usage
}

// sizeOf is the size of an item, 0 of an absent one.
func sizeOf(item attr.Item) int {
	if item.IsZero() {
		return 0
	}
	return item.Size()
}

// origin is where a change comes from.
type origin struct {
	at     instant
	cause  causes.Cause
	expiry bool              // a time to live is over; nobody asked for the change
	will   func(due instant) // is told of what will expire; may be nil
}

func (s *Service) origin(ctx context.Context) origin {
	return origin{at: s.clock.Now(), cause: causes.From(ctx), will: s.willExpire}
}

// write runs one write in a transaction of its own.
func (s *Service) write(ctx context.Context, w *write) (written, error) {
	c, from := cell(ctx), s.origin(ctx)
	var out written
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		t, err := s.existing(tx, c, w.table)
		if err != nil {
			return err
		}
		out, err = t.write(tx, w, from)
		return err
	})
	if err != nil {
		return written{}, coded(err)
	}
	s.measure(ctx, w.table, out.used)
	return out, nil
}

// write runs one write. Its error is an attr.Error where a transaction would be cancelled for it, else a coded one.
func (t *table) write(tx *kv.Tx, w *write, from origin) (written, error) {
	if err := t.checkWrite(w); err != nil {
		return written{}, err
	}
	key := t.itemKey(w.named())
	row, err := tx.Get(key)
	if err != nil {
		return written{}, err
	}
	out := written{}
	if out.before, err = decodeItem(row); err != nil {
		return written{}, err
	}
	out.beforeSize = sizeOf(out.before)
	if w.condition != nil && !w.condition.Match(out.before) {
		if w.returnOnFailure {
			return written{}, conditionFailed(out.before)
		}
		return written{}, conditionFailed(attr.Item{})
	}
	switch w.verb {
	case put:
		out.after = w.item
	case update:
		if out.after, err = t.updated(w, out.before); err != nil {
			return written{}, err
		}
	case check:
		out.used = usage{write: writeUnits(out.beforeSize)}
		return out, nil
	}
	if out.afterSize = sizeOf(out.after); out.afterSize > maxItemSize {
		return written{}, errUpdateSize // a put has been checked before
	}
	return out, t.store(tx, key, &out, from)
}

// checkWrite checks a write against the table, before the item is read.
func (t *table) checkWrite(w *write) error {
	switch w.verb {
	case put:
		if err := t.checkItem(w.item); err != nil {
			return err
		}
	default:
		if err := t.checkKey(w.key); err != nil {
			return err
		}
	}
	if w.update != nil {
		if err := t.checkUpdate(w.update); err != nil {
			return err
		}
	}
	if w.condition != nil {
		return t.checkPaths(w.condition.Paths())
	}
	return nil
}

// updated is the item as an update leaves it. An update of an item that is not there makes one, from its key.
func (t *table) updated(w *write, before attr.Item) (attr.Item, error) {
	base := before
	if base.IsZero() {
		base = w.key
	}
	if w.update == nil {
		return base, nil
	}
	item, err := w.update.Apply(base)
	if err != nil {
		return attr.Item{}, err
	}
	if err := t.checkUpdated(before, item); err != nil {
		return attr.Item{}, err
	}
	return item, nil
}

// store makes the change of one item: the item, its index entries, when it expires, its stream record, the counters.
func (t *table) store(tx *kv.Tx, key kv.Key, w *written, from origin) error {
	// The larger of the item as it was and as it is counts.
	w.used = usage{write: writeUnits(max(w.beforeSize, w.afterSize))}
	if w.before == w.after {
		return nil // nothing to write, and DynamoDB writes no stream record either
	}
	if w.after.IsZero() {
		tx.Delete(key)
	} else {
		tx.Set(key, stored(w.after))
	}
	t.tally(tx, 0, w.before, w.after, w.afterSize-w.beforeSize)
	for i := range t.Indexes {
		x := &t.Indexes[i]
		units, err := t.storeEntry(tx, x, w.before, w.after)
		if err != nil {
			return err
		}
		x.used(&w.used, units)
	}
	if t.TTL.Enabled {
		t.storeExpiry(tx, key, w.before, w.after, from)
	}
	if t.Stream.Enabled {
		t.record(tx, w.before, w.after, from)
	}
	return nil
}

// tally brings the counters of an index, or of the table itself (0), up to date.
func (t *table) tally(tx *kv.Tx, id uint64, before, after attr.Item, grown int) {
	switch {
	case before.IsZero() && !after.IsZero():
		tx.Add(t.layout.count(id), 1)
	case !before.IsZero() && after.IsZero():
		tx.Add(t.layout.count(id), -1)
	}
	if grown != 0 {
		tx.Add(t.layout.bytes(id), int64(grown))
	}
}

// storeEntry brings the index's entry of an item up to date and returns the write units that it costs: none when the
// entry stays as it is, one write for an entry that comes, goes or changes, and two when it moves.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func (t *table) storeEntry(tx *kv.Tx, x *index, before, after attr.Item) (units float64, err error) {
	var (
		oldKey, newKey kv.Key
		was, is        attr.Item
	)
	if !before.IsZero() && x.holds(before) {
		oldKey, was = t.entryKey(x, before), x.entry(before)
		if x.Backfilling { // the entry may not be there yet
			had, err := tx.Get(oldKey)
			if err != nil {
				return 0, err
			}
			if had == nil {
				oldKey, was = nil, attr.Item{}
			}
		}
	}
	if !after.IsZero() && x.holds(after) {
		newKey, is = t.entryKey(x, after), x.entry(after)
	}
	moved := string(oldKey) != string(newKey)
	if was == is && !moved {
		return 0, nil
	}
	wasSize, isSize := sizeOf(was), sizeOf(is)
	t.tally(tx, x.ID, was, is, isSize-wasSize)
	if !moved {
		tx.Set(newKey, stored(is))
		return writeUnits(max(wasSize, isSize)), nil
	}
	if oldKey != nil {
		tx.Delete(oldKey)
		units += writeUnits(wasSize)
	}
	if newKey != nil {
		tx.Set(newKey, stored(is))
		units += writeUnits(isSize)
	}
	return units, nil
}

// decodeItem reads an item from a value of the store, whose memory it shares: values never change. No value is no item.
func decodeItem(v []byte) (attr.Item, error) {
	if v == nil {
		return attr.Item{}, nil
	}
	return attr.DecodeItem(unsafe.String(unsafe.SliceData(v), len(v)))
}

// stored is an item as a value of the store, which shares its memory: neither is ever written into.
func stored(item attr.Item) []byte {
	enc := item.Encoding()
	return unsafe.Slice(unsafe.StringData(enc), len(enc))
}
