package kv

import (
	"bytes"
	"slices"
)

// writeKind is what a transaction has done to a key so far.
type writeKind uint8

const (
	wrote   writeKind = iota // it has value
	deleted                  // it has none
	added                    // its committed value grows by delta
)

// write is the state of one key in a transaction.
type write struct {
	key   Key
	value []byte
	delta int64
	kind  writeKind
}

// chunkLen bounds the cost of an insertion into a chunk.
const chunkLen = 128

// chunk is a sorted run of writes. It is shared with scans of an older epoch
// than its own.
type chunk struct {
	epoch  uint32
	writes []write
}

// overlay is what a transaction has written, sorted by key: a list of chunks,
// copied on write while a scan walks an older state of it. A scan therefore
// sees what was written before it began, and may write while it runs.
//
// A map and a sort at every scan would do for small transactions, and be
// quadratic for one that scans and deletes in turn.
type overlay struct {
	chunks []*chunk
	n      int    // writes in all
	epoch  uint32 // grows when a scan begins
	shared uint32 // the epoch since which chunks (the slice) is ours
}

// find returns the place of k: its chunk, the index in it, and whether k is
// there. A place past the end of a chunk is that of an insertion.
func find(chunks []*chunk, k Key) (ci, wi int, ok bool) {
	if len(chunks) > 1 {
		// The last chunk whose first key is not after k.
		lo, hi := 1, len(chunks)
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if bytes.Compare(chunks[mid].writes[0].key, k) <= 0 {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		ci = lo - 1
	} else if len(chunks) == 0 {
		return 0, 0, false
	}
	ws := chunks[ci].writes
	lo, hi := 0, len(ws)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := bytes.Compare(ws[mid].key, k); {
		case c == 0:
			return ci, mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return ci, lo, false
}

// get returns the write of k, nil if there is none. It may be changed only
// through put.
func (o *overlay) get(k Key) *write {
	ci, wi, ok := find(o.chunks, k)
	if !ok {
		return nil
	}
	return &o.chunks[ci].writes[wi]
}

// put returns the write of k to be changed, inserting it if need be.
func (o *overlay) put(k Key) (w *write, fresh bool) {
	ci, wi, ok := find(o.chunks, k)
	if len(o.chunks) == 0 {
		o.chunks = append(o.chunks, &chunk{epoch: o.epoch})
		o.shared = o.epoch
	}
	c := o.own(ci)
	if ok {
		return &c.writes[wi], false
	}
	if len(c.writes) == chunkLen {
		half := chunkLen / 2
		right := &chunk{epoch: o.epoch, writes: append(make([]write, 0, chunkLen), c.writes[half:]...)}
		clear(c.writes[half:])
		c.writes = c.writes[:half]
		o.chunks = slices.Insert(o.chunks, ci+1, right)
		if wi > half {
			c, wi = right, wi-half
		}
	}
	c.writes = slices.Insert(c.writes, wi, write{key: k})
	o.n++
	return &c.writes[wi], true
}

// own returns chunk ci after making sure that no scan sees its changes.
func (o *overlay) own(ci int) *chunk {
	if o.shared != o.epoch {
		o.chunks = slices.Clone(o.chunks)
		o.shared = o.epoch
	}
	c := o.chunks[ci]
	if c.epoch != o.epoch {
		c = &chunk{epoch: o.epoch, writes: append(make([]write, 0, max(2*len(c.writes), 8)), c.writes...)}
		o.chunks[ci] = c
	}
	return c
}

// drop forgets the writes in r.
func (o *overlay) drop(r Range) {
	if o.n == 0 {
		return
	}
	var kept []*chunk
	o.n = 0
	for _, c := range o.chunks {
		ws := make([]write, 0, len(c.writes))
		for _, w := range c.writes {
			if !r.Contains(w.key) {
				ws = append(ws, w)
			}
		}
		if len(ws) > 0 {
			kept = append(kept, &chunk{epoch: o.epoch, writes: ws})
			o.n += len(ws)
		}
	}
	o.chunks, o.shared = kept, o.epoch
}

// reset empties the overlay and keeps its first chunk for the next transaction.
func (o *overlay) reset() {
	var first *chunk
	if len(o.chunks) > 0 && o.epoch == 0 {
		first = o.chunks[0]
		clear(first.writes)
		first.writes = first.writes[:0]
	}
	chunks := o.chunks[:0]
	clear(o.chunks)
	*o = overlay{}
	if first != nil {
		o.chunks = append(chunks, first)
	}
}

// cursor walks the writes in a range as they were when it was made.
type cursor struct {
	chunks  []*chunk
	ci, wi  int
	r       Range
	reverse bool
}

// scan returns a cursor over r.
func (o *overlay) scan(r Range, reverse bool) cursor {
	if o.n == 0 {
		return cursor{}
	}
	c := cursor{chunks: o.chunks, r: r, reverse: reverse}
	if reverse {
		c.ci, c.wi, _ = find(c.chunks, r.End)
		c.step()
	} else {
		c.ci, c.wi, _ = find(c.chunks, r.Start)
		c.normal()
	}
	if c.peek() != nil {
		o.epoch++
	}
	return c
}

// peek returns the write under the cursor, nil at the end.
func (c *cursor) peek() *write {
	if c.ci < 0 || c.ci >= len(c.chunks) || c.wi >= len(c.chunks[c.ci].writes) {
		return nil
	}
	w := &c.chunks[c.ci].writes[c.wi]
	if !c.r.Contains(w.key) {
		return nil
	}
	return w
}

// step moves the cursor on.
func (c *cursor) step() {
	if !c.reverse {
		c.wi++
		c.normal()
		return
	}
	c.wi--
	if c.wi < 0 {
		c.ci--
		if c.ci >= 0 {
			c.wi = len(c.chunks[c.ci].writes) - 1
		}
	}
}

// normal moves a cursor past the end of a chunk to the next one.
func (c *cursor) normal() {
	if c.ci < len(c.chunks) && c.wi >= len(c.chunks[c.ci].writes) {
		c.ci, c.wi = c.ci+1, 0
	}
}
