package delivery

import "sync"

// budget bounds the bytes of effects in memory. Actors that want more than
// there is stand in line, first come, first served: the ready ring.
type budget struct {
	mu   sync.Mutex
	room int
	line []*actor
}

// take takes n bytes for an actor. An actor that has nothing may overdraw, so
// that every target can always have one effect. If there is no room the actor
// stands in line and will be woken when its turn comes.
func (b *budget) take(a *actor, n int, has bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.inLine && b.line[0] == a {
		a.called = true
		b.leave()
	}
	if !has || b.room >= n && (len(b.line) == 0 || a.called) {
		b.room -= n
		return true
	}
	a.called = false
	if !a.inLine {
		a.inLine, a.wants = true, n
		b.line = append(b.line, a)
	}
	return false
}

// give gives n bytes back and returns whose turn it is.
func (b *budget) give(n int) (called []*actor) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room += n
	for room := b.room; len(b.line) > 0 && room >= b.line[0].wants; {
		a := b.line[0]
		room -= a.wants
		a.called = true
		b.leave()
		called = append(called, a)
	}
	return called
}

// leave takes the first out of the line.
func (b *budget) leave() {
	b.line[0].inLine = false
	b.line[0] = nil
	b.line = b.line[1:]
}
