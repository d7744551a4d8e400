package journal

import (
	"fmt"
	"slices"
)

// category tells Pebble's disk statistics whose writes these are.
const category = "telemetry"

// write brings what is in memory into the files, finishes full segments and
// takes away what is too old. One goroutine at a time writes; who comes in
// while it does waits, and finds its own bytes written.
func (j *Journal) write() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	var first error
	for {
		s, done := j.unwritten()
		if s == nil {
			return first
		}
		if err := j.writeSegment(s, done); err != nil {
			j.giveUp(s, err)
			if first == nil {
				first = fmt.Errorf("journal: %w", err)
			}
		}
	}
}

// unwritten returns the oldest segment with something to write or to finish,
// and copies what is to be written into scratch: a file's Write may change the
// bytes that it is given.
func (j *Journal) unwritten() (s *segment, done bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := len(j.segs) - 1; i >= 0 && j.segs[i].state != finished; i-- {
		if t := j.segs[i]; len(t.mem) > 0 || t.state == full {
			s = t
		}
	}
	if s == nil {
		return nil, false
	}
	j.scratch = append(j.scratch[:0], s.mem...)
	return s, s.state == full
}

// writeSegment writes scratch to the end of the segment's file, and finishes
// the segment if it is done.
func (j *Journal) writeSegment(s *segment, done bool) error {
	if s.file == nil {
		f, err := j.opt.FS.Create(j.path(s.seq, ".seg"), category)
		if err != nil {
			return err
		}
		s.file = f
	}
	if n := len(j.scratch); n > 0 {
		if _, err := s.file.Write(j.scratch); err != nil {
			return err
		}
		j.mu.Lock()
		s.flushed += uint32(n)
		s.mem = append(s.mem[:0], s.mem[n:]...)
		if len(s.mem) == 0 && cap(s.mem) > keepBuffer {
			s.mem = nil // a burst's buffer
		}
		j.total += int64(n)
		j.written.Broadcast()
		j.mu.Unlock()
	}
	if cap(j.scratch) > keepBuffer {
		j.scratch = nil
	}
	if !done {
		return nil
	}
	return j.finish(s)
}

// finish makes a full segment durable and writes its index.
func (j *Journal) finish(s *segment) error {
	// Nobody changes the index of a full segment, but readers look at it as
	// it is: the finished one is a copy.
	ix := *s.ix
	ix.entries = slices.Clone(ix.entries)
	ix.finish()
	if err := s.file.SyncData(); err != nil {
		return err
	}
	// An index that cannot be written is made again when it is needed.
	if f, err := j.opt.FS.Create(j.path(s.seq, ".idx"), category); err == nil {
		_, err := f.Write(ix.encode(j.castagnoli))
		if cerr := f.Close(); err != nil || cerr != nil {
			j.opt.FS.Remove(j.path(s.seq, ".idx"))
		}
	}
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return err
	}
	if err := j.syncDir(j.opt.Dir); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.state, s.mem = finished, nil
	j.keepLocked(s, &ix)
	return j.trimLocked()
}

// giveUp drops what a segment has in memory after a failed write. What is in
// its file stays; its index is made again from there.
func (j *Journal) giveUp(s *segment, err error) {
	if s.file != nil {
		s.file.Close() // the first error counts
		s.file = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
	j.lost += uint64(len(s.mem))
	s.state, s.mem, s.ix = finished, nil, nil
	if j.cur == s {
		j.cur = nil
	}
	j.written.Broadcast()
}

// trimLocked removes the oldest finished segments until the journal is within
// its limits. Their readers end early, which is what old age means.
func (j *Journal) trimLocked() error {
	fs := j.opt.FS
	if !j.counted {
		// What this process has written is in total already.
		for _, s := range j.segs {
			if s.flushed > 0 {
				continue
			}
			if st, err := fs.Stat(j.path(s.seq, ".seg")); err == nil {
				s.flushed = uint32(st.Size())
				j.total += st.Size()
			}
		}
		j.counted = true
	}
	newest := j.segs[len(j.segs)-1]
	for len(j.segs) > 0 && j.segs[0].state == finished && j.segs[0] != newest {
		s := j.segs[0]
		expired := j.opt.MaxAge > 0 && s.known && newest.ix != nil && s.last < newest.ix.last.Add(-j.opt.MaxAge)
		if j.total <= j.opt.MaxBytes && !expired {
			break
		}
		for _, suffix := range []string{".seg", ".idx"} {
			if err := fs.Remove(j.path(s.seq, suffix)); err != nil && !isNotExist(err) {
				return err
			}
		}
		j.total -= int64(s.flushed)
		j.segs = j.segs[1:]
		j.loaded = slices.DeleteFunc(j.loaded, func(l *segment) bool { return l == s })
	}
	return nil
}
