package journal

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/clock"
)

// Record is one record as it is read. Its body may be kept and must not be
// changed.
type Record struct {
	Key      string
	At, Seen clock.Instant
	Pos      Pos
	Body     []byte
}

// Cursor is a place in the order of time: records of the same time stand in the
// order in which they were appended.
type Cursor struct {
	At  clock.Instant
	Pos Pos
}

// Cursor returns the place of r.
func (r *Record) Cursor() Cursor { return Cursor{r.At, r.Pos} }

func (c Cursor) compare(o Cursor) int {
	if d := cmp.Compare(c.At, o.At); d != 0 {
		return d
	}
	return c.Pos.Compare(o.Pos)
}

// Query says which records to read.
type Query struct {
	Prefix  string                // of the key
	Match   func(key string) bool // nil: all under the prefix
	From    clock.Instant         // at or after; zero: from the beginning
	To      clock.Instant         // before; zero: to the end
	Reverse bool                  // from the newest to the oldest
	After   *Cursor               // only what comes after it, in the direction of reading
}

func (q *Query) match(key string) bool {
	return strings.HasPrefix(key, q.Prefix) && (q.Match == nil || q.Match(key))
}

// wants reports whether a record at this place is in the query's range.
func (q *Query) wants(c Cursor) bool {
	if c.At < q.From || !q.To.IsZero() && c.At >= q.To {
		return false
	}
	if q.After == nil {
		return true
	}
	d := c.compare(*q.After)
	return d > 0 && !q.Reverse || d < 0 && q.Reverse
}

// overlaps reports whether records between two times can be in the range.
func (q *Query) overlaps(first, last clock.Instant) bool {
	if last < q.From || !q.To.IsZero() && first >= q.To {
		return false
	}
	if q.After == nil {
		return true
	}
	if q.Reverse {
		return first <= q.After.At
	}
	return last >= q.After.At
}

// candidate is a chunk that may hold records of a query, or a whole segment
// that nobody has looked into yet.
type candidate struct {
	chunk      // of a segment: its times
	whole bool // a segment
	seg   *segment
	keys  map[uint32]string // of a chunk: the query's keys of its segment, by id
}

// Read yields the records of a query in order of time. Indexes and chunks are
// read as they are needed, so a caller that stops early has read little.
//
// The order comes from a merge: segments and chunks are taken by their earliest
// time (latest in reverse), a segment turns into its chunks, the records of a
// chunk go into a heap, and the heap's first record is next as long as nothing
// that is still unread can begin before it.
func (j *Journal) Read(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		todo, drops, err := j.plan(&q)
		if err != nil {
			yield(Record{}, err)
			return
		}
		r := reader{j: j}
		defer r.close()
		hidden := make(map[string]Pos)
		h := merge{reverse: q.Reverse}
		for {
			for len(h.records) > 0 && (len(todo.candidates) == 0 || h.before(todo.candidates[0])) {
				if !yield(heap.Pop(&h).(Record), nil) {
					return
				}
			}
			if len(todo.candidates) == 0 {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return
			}
			c := heap.Pop(&todo).(candidate)
			if c.whole {
				if err := j.expand(&q, c.seg, drops, hidden, &todo); err != nil {
					yield(Record{}, err)
					return
				}
				continue
			}
			b, err := r.bytes(c.seg, c.off, c.end)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for rec := range j.records(b, Pos{c.seg.seq, c.off}, c.keys) {
				if q.wants(rec.Cursor()) && rec.Pos.Compare(hidden[rec.Key]) >= 0 {
					heap.Push(&h, rec)
				}
			}
		}
	}
}

// plan returns what a query must look into, and all drops.
func (j *Journal) plan(q *Query) (agenda, dropList, error) {
	todo := agenda{reverse: q.Reverse}
	segs, drops, err := j.survey()
	if err != nil {
		return todo, nil, err
	}
	for _, s := range segs {
		c := candidate{whole: true, seg: s.segment, chunk: chunk{first: s.first, last: s.last}}
		switch {
		case !s.known: // it still grows: look now
			c.first, c.last = math.MinInt64, math.MaxInt64
		case !q.overlaps(s.first, s.last):
			continue
		}
		todo.candidates = append(todo.candidates, c)
	}
	heap.Init(&todo)
	return todo, drops, nil
}

// expand adds the chunks of a segment to the agenda, and to hidden before which
// positions of it records of a key are hidden.
func (j *Journal) expand(q *Query, s *segment, drops dropList, hidden map[string]Pos, todo *agenda) error {
	v, err := j.viewOf(s, q.Prefix)
	if err != nil {
		return err
	}
	keys := make(map[uint32]string)
	var chunks []uint32
	for _, e := range v.entries {
		if e.count == 0 || !q.overlaps(e.first, e.last) || q.Match != nil && !q.Match(e.key) {
			continue
		}
		until := drops.until(e.key)
		if until.Seg > s.seq {
			continue
		}
		if until != (Pos{}) {
			hidden[e.key] = until
		}
		keys[e.id] = e.key
		chunks = append(chunks, e.chunks...)
	}
	slices.Sort(chunks)
	for _, n := range slices.Compact(chunks) {
		if c := v.chunks[n]; q.overlaps(c.first, c.last) {
			heap.Push(todo, candidate{chunk: c, seg: s, keys: keys})
		}
	}
	return nil
}

// agenda is a heap of candidates, the next to look into first.
type agenda struct {
	reverse    bool
	candidates []candidate
}

func (a *agenda) Len() int { return len(a.candidates) }
func (a *agenda) Less(i, k int) bool {
	if a.reverse {
		return a.candidates[i].last > a.candidates[k].last
	}
	return a.candidates[i].first < a.candidates[k].first
}
func (a *agenda) Swap(i, k int) {
	a.candidates[i], a.candidates[k] = a.candidates[k], a.candidates[i]
}
func (a *agenda) Push(x any) { a.candidates = append(a.candidates, x.(candidate)) }
func (a *agenda) Pop() any {
	n := len(a.candidates) - 1
	c := a.candidates[n]
	a.candidates[n] = candidate{}
	a.candidates = a.candidates[:n]
	return c
}

// surveyed is a segment with what is known of it at one moment.
type surveyed struct {
	*segment
	known       bool
	first, last clock.Instant
}

// survey returns the segments and the drops as they are now.
func (j *Journal) survey() ([]surveyed, dropList, error) {
	if err := j.learn(); err != nil {
		return nil, nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	segs := make([]surveyed, len(j.segs))
	var drops dropList
	for i, s := range j.segs {
		segs[i] = surveyed{segment: s, known: s.known, first: s.first, last: s.last}
		if s.known {
			drops = append(drops, s.drops...)
		} else if s.ix != nil {
			drops = append(drops, s.ix.drops...)
		}
	}
	return segs, drops, nil
}

// dropList is all drops of a journal, in the order of their positions.
type dropList []drop

// until returns before which position the records of key are hidden.
func (ds dropList) until(key string) Pos {
	for i := len(ds) - 1; i >= 0; i-- {
		if strings.HasPrefix(key, ds[i].prefix) {
			return ds[i].pos
		}
	}
	return Pos{}
}

// records yields the data records in b, which begins at pos, of the given keys.
func (j *Journal) records(b []byte, pos Pos, keys map[uint32]string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for {
			f, size := cutFrame(b, j.castagnoli)
			if size == 0 {
				return
			}
			if key, ok := keys[f.id]; ok && f.kind == typeData {
				if !yield(Record{Key: key, At: f.at, Seen: f.seen, Pos: pos, Body: f.body[:len(f.body):len(f.body)]}) {
					return
				}
			}
			b = b[size:]
			pos.Off += uint32(size)
		}
	}
}

// merge is a heap of records, the next to yield first.
type merge struct {
	reverse bool
	records []Record
}

// before reports whether the first record comes before everything that chunk c
// may hold.
func (m *merge) before(c candidate) bool {
	if m.reverse {
		return m.records[0].At > c.last
	}
	return m.records[0].At < c.first
}

func (m *merge) Len() int { return len(m.records) }
func (m *merge) Less(i, k int) bool {
	d := m.records[i].Cursor().compare(m.records[k].Cursor())
	return d < 0 && !m.reverse || d > 0 && m.reverse
}
func (m *merge) Swap(i, k int) { m.records[i], m.records[k] = m.records[k], m.records[i] }
func (m *merge) Push(x any)    { m.records = append(m.records, x.(Record)) }
func (m *merge) Pop() any {
	n := len(m.records) - 1
	r := m.records[n]
	m.records[n] = Record{}
	m.records = m.records[:n]
	return r
}

// Key is what a journal holds under one key.
type Key struct {
	Key   string
	Count uint64
	Bytes uint64 // of the bodies
	First clock.Instant
	Last  clock.Instant
	Seen  clock.Instant // newest
}

// Keys returns the keys under a prefix, sorted, with what is held under them.
func (j *Journal) Keys(ctx context.Context, prefix string) ([]Key, error) {
	segs, drops, err := j.survey()
	if err != nil {
		return nil, err
	}
	sums := make(map[string]*Key)
	for _, s := range segs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := j.viewOf(s.segment, prefix)
		if err != nil {
			return nil, err
		}
		for _, e := range v.entries {
			if e.count == 0 || drops.until(e.key).Seg > s.seq {
				continue
			}
			k := sums[e.key]
			if k == nil {
				k = &Key{Key: e.key, First: e.first}
				sums[e.key] = k
			}
			k.Count += e.count
			k.Bytes += e.bytes
			k.First, k.Last, k.Seen = min(k.First, e.first), max(k.Last, e.last), max(k.Seen, e.seen)
		}
	}
	keys := make([]Key, 0, len(sums))
	for _, k := range sums {
		keys = append(keys, *k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Key < keys[j].Key })
	return keys, nil
}
