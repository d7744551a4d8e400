package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// view is what a reader sees of a segment's index: as it was at one moment.
type view struct {
	seg     *segment
	entries []entry // under the reader's prefix
	chunks  []chunk
}

// learn sees to it that the times and drops of all finished segments are known.
// It is the work that Open leaves to the first question.
func (j *Journal) learn() error {
	j.mu.Lock()
	var unknown []*segment
	for _, s := range j.segs {
		if s.state == finished && !s.known {
			unknown = append(unknown, s)
		}
	}
	j.mu.Unlock()
	for _, s := range unknown {
		if j.learnHead(s) {
			continue
		}
		if _, err := j.load(s); err != nil {
			return err
		}
	}
	return nil
}

// headSize is how much of an index is read for its head alone.
const headSize = 1 << 10

// learnHead learns of a segment from the head of its index, and reports whether
// that was enough.
func (j *Journal) learnHead(s *segment) bool {
	f, err := j.opt.FS.Open(j.path(s.seq, ".idx"))
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, headSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return false
	}
	ix, _, whole, err := decodeHead(s.seq, b[:n], j.castagnoli)
	if err != nil || !whole {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.learnLocked(ix)
	return true
}

// load returns the index of a finished segment, from memory, from its file or
// made again from the segment. A segment that is gone has an empty one.
func (j *Journal) load(s *segment) (*index, error) {
	j.mu.Lock()
	ix := s.ix
	if ix != nil {
		j.keepLocked(s, ix)
	}
	j.mu.Unlock()
	if ix != nil {
		return ix, nil
	}
	ix, err := j.readIndex(s)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keepLocked(s, ix)
	return ix, nil
}

func (j *Journal) readIndex(s *segment) (*index, error) {
	b, err := j.readFile(s.seq, ".idx")
	if err == nil {
		if ix, err := decodeIndex(s.seq, b, j.castagnoli); err == nil {
			return ix, nil
		}
	} else if !isNotExist(err) {
		return nil, fmt.Errorf("journal: %w", err)
	}
	b, err = j.readFile(s.seq, ".seg")
	if isNotExist(err) {
		err = nil // trimmed: empty
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	ix := scan(s.seq, b, j.castagnoli)
	// The next process finds it, if the disk lets us.
	if f, err := j.opt.FS.Create(j.path(s.seq, ".idx"), category); err == nil && len(b) > 0 {
		f.Write(ix.encode(j.castagnoli)) // a torn index does not match its checksum
		f.Close()
	}
	return ix, nil
}

func (j *Journal) readFile(seq uint32, suffix string) ([]byte, error) {
	f, err := j.opt.FS.Open(j.path(seq, suffix))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, st.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return b, nil
}

// keepLocked keeps the index of a finished segment in memory, in place of the
// one that was used least recently.
func (j *Journal) keepLocked(s *segment, ix *index) {
	if s.state != finished {
		return
	}
	s.ix = ix
	s.learnLocked(ix)
	j.loaded = slices.DeleteFunc(j.loaded, func(l *segment) bool { return l == s })
	j.loaded = append(j.loaded, s)
	if len(j.loaded) > loadedMax {
		j.loaded[0].ix = nil
		j.loaded = slices.Delete(j.loaded, 0, 1)
	}
}

// viewOf returns what segment s has under prefix.
func (j *Journal) viewOf(s *segment, prefix string) (view, error) {
	j.mu.Lock()
	if s.state != finished {
		defer j.mu.Unlock()
		return view{seg: s, entries: copies(s.ix.find(prefix)), chunks: slices.Clone(s.ix.chunks)}, nil
	}
	j.mu.Unlock()
	ix, err := j.load(s)
	if err != nil {
		return view{}, err
	}
	return view{seg: s, entries: copies(ix.find(prefix)), chunks: ix.chunks}, nil
}

func copies(es []*entry) []entry {
	out := make([]entry, len(es))
	for i, e := range es {
		out[i] = *e
	}
	return out
}

// reader reads bytes of segments. It keeps the file that it read last open.
type reader struct {
	j    *Journal
	seq  uint32
	file interface {
		io.ReaderAt
		io.Closer
	}
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

// bytes returns the bytes [off, end) of a segment, from file and memory. They
// are the caller's. It returns fewer if the segment is gone or torn.
func (r *reader) bytes(s *segment, off, end uint32) ([]byte, error) {
	b := make([]byte, end-off)
	r.j.mu.Lock()
	inFile := end
	if s.state != finished {
		inFile = min(end, s.flushed)
		if from := max(off, s.flushed); from < end {
			copy(b[from-off:], s.mem[from-s.flushed:])
		}
	}
	r.j.mu.Unlock()
	if inFile <= off {
		return b, nil
	}
	if r.file == nil || r.seq != s.seq {
		r.close()
		f, err := r.j.opt.FS.Open(r.j.path(s.seq, ".seg"))
		if isNotExist(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		r.file, r.seq = f, s.seq
	}
	n, err := r.file.ReadAt(b[:inFile-off], int64(off))
	if err == io.EOF {
		return b[:n], nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return b, nil
}
