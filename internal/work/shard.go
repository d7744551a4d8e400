package work

import "sync"

// shard is a part of a ledger's tokens. All fields are guarded by mu; methods
// are called with it held.
type shard struct {
	mu           sync.Mutex
	begun, ended uint64
	tokens       *slot    // head of the ring of all tokens, parked ones too
	free         *slot    // slots to use again
	nfree        int      // how many they are
	_            [80]byte // to 128 bytes: two lines, no neighbour's
}

// keep is how many free slots a shard keeps. More come from a burst and go to
// the garbage collector.
const keep = 1024

// take counts a begin and returns its slot.
func (sh *shard) take(l *Ledger) *slot {
	sh.begun++
	s := sh.free
	if s == nil {
		s = &slot{ledger: l, shard: sh}
	} else {
		sh.free = s.next
		sh.nfree--
	}
	head := sh.tokens
	s.next, s.prev = head.next, head
	head.next.prev = s
	head.next = s
	return s
}

// leave counts an end, and reports whether no token of the shard is active any
// more.
func (sh *shard) leave() (calm bool) {
	sh.ended++
	return sh.begun == sh.ended
}

// release ends the slot's turn.
func (sh *shard) release(s *slot) {
	s.prev.next, s.next.prev = s.next, s.prev
	s.turn++
	s.prev, s.next = nil, nil
	s.what, s.why, s.parked = "", "", false
	if sh.nfree < keep {
		s.next = sh.free
		sh.free = s
		sh.nfree++
	}
}
