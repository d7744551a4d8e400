package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
)

// MaxRecord is the largest key or payload of a record.
const MaxRecord = 2 << 20

var (
	// ErrTooLarge says that a record is larger than MaxRecord.
	ErrTooLarge = errors.New("journal: record too large")
	// ErrClosed says that the journal is closed.
	ErrClosed = errors.New("journal: closed")
)

// Options say where a journal is and how large it may become. Zero values mean
// the defaults.
type Options struct {
	FS           disk.FS
	Dir          string
	Machine      clock.Machine
	SegmentBytes int           // of one file; 8 MiB
	MaxBytes     int64         // of all files; 256 MiB. The oldest segments go first
	MaxAge       time.Duration // of the newest record of a segment, in model time; 0 is no limit
	Gather       time.Duration // how long an append waits in memory for others; 20 ms
	MaxUnwritten int           // bytes in memory before appends wait for the disk; 4 MiB
}

// Limits that are not worth an option.
const (
	segmentKeys = 4 << 10 // keys of a segment, so that its index stays small
	loadedMax   = 8       // indexes of finished segments kept in memory
	keepBuffer  = 1 << 20 // larger buffers are let go when they are empty
)

// Journal is an open journal. Its methods are safe for concurrent use.
type Journal struct {
	opt        Options
	castagnoli *crc32.Table

	writing sync.Mutex // held by who writes files; taken before mu
	scratch []byte     // guarded by writing

	mu      sync.Mutex
	written sync.Cond // on mu: something was written, or given up
	segs    []*segment
	cur     *segment // takes appends; the last of segs, or nil
	next    uint32   // number of the next segment
	loaded  []*segment
	follows map[chan struct{}]struct{}
	armed   bool // a timer will write
	total   int64
	counted bool // total counts the segments found at open
	closed  bool
	err     error  // of the last failed write
	lost    uint64 // bytes given up for it
}

// Open opens the journal in a directory, which it makes if need be. It reads
// no segment.
func Open(o Options) (*Journal, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 256 << 20
	}
	if o.Gather == 0 {
		o.Gather = 20 * time.Millisecond
	}
	if o.MaxUnwritten == 0 {
		o.MaxUnwritten = 4 << 20
	}
	j := &Journal{opt: o, castagnoli: crc32.MakeTable(crc32.Castagnoli), next: 1, follows: make(map[chan struct{}]struct{})}
	j.written.L = &j.mu
	if err := j.makeDir(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	for _, name := range names {
		if seq, ok := parseName(name, ".seg"); ok {
			j.segs = append(j.segs, &segment{seq: seq, state: finished})
			j.next = max(j.next, seq+1)
		}
	}
	sortSegments(j.segs)
	return j, nil
}

// Close writes what is in memory, makes it durable and closes the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.retireLocked()
	j.wakeLocked()
	j.written.Broadcast()
	j.mu.Unlock()
	return j.write()
}

// Err returns the error of the last write to disk that failed, and how many
// bytes of records were lost with it. The journal goes on in a new segment.
func (j *Journal) Err() (lost uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost, j.err
}

// Append appends one record and returns its position. It is in memory then,
// and can be read; it is written within Options.Gather.
func (j *Journal) Append(key string, at, seen clock.Instant, body []byte) (Pos, error) {
	if len(key) > MaxRecord || len(body) > MaxRecord {
		return Pos{}, ErrTooLarge
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s, err := j.roomLocked(len(key) + len(body))
	if err != nil {
		return Pos{}, err
	}
	e := s.ix.byKey[key]
	if e == nil {
		e = s.ix.define(key)
		off := s.size()
		s.mem = appendFrame(s.mem, j.castagnoli, func(b []byte) []byte { return appendDefine(b, e.id, key) })
		s.ix.pass(off, s.size()-off)
	}
	off := s.size()
	s.mem = appendFrame(s.mem, j.castagnoli, func(b []byte) []byte { return appendData(b, e.id, at, seen, body) })
	s.ix.add(e, off, s.size()-off, at, seen, len(body))
	j.appendedLocked()
	return Pos{s.seq, off}, nil
}

// Drop hides every record under the prefix that was appended so far, and
// returns once that is durable.
func (j *Journal) Drop(prefix string) error {
	j.mu.Lock()
	s, err := j.roomLocked(len(prefix))
	if err != nil {
		j.mu.Unlock()
		return err
	}
	off := s.size()
	s.mem = appendFrame(s.mem, j.castagnoli, func(b []byte) []byte { return appendDrop(b, prefix) })
	s.ix.pass(off, s.size()-off)
	s.ix.hide(prefix, Pos{s.seq, s.size()})
	j.appendedLocked()
	j.mu.Unlock()
	return j.Sync()
}

// roomLocked returns the segment that takes a record of about n bytes, once
// there is room in memory.
func (j *Journal) roomLocked(n int) (*segment, error) {
	for !j.closed && j.cur != nil && len(j.cur.mem) > j.opt.MaxUnwritten {
		j.written.Wait()
	}
	if j.closed {
		return nil, ErrClosed
	}
	if s := j.cur; s != nil && (int(s.size())+n > j.opt.SegmentBytes || len(s.ix.entries) >= segmentKeys) {
		j.retireLocked()
	}
	if j.cur == nil {
		j.cur = &segment{seq: j.next, state: open, ix: newIndex(), mem: []byte(magic)}
		j.next++
		j.segs = append(j.segs, j.cur)
	}
	return j.cur, nil
}

// retireLocked makes the current segment take no more appends.
func (j *Journal) retireLocked() {
	if j.cur != nil {
		j.cur.state = full
		j.cur = nil
	}
}

// appendedLocked sees to it that what was appended is written and noticed.
func (j *Journal) appendedLocked() {
	if !j.armed {
		j.armed = true
		j.opt.Machine.AfterFunc(j.opt.Gather, func() {
			j.mu.Lock()
			j.armed = false
			j.mu.Unlock()
			j.write() // its error is kept for Err
		})
	}
	j.wakeLocked()
}

// Sync writes what is in memory and makes it durable.
func (j *Journal) Sync() error {
	j.mu.Lock()
	s := j.cur
	j.mu.Unlock()
	if err := j.write(); err != nil || s == nil {
		return err
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	if s.file == nil {
		return nil // finished since, and durable with it, or given up
	}
	err := s.file.SyncData()
	if err == nil {
		err = j.syncDir(j.opt.Dir)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// makeDir makes the journal's directory and its name durable.
func (j *Journal) makeDir() error {
	fs := j.opt.FS
	var parents []string // of what is made
	for dir := j.opt.Dir; ; {
		if _, err := fs.Stat(dir); err == nil {
			break
		} else if !isNotExist(err) {
			return err
		}
		parent := fs.PathDir(dir)
		if parent == dir {
			break
		}
		parents = append(parents, parent)
		dir = parent
	}
	if err := fs.MkdirAll(j.opt.Dir, 0o755); err != nil {
		return err
	}
	for i := len(parents) - 1; i >= 0; i-- {
		if err := j.syncDir(parents[i]); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the names in a directory durable.
func (j *Journal) syncDir(dir string) error {
	d, err := j.opt.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (j *Journal) path(seq uint32, suffix string) string {
	return j.opt.FS.PathJoin(j.opt.Dir, fmt.Sprintf("%010d", seq)+suffix)
}

func parseName(name, suffix string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n > 0
}
