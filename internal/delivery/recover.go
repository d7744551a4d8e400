package delivery

import (
	"context"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// targets returns the targets that have rows of a kind, looking once into each.
func (l layout) targets(s *kv.Snap, kind string) ([]string, error) {
	if kind == rowEffect {
		return l.emittedTo(s)
	}
	return l.targetsIn(s, l.kind(kind))
}

func (l layout) targetsIn(s *kv.Snap, r kv.Range) ([]string, error) {
	return distinct(s, r, func(k kv.Key) (string, kv.Range, error) {
		d := l.Decode(k)
		kind, t := d.Str(), d.Str()
		return t, l.of(kind, t), d.Err()
	})
}

// emittedTo returns the targets that have effects which nobody has handed over.
//
// What was handed over is deleted, and a store is slow to look past many deleted
// rows. So nothing is looked for before a target's cursor: targets with a cursor
// are looked at behind it, and the others lie in the gaps between those.
func (l layout) emittedTo(s *kv.Snap) ([]string, error) {
	var names []string
	gap := l.kind(rowEffect)
	for p, err := range s.Scan(l.kind("c"), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		d := l.Decode(p.Key)
		d.Str()
		name := d.Str()
		if err := d.Done(); err != nil {
			return nil, err
		}
		of := l.of(rowEffect, name)
		between, err := l.targetsIn(s, kv.Range{Start: gap.Start, End: of.Start})
		if err != nil {
			return nil, err
		}
		names = append(names, between...)
		var cursor kv.Stamp
		copy(cursor[:], p.Value)
		for _, err := range s.Scan(l.after(name, cursor), kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		gap.Start = of.End
	}
	rest, err := l.targetsIn(s, gap)
	return append(names, rest...), err
}

// orders returns the orders of a target that have parked effects.
func (l layout) orders(s *kv.Snap, target string) ([]string, error) {
	return distinct(s, l.of(rowParked, target), func(k kv.Key) (string, kv.Range, error) {
		p, err := l.place(k)
		return p.order, l.parkedOf(target, p.order), err
	})
}

// distinct returns the names in a range of keys that part says, each once; part
// also says which keys have the name.
func distinct(s *kv.Snap, r kv.Range, part func(kv.Key) (string, kv.Range, error)) ([]string, error) {
	var names []string
	for {
		var k kv.Key
		for p, err := range s.Scan(r, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return nil, err
			}
			k = p.Key
		}
		if k == nil {
			return names, nil
		}
		name, of, err := part(k)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		r.Start = of.End
	}
}

// recover wakes the actors of all targets of a shard that have effects, and
// removes payloads that nobody refers to.
func (d *Delivery) recover(s *share) error {
	type payload struct {
		cell keyspace.Cell
		at   kv.Stamp
	}
	var unused []payload
	err := d.o.DB.View(s.Context(), func(snap *kv.Snap) error {
		cells, err := timer.Cells(snap, service)
		if err != nil {
			return err
		}
		for _, c := range cells {
			l := layoutOf(c)
			for _, kind := range []string{rowEffect, rowRetry, rowParked} {
				names, err := l.targets(snap, kind)
				if err != nil {
					return err
				}
				for _, name := range names {
					if t := (target{c, name}); d.shardOf(t) == s.Index {
						d.poke(t)
					}
				}
			}
			for p, err := range snap.Scan(l.kind("n"), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				n, err := kv.Int64(p.Value)
				if err != nil {
					return err
				}
				dec := l.Decode(p.Key)
				dec.Str()
				at := dec.Stamp()
				if err := dec.Done(); err != nil {
					return err
				}
				if n <= 0 {
					unused = append(unused, payload{c, at.At(at.Op() - 1)})
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range unused {
		if err := d.sweep(s.Context(), p.cell, p.at); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes a shared payload if nobody refers to it.
func (d *Delivery) sweep(ctx context.Context, c keyspace.Cell, at kv.Stamp) error {
	l := layoutOf(c)
	_, err := d.o.DB.Update(ctx, func(tx *kv.Tx) error {
		v, err := tx.Get(l.count(at))
		if err != nil || v == nil {
			return err
		}
		if n, err := kv.Int64(v); err != nil || n > 0 {
			return err
		}
		tx.Delete(l.count(at))
		tx.Delete(l.payload(at))
		return nil
	}, kv.Relaxed())
	return err
}

// Gone returns the newest of a target's effects that were given up, the oldest
// first. LastError says why; a long payload is cut short.
func (d *Delivery) Gone(ctx context.Context, c keyspace.Cell, target string) ([]Effect, error) {
	var es []Effect
	err := d.o.DB.View(ctx, func(s *kv.Snap) error {
		l := layoutOf(c)
		for p, err := range s.Scan(l.of(rowGone, target), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			r, err := decodeRow(p.Value, kv.Stamp{})
			if err != nil {
				return err
			}
			r.Cell, r.Target, r.Attempt = c, target, r.attempts
			es = append(es, r.Effect)
		}
		return nil
	})
	return es, err
}
