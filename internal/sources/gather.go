package sources

import (
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
)

// page is how many records are fetched at a time, so that a snapshot is not held
// for long.
const page = 500

// collect reads the batch that is next: the records of the part of a failed one
// that is to be tried again, or as many as there are and one call takes.
func (l *lane) collect(ctx context.Context) (*batch, error) {
	b := &batch{next: l.row.Cursor}
	var end Cursor
	if l.row.retries() {
		end = l.row.Ends[0]
	}
	for !b.full && !b.end && (end == "" || b.next < end) {
		before := b.next
		if err := l.fetch(ctx, b, end); err != nil {
			return nil, err
		}
		if b.next == before {
			break
		}
	}
	return b, nil
}

// gather sees whether the batch of an open window is complete. If it is not the
// lane waits for more records, or for the window's end.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
func (l *lane) gather(ctx context.Context, now clock.Instant) (rest, bool, error) {
	if !l.row.Due.IsZero() && l.row.Due <= now {
		return rest{}, false, nil
	}
	b := &batch{next: l.gathered.upTo, bytes: l.gathered.bytes}
	n := l.gathered.records
	for !b.full && !b.end {
		before := b.next
		b.records = b.records[:0]
		if err := l.fetch(ctx, b, ""); err != nil {
			return rest{}, false, err
		}
		n += len(b.records)
		b.full = b.full || n >= l.m.BatchSize
		if b.next == before {
			break
		}
	}
	if b.full || b.end {
		return rest{}, false, nil
	}
	if n == 0 {
		return rest{}, false, nil // collect moves the cursor over what was passed over
	}
	l.gathered = gathering{n, b.bytes, b.next}
	if l.row.Due.IsZero() {
		r := l.row
		r.Due = now.Add(l.m.Window)
		if l.m.Tumbling > 0 {
			r.Due = max(now, min(r.Due, b.window.Add(l.m.Tumbling)))
		}
		keep := l.gathered
		if err := l.commit(ctx, r, nil, delivery.ActorRef{}); err != nil {
			return rest{}, false, err
		}
		l.gathered = keep
	}
	return rest{until: l.row.Due, why: "a batch gathers until " + l.row.Due.String()}, true, nil
}

// fetch reads one page into a batch, up to the record at end if that is not
// empty.
func (l *lane) fetch(ctx context.Context, b *batch, end Cursor) error {
	var p Page
	want := Want{Records: page, Bytes: max(1, maxPayload-b.bytes), Keep: l.keep()}
	if l.filter == nil && len(l.row.Skip) == 0 {
		want.Records = min(page, l.m.BatchSize-len(b.records))
	}
	err := l.k.e.o.DB.View(ctx, func(s *kv.Snap) (err error) {
		p, err = l.source.Fetch(s, l.m.Source, l.shard.ID, b.next, want)
		return err
	})
	if err != nil {
		return err
	}
	for i := range p.Records {
		rec := &p.Records[i]
		if end != "" && rec.Cursor > end {
			b.next, b.full = end, true
			return nil
		}
		if l.takes(rec) {
			if !l.inWindow(b, rec) {
				b.full, b.closes = true, true
				return nil
			}
			// What a call takes is bounded; one record always fits.
			if size := len(rec.Event) + 1; len(b.records) > 0 && b.bytes+size+overhead+len(l.row.State) > maxPayload {
				b.full = true
				return nil
			}
			b.records = append(b.records, *rec)
			b.bytes += len(rec.Event) + 1
		}
		b.next = rec.Cursor
		if len(b.records) >= l.m.BatchSize {
			b.full = true
			return nil
		}
	}
	b.next = p.Next
	b.end = p.End
	if end != "" && b.next >= end {
		b.next, b.full = end, true
	}
	return nil
}

// keep says which records of the shard are the lane's; nil: all.
func (l *lane) keep() func([]byte) bool {
	factor := l.m.factor()
	if factor == 1 {
		return nil
	}
	return func(order []byte) bool { return laneOf(order, factor) == l.n }
}

// takes reports whether a record of the lane goes to the function.
func (l *lane) takes(r *Record) bool {
	for _, d := range l.row.Skip {
		if d.has(r) {
			return false
		}
	}
	return l.filter.takes(r)
}
