package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

// chunkSize is after how many bytes of records a chunk ends. Small enough that
// a question for one key reads little else, large enough that the index of a
// segment is a few percent of it.
const chunkSize = 64 << 10

// chunk is a run of whole records.
type chunk struct {
	off, end    uint32 // in the segment's file
	first, last clock.Instant
}

// entry is what the index knows of a key.
type entry struct {
	key    string
	id     uint32
	count  uint64
	bytes  uint64 // of the records, without frames
	first  clock.Instant
	last   clock.Instant
	seen   clock.Instant // newest
	chunks []uint32      // that hold a record of the key, ascending
}

// drop hides what came before pos under prefix.
type drop struct {
	prefix string
	pos    Pos
}

// index is the table of contents of one segment. It belongs to one goroutine
// until its segment is finished, and is not changed after that.
type index struct {
	size        uint32 // bytes of the segment that it covers
	first, last clock.Instant
	chunks      []chunk
	entries     []*entry // sorted by key once finished; by id before
	byKey       map[string]*entry
	drops       []drop
}

func newIndex() *index {
	return &index{size: uint32(len(magic)), byKey: make(map[string]*entry)}
}

// define enters a key, whose id must be the next.
func (ix *index) define(key string) *entry {
	e := &entry{key: key, id: uint32(len(ix.entries) + 1)}
	ix.entries = append(ix.entries, e)
	ix.byKey[key] = e
	return e
}

// open makes the last chunk one that has room, for a record at off.
func (ix *index) open(off uint32) *chunk {
	if n := len(ix.chunks); n == 0 || ix.chunks[n-1].end-ix.chunks[n-1].off >= chunkSize {
		ix.chunks = append(ix.chunks, chunk{off: off, end: off})
	}
	return &ix.chunks[len(ix.chunks)-1]
}

// add enters a data record of size bytes at off, with n bytes of payload.
func (ix *index) add(e *entry, off, size uint32, at, seen clock.Instant, n int) {
	c := ix.open(off)
	c.end = off + size
	if c.first.IsZero() || at < c.first {
		c.first = at
	}
	c.last = max(c.last, at)
	if ix.first.IsZero() || at < ix.first {
		ix.first = at
	}
	ix.last = max(ix.last, at)

	e.count++
	e.bytes += uint64(n)
	if e.count == 1 || at < e.first {
		e.first = at
	}
	e.last, e.seen = max(e.last, at), max(e.seen, seen)
	this := uint32(len(ix.chunks) - 1)
	if n := len(e.chunks); n == 0 || e.chunks[n-1] != this {
		e.chunks = append(e.chunks, this)
	}
	ix.size = off + size
}

// pass enters a record that is no data, so that chunks are contiguous.
func (ix *index) pass(off, size uint32) {
	ix.open(off).end = off + size
	ix.size = off + size
}

// hide enters a drop at pos: what the index has counted under prefix is gone.
func (ix *index) hide(prefix string, pos Pos) {
	ix.drops = append(ix.drops, drop{prefix, pos})
	for _, e := range ix.entries {
		if strings.HasPrefix(e.key, prefix) {
			*e = entry{key: e.key, id: e.id}
		}
	}
}

// find returns the entries under prefix.
func (ix *index) find(prefix string) []*entry {
	if ix.byKey != nil {
		var es []*entry
		for _, e := range ix.entries {
			if strings.HasPrefix(e.key, prefix) {
				es = append(es, e)
			}
		}
		return es
	}
	i, _ := slices.BinarySearchFunc(ix.entries, prefix, func(e *entry, p string) int { return strings.Compare(e.key, p) })
	j := i
	for j < len(ix.entries) && strings.HasPrefix(ix.entries[j].key, prefix) {
		j++
	}
	return ix.entries[i:j]
}

// finish sorts the index for good.
func (ix *index) finish() {
	ix.byKey = nil
	slices.SortFunc(ix.entries, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
}

// scan makes the index of a segment from its bytes, up to the first torn
// record.
func scan(seq uint32, data []byte, castagnoli *crc32.Table) *index {
	ix := newIndex()
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		ix.size = 0
		ix.finish()
		return ix
	}
	for off := len(magic); ; {
		f, size := cutFrame(data[off:], castagnoli)
		if size == 0 {
			break
		}
		switch {
		case f.kind == typeDefine && int(f.id) == len(ix.entries)+1:
			ix.define(string(f.body))
			ix.pass(uint32(off), uint32(size))
		case f.kind == typeData && int(f.id) <= len(ix.entries):
			ix.add(ix.entries[f.id-1], uint32(off), uint32(size), f.at, f.seen, len(f.body))
		case f.kind == typeDrop:
			ix.pass(uint32(off), uint32(size))
			ix.hide(string(f.body), Pos{seq, uint32(off + size)})
		default: // sound, but no sense: written by something else
			ix.finish()
			return ix
		}
		off += size
	}
	ix.finish()
	return ix
}

// The file of an index is "nubeidx" and a version, and two parts, each with its
// length and CRC-32C before it: the head, which says what a reader must know of
// every segment before it reads any, and the rest. Sizes and numbers are in base
// 128, times in eight bytes.
const indexMagic = "nubeidx\x01"

var errIndex = errors.New("journal: unusable index")

// encode returns the file of a finished index.
func (ix *index) encode(castagnoli *crc32.Table) []byte {
	b := append(make([]byte, 0, 256+64*len(ix.entries)), indexMagic...)
	b = appendPart(b, castagnoli, ix.appendHead)
	return appendPart(b, castagnoli, ix.appendRest)
}

const partSize = 8 // length and checksum

func appendPart(b []byte, castagnoli *crc32.Table, fill func([]byte) []byte) []byte {
	start := len(b)
	b = fill(append(b, 0, 0, 0, 0, 0, 0, 0, 0))
	part := b[start+partSize:]
	binary.BigEndian.PutUint32(b[start:], uint32(len(part)))
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(part, castagnoli))
	return b
}

// cutPart returns a part and what follows it; whole is false if b ends before
// the part does.
func cutPart(b []byte, castagnoli *crc32.Table) (part, rest []byte, whole bool, err error) {
	if len(b) < partSize {
		return nil, nil, false, nil
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-partSize) {
		return nil, nil, false, nil
	}
	part, rest = b[partSize:partSize+n], b[partSize+n:]
	if crc32.Checksum(part, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return nil, nil, false, errIndex
	}
	return part, rest, true, nil
}

// fields reads a part.
type fields struct{ packed.Reader }

func (f *fields) uint32() uint32      { return uint32(f.Uint(math.MaxUint32)) }
func (f *fields) time() clock.Instant { return clock.Instant(f.Fixed()) }

func (ix *index) appendHead(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(ix.size))
	b = appendTimes(b, ix.first, ix.last)
	b = binary.AppendUvarint(b, uint64(len(ix.drops)))
	for _, d := range ix.drops {
		b = binary.AppendUvarint(b, uint64(d.pos.Off))
		b = packed.String(b, d.prefix)
	}
	return b
}

func (ix *index) appendRest(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(ix.chunks)))
	for _, c := range ix.chunks {
		b = binary.AppendUvarint(b, uint64(c.off))
		b = binary.AppendUvarint(b, uint64(c.end-c.off))
		b = appendTimes(b, c.first, c.last)
	}
	b = binary.AppendUvarint(b, uint64(len(ix.entries)))
	for _, e := range ix.entries {
		b = packed.String(b, e.key)
		b = binary.AppendUvarint(b, uint64(e.id))
		b = binary.AppendUvarint(b, e.count)
		b = binary.AppendUvarint(b, e.bytes)
		b = appendTimes(b, e.first, e.last, e.seen)
		b = binary.AppendUvarint(b, uint64(len(e.chunks)))
		var last uint32
		for _, c := range e.chunks {
			b = binary.AppendUvarint(b, uint64(c-last))
			last = c
		}
	}
	return b
}

// decodeHead reads the head of the index of segment seq from the beginning of
// its file. It reports false if b holds too little of it.
func decodeHead(seq uint32, b []byte, castagnoli *crc32.Table) (ix *index, rest []byte, whole bool, err error) {
	if len(b) < len(indexMagic) || string(b[:len(indexMagic)]) != indexMagic {
		return nil, nil, false, errIndex
	}
	head, rest, whole, err := cutPart(b[len(indexMagic):], castagnoli)
	if err != nil || !whole {
		return nil, nil, false, err
	}
	d := fields{packed.Read(head)}
	ix = &index{size: d.uint32(), first: d.time(), last: d.time()}
	ix.drops = make([]drop, d.Count(2))
	for i := range ix.drops {
		ix.drops[i].pos = Pos{seq, d.uint32()}
		ix.drops[i].prefix = d.String()
	}
	if d.Done() != nil {
		return nil, nil, false, errIndex
	}
	return ix, rest, true, nil
}

// decodeIndex reads the file of the index of segment seq.
func decodeIndex(seq uint32, b []byte, castagnoli *crc32.Table) (*index, error) {
	ix, b, whole, err := decodeHead(seq, b, castagnoli)
	if err != nil || !whole {
		return nil, errIndex
	}
	body, b, whole, err := cutPart(b, castagnoli)
	if err != nil || !whole || len(b) != 0 {
		return nil, errIndex
	}
	d := fields{packed.Read(body)}
	ix.chunks = make([]chunk, d.Count(18))
	for i := range ix.chunks {
		c := &ix.chunks[i]
		c.off = d.uint32()
		c.end = c.off + d.uint32()
		c.first, c.last = d.time(), d.time()
	}
	es := make([]entry, d.Count(29))
	ix.entries = make([]*entry, len(es))
	for i := range es {
		e := &es[i]
		e.key, e.id, e.count, e.bytes = d.String(), d.uint32(), d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)
		e.first, e.last, e.seen = d.time(), d.time(), d.time()
		e.chunks = make([]uint32, d.Count(1))
		var last uint32
		for j := range e.chunks {
			last += d.uint32()
			e.chunks[j] = last
			if int(last) >= len(ix.chunks) {
				return nil, errIndex
			}
		}
		ix.entries[i] = e
	}
	if d.Done() != nil {
		return nil, errIndex
	}
	return ix, nil
}

func appendTimes(b []byte, ts ...clock.Instant) []byte {
	for _, t := range ts {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	return b
}
