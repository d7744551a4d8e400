package journal

import (
	"context"
	"iter"
)

// End returns the position after the last record: where to follow from to see
// only what is new.
func (j *Journal) End() Pos {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cur != nil {
		return Pos{j.cur.seq, j.cur.size()}
	}
	return Pos{j.next, 0}
}

// wakeLocked tells the followers that there is more, or that it is over.
func (j *Journal) wakeLocked() {
	for c := range j.follows {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Follow yields the records whose key matches in the order in which they were
// appended, from position from on, and then those that come, as they come. It
// ends with ctx's error, or with ErrClosed. Time and direction of the query are
// not looked at.
func (j *Journal) Follow(ctx context.Context, q Query, from Pos) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		more := make(chan struct{}, 1)
		j.mu.Lock()
		j.follows[more] = struct{}{}
		j.mu.Unlock()
		defer func() {
			j.mu.Lock()
			delete(j.follows, more)
			j.mu.Unlock()
		}()
		f := follower{reader: reader{j: j}, q: &q, at: from}
		defer f.close()
		for {
			for progress := true; progress; {
				var rs []Record
				var err error
				rs, progress, err = f.step()
				if err != nil {
					yield(Record{}, err)
					return
				}
				for _, r := range rs {
					if !yield(r, nil) {
						return
					}
				}
			}
			j.mu.Lock()
			closed := j.closed
			j.mu.Unlock()
			if closed {
				yield(Record{}, ErrClosed)
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(Record{}, ctx.Err())
				return
			}
		}
	}
}

// follower is a place in the order of arrival.
type follower struct {
	reader
	q  *Query
	at Pos // of the next record

	seq  uint32            // of the segment that keys is of
	keys map[uint32]string // that match, by id
	seen int               // entries of the segment that were looked at
}

// step returns the records of the next chunk or so, and whether there was
// anything to go over.
func (f *follower) step() (rs []Record, progress bool, err error) {
	s, end, ok := f.segment()
	if !ok {
		return nil, false, nil
	}
	if f.at.Off >= end {
		return nil, false, nil
	}
	b, err := f.bytes(s, f.at.Off, min(end, f.at.Off+chunkSize+MaxRecord))
	if err != nil {
		return nil, false, err
	}
	if err := f.learnKeys(s); err != nil {
		return nil, false, err
	}
	size := 0
	for size < chunkSize {
		fr, n := cutFrame(b[size:], f.j.castagnoli)
		if n == 0 {
			break
		}
		if key, ok := f.keys[fr.id]; ok && fr.kind == typeData {
			rs = append(rs, Record{Key: key, At: fr.at, Seen: fr.seen, Pos: Pos{s.seq, f.at.Off + uint32(size)}, Body: fr.body[:len(fr.body):len(fr.body)]})
		}
		size += n
	}
	if size == 0 { // torn: what follows is in the next segment
		f.at = Pos{s.seq + 1, 0}
		return nil, true, nil
	}
	f.at.Off += uint32(size)
	return rs, true, nil
}

// segment finds the segment of the place, or the next if it has no more, and
// up to where it can be read.
func (f *follower) segment() (s *segment, end uint32, ok bool) {
	j := f.j
	for {
		j.mu.Lock()
		i := 0
		for i < len(j.segs) && j.segs[i].seq < f.at.Seg {
			i++
		}
		if i == len(j.segs) {
			j.mu.Unlock()
			return nil, 0, false
		}
		s = j.segs[i]
		last := i == len(j.segs)-1
		if s.seq > f.at.Seg {
			f.at = Pos{s.seq, 0}
		}
		f.at.Off = max(f.at.Off, uint32(len(magic)))
		state := s.state
		end = s.size()
		j.mu.Unlock()
		if state == finished {
			ix, err := j.load(s)
			if err != nil {
				end = 0
			} else {
				end = ix.size
			}
		}
		if f.at.Off < end || last || state == open {
			return s, end, true
		}
		f.at = Pos{s.seq + 1, 0}
	}
}

// learnKeys takes over the keys that the segment has defined since.
func (f *follower) learnKeys(s *segment) error {
	v, err := f.j.keysSince(s, f.seenIn(s))
	if err != nil {
		return err
	}
	for _, e := range v {
		f.seen++
		if f.q.match(e.key) {
			f.keys[e.id] = e.key
		}
	}
	return nil
}

func (f *follower) seenIn(s *segment) int {
	if f.keys == nil || f.seq != s.seq {
		f.seq, f.seen, f.keys = s.seq, 0, make(map[uint32]string)
	}
	return f.seen
}

// keysSince returns the entries of a segment after the first n. For a finished
// segment the order is another one: then all that n does not cover yet.
func (j *Journal) keysSince(s *segment, n int) ([]entry, error) {
	j.mu.Lock()
	if s.state != finished {
		defer j.mu.Unlock()
		return copies(s.ix.entries[n:]), nil
	}
	j.mu.Unlock()
	ix, err := j.load(s)
	if err != nil {
		return nil, err
	}
	var es []entry
	for _, e := range ix.entries {
		if int(e.id) > n {
			es = append(es, *e)
		}
	}
	return es, nil
}
