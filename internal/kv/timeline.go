package kv

import (
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

// Timeline relates model time to the commit order of a cell: "what was written
// since three o'clock" becomes "what has a greater stamp than this". Package kv
// reads no clock; whoever owns the cell's clock calls [Timeline.Mark], once a
// second while something is committed.
type Timeline struct {
	byTime, byStamp keyspace.Subspace
}

// NewTimeline returns the timeline that is kept in s.
func NewTimeline(s keyspace.Subspace) Timeline {
	return Timeline{byTime: s.Sub("time"), byStamp: s.Sub("stamp")}
}

// Mark notes that this commit happens at now.
func (l Timeline) Mark(tx *Tx, now clock.Instant) {
	tx.Append(l.byTime.Key().Int(int64(now)).Stamped(), nil, nil)
	tx.Append(l.byStamp.Key().Stamped(), nil, binary.BigEndian.AppendUint64(nil, uint64(now)))
}

// Before returns the stamp of the last mark at or before t, zero if there is
// none. Everything with a smaller stamp was committed before t, and everything
// committed after t has a greater one.
func (l Timeline) Before(s *Snap, t clock.Instant) (Stamp, error) {
	r := l.byTime.Range()
	r.End = l.byTime.Key().Int(int64(t)).Range().End
	for p, err := range s.Scan(r, ScanOptions{Reverse: true, Limit: 1, KeysOnly: true}) {
		if err != nil {
			return Stamp{}, err
		}
		d := l.byTime.Decode(p.Key)
		d.Int()
		stamp := d.Stamp()
		return stamp, d.Done()
	}
	return Stamp{}, nil
}

// Time returns the time of the last mark at or before a stamp: when its commit
// happened, less at most the distance of two marks. It is zero if there is
// none.
func (l Timeline) Time(s *Snap, stamp Stamp) (clock.Instant, error) {
	r := l.byStamp.Range()
	r.End = Next(l.byStamp.Key().Stamp(stamp.At(0xffff)).Done())
	for p, err := range s.Scan(r, ScanOptions{Reverse: true, Limit: 1}) {
		if err != nil {
			return 0, err
		}
		if len(p.Value) != 8 {
			return 0, fmt.Errorf("kv: mark %v has %d bytes", p.Key, len(p.Value))
		}
		return clock.Instant(binary.BigEndian.Uint64(p.Value)), nil
	}
	return 0, nil
}

// Trim deletes the marks before t, except the last of them, by which Before and
// Time answer for what came after it.
func (l Timeline) Trim(tx *Tx, t clock.Instant) error {
	last, err := l.Before(tx.Peek(), t)
	if err != nil || last.IsZero() {
		return err
	}
	at, err := l.Time(tx.Peek(), last)
	if err != nil {
		return err
	}
	// Marks only come at the end, so that nothing read here can change but by
	// another Trim, which deletes the same.
	tx.DeleteRange(Range{Start: l.byTime.Prefix(), End: l.byTime.Key().Int(int64(at)).Done()})
	tx.DeleteRange(Range{Start: l.byStamp.Prefix(), End: l.byStamp.Key().Stamp(last.At(0)).Done()})
	return nil
}
