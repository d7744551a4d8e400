package sources

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

// row is where a lane is: all that it needs to go on after a crash. It is
// committed relaxed where losing it means no more than to do again what was
// done.
type row struct {
	Factor int    // lanes of the shard when it was written
	Cursor Cursor // everything of the lane up to here is done or given up
	End    bool   // the shard was read to its end
	// Skip says what was done when the shard had other lanes: those of the
	// present ones begin where the last of them was.
	Skip []done

	// Ends are the ends of the parts of a batch that failed, in order: one, or
	// several if it was split. The first is the next that is tried.
	Ends []Cursor
	// Attempts counts how often the first part was tried and failed.
	Attempts int
	// Tries counts those in a row that came to nothing, the throttled ones too.
	Tries int
	// Due is when the first part is tried, or when a batch that gathers is
	// called complete.
	Due clock.Instant

	// Opened is the start of the tumbling window that is open, zero for none, and
	// State what the function has made of it so far.
	Opened  clock.Instant
	State   []byte
	Early   bool // the window ends now, because the state is too large
	Closing bool // the function has failed to end the window

	Result  string // of the last attempt, for people
	Request string // id of the last invocation that failed; empty: none of this part
	Version string // of the function that it ran
}

// done is how far the lanes of a shard were.
type done struct{ Cursors []Cursor }

// has reports whether a record was done.
func (d done) has(r *Record) bool { return r.Cursor <= d.Cursors[laneOf(r.Order, len(d.Cursors))] }

// laneOf returns the lane of an order among so many.
func laneOf(order []byte, lanes int) int {
	if lanes == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write(order)
	return int(h.Sum32() % uint32(lanes))
}

// retries reports whether the lane has a batch that failed.
func (r *row) retries() bool { return len(r.Ends) > 0 }

// rowVersion is the first byte of a row.
//
//	1  factor, cursor, end, skip (lists of cursors), ends, attempts, tries, due, result, request, version
//	2  as 1, and the window: opened, flags (1 early, 2 closing), state; rows without one are of version 1
//
// Strings and lists are a length in base 128 and their elements, numbers base
// 128, times eight bytes.
const (
	rowVersion       = 1
	rowVersionWindow = 2
)

func (r *row) encode() []byte {
	b := make([]byte, 0, 64+len(r.Cursor)+len(r.Result)+len(r.Request))
	version := byte(rowVersion)
	if !r.Opened.IsZero() {
		version = rowVersionWindow
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(r.Factor))
	b = packed.String(b, string(r.Cursor))
	var end byte
	if r.End {
		end = 1
	}
	b = append(b, end)
	b = binary.AppendUvarint(b, uint64(len(r.Skip)))
	for _, d := range r.Skip {
		b = appendCursors(b, d.Cursors)
	}
	b = appendCursors(b, r.Ends)
	b = binary.AppendUvarint(b, uint64(r.Attempts))
	b = binary.AppendUvarint(b, uint64(r.Tries))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Due))
	for _, s := range [...]string{r.Result, r.Request, r.Version} {
		b = packed.String(b, s)
	}
	if version == rowVersionWindow {
		b = binary.BigEndian.AppendUint64(b, uint64(r.Opened))
		var flags byte
		if r.Early {
			flags |= 1
		}
		if r.Closing {
			flags |= 2
		}
		b = packed.String(append(b, flags), r.State)
	}
	return b
}

func appendCursors(b []byte, cs []Cursor) []byte {
	b = binary.AppendUvarint(b, uint64(len(cs)))
	for _, c := range cs {
		b = packed.String(b, string(c))
	}
	return b
}

func readCursors(d *packed.Reader) []Cursor {
	var cs []Cursor
	for range d.Count(1) {
		cs = append(cs, Cursor(d.String()))
	}
	return cs
}

func decodeRow(b []byte) (row, error) {
	var r row
	d := packed.Read(b)
	version := d.Byte()
	if version != rowVersion && version != rowVersionWindow {
		d.Fail()
	}
	r.Factor = int(d.Uint(math.MaxInt32))
	r.Cursor = Cursor(d.String())
	r.End = d.Uint(1) == 1
	for range d.Count(2) {
		s := done{readCursors(&d)}
		if len(s.Cursors) == 0 {
			d.Fail()
		}
		r.Skip = append(r.Skip, s)
	}
	r.Ends = readCursors(&d)
	r.Attempts, r.Tries = int(d.Uint(math.MaxInt32)), int(d.Uint(math.MaxInt32))
	r.Due = clock.Instant(d.Fixed())
	for _, s := range [...]*string{&r.Result, &r.Request, &r.Version} {
		*s = d.String()
	}
	if version == rowVersionWindow {
		if r.Opened = clock.Instant(d.Fixed()); r.Opened.IsZero() {
			d.Fail()
		}
		flags := d.Uint(3)
		r.Early, r.Closing = flags&1 != 0, flags&2 != 0
		if r.State = d.Packed(); len(r.State) == 0 {
			r.State = nil
		}
	}
	if err := d.Done(); err != nil {
		return row{}, fmt.Errorf("sources: a lane's row: %w", err)
	}
	return r, nil
}

// Pauses between tries of a batch that failed, in model time: they double.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// pause is how long a lane waits after so many tries in a row that came to
// nothing.
func pause(tries int) time.Duration {
	d := firstPause
	for range tries - 1 {
		if d *= 2; d >= lastPause {
			return lastPause
		}
	}
	return d
}
