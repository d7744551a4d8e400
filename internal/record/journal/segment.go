package journal

import (
	"cmp"
	"slices"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
)

// Pos is the place of a record: its segment, and where in it. Positions grow as
// records are appended.
type Pos struct{ Seg, Off uint32 }

// Compare returns -1, 0 or +1: the order of the two positions.
func (p Pos) Compare(o Pos) int {
	if c := cmp.Compare(p.Seg, o.Seg); c != 0 {
		return c
	}
	return cmp.Compare(p.Off, o.Off)
}

// Uint64 returns the position as one number, in the same order.
func (p Pos) Uint64() uint64 { return uint64(p.Seg)<<32 | uint64(p.Off) }

// PosOf returns the position that is n as a number.
func PosOf(n uint64) Pos { return Pos{uint32(n >> 32), uint32(n)} }

// state of a segment.
type state uint8

const (
	open     state = iota // takes appends
	full                  // takes none; is written and finished by the next write
	finished              // complete in its file, which may have been torn
)

// segment is one file of the journal. Fields are guarded by the journal's mu
// unless they say otherwise.
type segment struct {
	seq   uint32
	state state

	// Until it is finished:
	flushed uint32    // bytes in the file
	mem     []byte    // bytes after those
	file    disk.File // guarded by writing; nil before the first write

	// ix is always there until the segment is finished; after that it may be
	// unloaded, and is not changed.
	ix *index

	// Known once the index of a finished segment was loaded:
	known       bool
	first, last clock.Instant
	drops       []drop
}

// learnLocked takes over what the head of its index says of a finished segment.
func (s *segment) learnLocked(ix *index) {
	if !s.known {
		s.known, s.first, s.last, s.drops = true, ix.first, ix.last, ix.drops
	}
}

// size is the length of the segment, file and memory.
func (s *segment) size() uint32 { return s.flushed + uint32(len(s.mem)) }

func sortSegments(ss []*segment) {
	slices.SortFunc(ss, func(a, b *segment) int { return cmp.Compare(a.seq, b.seq) })
}
