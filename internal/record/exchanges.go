package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/nube-run/nube/internal/packed"
	"github.com/nube-run/nube/internal/record/journal"
)

// Exchanges is what functions and APIs were given, and what they answered, as
// long as there is room for it.
type Exchanges struct {
	j       *journal.Journal
	off     bool      // nothing is recorded
	sealer  Sealer    // nil: exchanges lie open
	scratch sync.Pool // of *scratch: the journal copies
}

// scratch is where an exchange is encoded and sealed.
type scratch struct{ text, sealed []byte }

const (
	// partSize is how much of an exchange is one record of its journal; most fit
	// into one.
	partSize = 1 << 20
	// partsKey precedes a span's id in the key of the parts that do not. With it
	// the key is longer than a trace's.
	partsKey = "parts of\x00"
	// maxParts is more than the largest event and the largest answer have.
	maxParts = 64
)

// Kept reports whether exchanges are recorded: whoever has to gather one for it
// asks before.
func (e *Exchanges) Kept() bool { return !e.off }

// Exchanged records what was exchanged in the hop, which has ended. What x says
// of function, bodies and HTTP is taken; the rest is the hop's.
func (h *Hop) Exchanged(x Exchange) {
	e := h.r.Exchanges
	if e.off {
		return
	}
	s := &h.span
	x.Trace, x.Span, x.Request, x.By, x.Start, x.Began, x.Duration = s.Trace, s.ID, s.Request, s.By, s.Start, s.Began, s.Duration
	_ = e.Add(&x) // a failing disk is reported by Recorder.Troubles
}

// Add records an exchange.
func (e *Exchanges) Add(x *Exchange) error {
	if e.off {
		return nil
	}
	at, _ := e.scratch.Get().(*scratch)
	if at == nil {
		at = new(scratch)
	}
	defer func() {
		if cap(at.text)+cap(at.sealed) <= partSize {
			e.scratch.Put(at)
		}
	}()
	at.text = x.encode(append(at.text[:0], exchangeVersion, 0))
	b := at.text
	if e.sealer != nil {
		var err error
		if at.sealed, err = e.seal(at.sealed[:0], x, b); err != nil {
			return err
		}
		b = at.sealed
	}
	seen := x.Start.Add(x.Duration)
	if len(b) > partSize {
		// The parts before the head: who finds it finds them.
		n := 0
		for part := range slices.Chunk(b[partSize:], partSize) {
			if _, err := e.j.Append(partsKey+string(x.Span[:]), x.Start, seen, part); err != nil {
				return err
			}
			n++
		}
		b = b[:partSize]
		b[1] = byte(n)
	}
	_, err := e.j.Append(string(x.Trace[:]), x.Start, seen, b)
	return err
}

// Trace returns the exchanges of a trace in the order in which they began.
func (e *Exchanges) Trace(ctx context.Context, id TraceID) ([]Exchange, error) {
	var xs []Exchange
	for x, err := range e.of(ctx, journal.Query{Prefix: string(id[:]), Match: isTrace}) {
		if err != nil {
			return nil, err
		}
		xs = append(xs, x)
	}
	sort.SliceStable(xs, func(i, j int) bool {
		return cmp.Or(xs[i].Began.Compare(xs[j].Began), cmp.Compare(xs[i].Start, xs[j].Start)) < 0
	})
	return xs, nil
}

// Recent yields all exchanges, the newest first.
func (e *Exchanges) Recent(ctx context.Context) iter.Seq2[Exchange, error] {
	return e.of(ctx, journal.Query{Match: isTrace, Reverse: true})
}

func (e *Exchanges) of(ctx context.Context, q journal.Query) iter.Seq2[Exchange, error] {
	return func(yield func(Exchange, error) bool) {
		for r, err := range e.j.Read(ctx, q) {
			var x Exchange
			if err == nil {
				x, err = e.read(ctx, &r)
			}
			if errors.Is(err, errParted) {
				continue // as if all of it were too old
			}
			if !yield(x, err) || err != nil {
				return
			}
		}
	}
}

// errParted is returned for an exchange of which a part is gone: records become
// too old one after another.
var errParted = errors.New("exchange: a part is gone")

// read puts an exchange together.
func (e *Exchanges) read(ctx context.Context, r *journal.Record) (Exchange, error) {
	var id TraceID
	copy(id[:], r.Key)
	head := packed.Read(r.Body)
	version := head.Byte()
	if version != exchangeVersion && version != sealedVersion {
		head.Fail()
	}
	parts := head.Uint(maxParts)
	if head.Err() != nil {
		return Exchange{}, head.Err()
	}
	b := head.Rest()
	if parts > 0 {
		if len(b) < len(SpanID{}) {
			return Exchange{}, packed.ErrShort
		}
		b = slices.Clip(b)
		for part, err := range e.j.Read(ctx, journal.Query{Prefix: partsKey + string(b[:len(SpanID{})])}) {
			if err != nil {
				return Exchange{}, err
			}
			b = append(b, part.Body...)
			parts--
		}
		if parts != 0 {
			return Exchange{}, errParted
		}
	}
	if version == sealedVersion {
		if e.sealer == nil || len(b) < len(SpanID{}) {
			return Exchange{}, errParted
		}
		// What does not open is of a state that another one has replaced, with its
		// key: it is gone with it.
		var err error
		if b, err = e.sealer.Open(ctx, b[len(SpanID{}):], sealedFor(id, b[:len(SpanID{})])); err != nil {
			return Exchange{}, errParted
		}
	}
	return decodeExchange(id, b)
}

// seal appends an encoded exchange sealed: its span stays in front.
func (e *Exchanges) seal(dst []byte, x *Exchange, b []byte) ([]byte, error) {
	dst = append(append(dst, sealedVersion, 0), x.Span[:]...)
	dst, err := e.sealer.AppendSealed(context.Background(), dst, b[2:], sealedFor(x.Trace, x.Span[:]))
	if err != nil {
		return dst, fmt.Errorf("exchange: %w", err)
	}
	return dst, nil
}

// sealedFor is what a sealed exchange is bound to.
func sealedFor(trace TraceID, span []byte) []byte {
	const what = "exchange "
	out := make([]byte, 0, len(what)+len(trace)+len(span))
	return append(append(append(out, what...), trace[:]...), span...)
}
