package clock

import (
	"sort"
	"time"
)

// Turn is a moment at which somebody has stopped, started or moved a model
// clock.
type Turn struct {
	Machine  Instant // the machine's time then
	From, To Instant // the model's, before and after
	Stopped  bool    // it stands still from then on
}

const (
	// turnsFor is how long turns are remembered: no signature lives longer.
	turnsFor = 7 * 24 * time.Hour
	// turnsMax bounds how many. Whoever turns the clock more often, and signs in
	// between, gets the times of the oldest signatures a little wrong.
	turnsMax = 4096
	// turnsApart is how close two turns are taken for one: signatures know
	// seconds.
	turnsApart = time.Second
)

// note remembers a turn.
func (m *Model) note(t Turn) {
	if n := len(m.turns); n > 0 && t.Machine.Sub(m.turns[n-1].Machine) < turnsApart {
		m.turns[n-1].To, m.turns[n-1].Stopped = t.To, t.Stopped
		return
	}
	old := 0 // but the last of the old ones says where the clock was after it
	for old+1 < len(m.turns) && t.Machine.Sub(m.turns[old+1].Machine) > turnsFor {
		old++
	}
	old = max(old, len(m.turns)+1-turnsMax)
	m.turns = append(m.turns[old:], t)
}

// When returns what the model clock showed when the machine's showed t: how
// long ago something was, in model time, that carries the machine's time, such
// as the signature of a presigned URL. It is exact to a second.
func (m *Model) When(t time.Time) Instant {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := At(t)
	next := sort.Search(len(m.turns), func(i int) bool { return m.turns[i].Machine > at })
	switch {
	case next > 0:
		last := m.turns[next-1]
		if last.Stopped {
			return last.To
		}
		return last.To.Add(at.Sub(last.Machine))
	case len(m.turns) > 0:
		first := m.turns[0]
		return first.From.Add(at.Sub(first.Machine))
	case m.stopped:
		return m.at
	}
	return at.Add(m.offset)
}
