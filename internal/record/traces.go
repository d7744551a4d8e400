package record

import (
	"cmp"
	"context"
	"iter"
	"sort"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record/journal"
)

// Traces is the spans of every hop.
type Traces struct {
	j       *journal.Journal
	off     bool      // nothing is recorded
	buffers sync.Pool // of *[]byte, for encoding: the journal copies
}

// keepBuffer is the largest buffer that is kept.
const keepBuffer = 64 << 10

// Add records a span that has ended.
func (t *Traces) Add(s *Span) error {
	if t.off {
		return nil
	}
	buf, _ := t.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = s.encode((*buf)[:0])
	_, err := t.j.Append(string(s.Trace[:]), s.Start, s.Start.Add(s.Duration), *buf)
	if cap(*buf) <= keepBuffer {
		t.buffers.Put(buf)
	}
	if err == nil && len(s.Links) > 0 {
		err = t.join(s)
	}
	return err
}

// Trace returns the spans of a trace in the order in which they began.
func (t *Traces) Trace(ctx context.Context, id TraceID) ([]Span, error) {
	var spans []Span
	for s, err := range spansOf(t.j.Read(ctx, journal.Query{Prefix: string(id[:])})) {
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	sort.SliceStable(spans, func(i, j int) bool {
		return cmp.Or(cmp.Compare(spans[i].Start, spans[j].Start), spans[i].Began.Compare(spans[j].Began)) < 0
	})
	return spans, nil
}

// TraceQuery says which spans to look for.
type TraceQuery struct {
	From, To clock.Instant // From ≤ start < To; zero: no bound
	Match    func(*Span) bool
}

// Recent yields the traces of which a span matches, newest first, each by the
// first such span that was met.
func (t *Traces) Recent(ctx context.Context, q TraceQuery) iter.Seq2[Span, error] {
	return func(yield func(Span, error) bool) {
		seen := make(map[TraceID]bool)
		for s, err := range spansOf(t.j.Read(ctx, journal.Query{Match: isTrace, From: q.From, To: q.To, Reverse: true})) {
			if err != nil {
				yield(Span{}, err)
				return
			}
			if seen[s.Trace] || q.Match != nil && !q.Match(&s) {
				continue
			}
			seen[s.Trace] = true
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Follow yields spans as they end, from now on. It ends with ctx, once it has
// yielded what was there then.
func (t *Traces) Follow(ctx context.Context) iter.Seq2[Span, error] {
	return spansOf(t.j.Follow(ctx, journal.Query{Match: isTrace}, t.j.End()))
}

func spansOf(rs iter.Seq2[journal.Record, error]) iter.Seq2[Span, error] {
	return func(yield func(Span, error) bool) {
		for r, err := range rs {
			if err != nil {
				yield(Span{}, err)
				return
			}
			var id TraceID
			copy(id[:], r.Key)
			s, err := decodeSpan(id, r.Body)
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}
