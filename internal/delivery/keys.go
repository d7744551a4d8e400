package delivery

import (
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

const service = "delivery"

// layout makes the keys of a cell; see the package's documentation.
type layout struct{ keyspace.Subspace }

func layoutOf(c keyspace.Cell) layout { return layout{keyspace.Service(c, service, 0)} }

// The kinds of rows that hold effects by target.
const (
	rowEffect = "e"
	rowRetry  = "r"
	rowParked = "o"
	rowGone   = "x"
)

func (l layout) kind(kind string) kv.Range { return l.Key().Str(kind).Range() }

func (l layout) of(kind, target string) kv.Range { return l.Key().Str(kind).Str(target).Range() }

func (l layout) cursor(target string) kv.Key { return l.Key().Str("c").Str(target).Done() }

// emitted is the prefix of a target's effects, for Append.
func (l layout) emitted(target string) kv.Key { return l.Key().Str(rowEffect).Str(target).Stamped() }

func (l layout) effect(target string, at kv.Stamp) kv.Key {
	return l.Key().Str(rowEffect).Str(target).Stamp(at).Done()
}

// after is the target's effects that were emitted after a stamp.
func (l layout) after(target string, at kv.Stamp) kv.Range {
	return kv.Range{Start: kv.Next(l.effect(target, at)), End: l.of(rowEffect, target).End}
}

func (l layout) retry(target string, due clock.Instant, at kv.Stamp) kv.Key {
	return l.Key().Str(rowRetry).Str(target).Int(int64(due)).Stamp(at).Done()
}

// dueUntil is the target's retries that are due at now.
func (l layout) dueUntil(target string, now clock.Instant) kv.Range {
	r := l.of(rowRetry, target)
	r.End = l.Key().Str(rowRetry).Str(target).Int(int64(now)).Range().End
	return r
}

func (l layout) parked(target, order string, at kv.Stamp) kv.Key {
	return l.Key().Str(rowParked).Str(target).Str(order).Stamp(at).Done()
}
func (l layout) parkedOf(target, order string) kv.Range {
	return l.Key().Str(rowParked).Str(target).Str(order).Range()
}

func (l layout) gone(target string, at kv.Stamp) kv.Key {
	return l.Key().Str(rowGone).Str(target).Stamp(at).Done()
}

// payloads is the prefix of shared payloads, counts that of their counters: the
// counter of a payload is the next append of the same commit.
func (l layout) payloads() kv.Key { return l.Key().Str("p").Stamped() }
func (l layout) counts() kv.Key   { return l.Key().Str("n").Stamped() }

func (l layout) payload(at kv.Stamp) kv.Key { return l.Key().Str("p").Stamp(at).Done() }
func (l layout) count(at kv.Stamp) kv.Key {
	return l.Key().Str("n").Stamp(at.At(at.Op() + 1)).Done()
}

// place is what the key of an effect's row says.
type place struct {
	kind   string
	target string
	due    clock.Instant // of a retry
	order  string        // of a parked one
	stamp  kv.Stamp
}

func (l layout) place(k kv.Key) (place, error) {
	d := l.Decode(k)
	p := place{kind: d.Str(), target: d.Str()}
	switch p.kind {
	case rowRetry:
		p.due = clock.Instant(d.Int())
	case rowParked:
		p.order = d.Str()
	}
	p.stamp = d.Stamp()
	return p, d.Done()
}

// key is the key of a place.
func (l layout) key(p place) kv.Key {
	switch p.kind {
	case rowRetry:
		return l.retry(p.target, p.due, p.stamp)
	case rowParked:
		return l.parked(p.target, p.order, p.stamp)
	case rowGone:
		return l.gone(p.target, p.stamp)
	default:
		return l.effect(p.target, p.stamp)
	}
}
