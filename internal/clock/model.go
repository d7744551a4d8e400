package clock

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrBackwards is returned when a model clock is asked to go back in time.
var ErrBackwards = errors.New("clock: the model clock cannot go backwards")

// Model is the cloud's clock. It runs with the machine's clock at a constant
// offset, or stands still at one instant. Safe for concurrent use.
type Model struct {
	machine Machine

	mu      sync.Mutex
	offset  time.Duration // model - machine while running
	stopped bool
	at      Instant // where it stands while stopped
	last    Instant // highest instant ever returned: never go below
	turns   []Turn
	alarms  alarmHeap
	wake    *time.Timer // fires when the earliest alarm is due; nil when none is set
}

// State is what must survive a restart for the model clock to go on where it
// was.
type State struct {
	Offset  time.Duration // model minus machine time, while running
	Stopped bool
	At      Instant // where it stands, while stopped
	Turns   []Turn  // how it came there
}

// NewModel returns a model clock in the given state; the zero State is a clock
// that agrees with the machine.
func NewModel(s State) *Model {
	return &Model{offset: s.Offset, stopped: s.Stopped, at: s.At, turns: slices.Clone(s.Turns)}
}

// State returns the state to persist.
func (m *Model) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stateLocked()
}

func (m *Model) stateLocked() State {
	return State{Offset: m.offset, Stopped: m.stopped, At: m.at, Turns: slices.Clone(m.turns)}
}

// Now returns the model's time. It never goes backwards, also when the
// machine's clock is stepped back.
func (m *Model) Now() Instant {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nowLocked()
}

func (m *Model) nowLocked() Instant {
	now := m.at
	if !m.stopped {
		now = At(m.machine.Now()).Add(m.offset)
	}
	if now < m.last {
		return m.last
	}
	m.last = now
	return now
}

// Stopped reports whether the clock stands still.
func (m *Model) Stopped() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopped
}

// Stop makes the clock stand still at its present instant, which it returns.
func (m *Model) Stop() Instant {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.nowLocked()
	if !m.stopped {
		m.turnLocked(now, now, true)
	}
	return now
}

// Run lets the clock run on, from where it is, at the machine's pace.
func (m *Model) Run() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		m.turnLocked(m.at, m.at, false)
	}
}

// Set moves the clock to i, which must not lie before its present instant, and
// fires the alarms that are then due. A running clock runs on from there.
func (m *Model) Set(i Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.nowLocked()
	if i < now {
		return fmt.Errorf("%w: it is %s, asked for %s", ErrBackwards, now, i)
	}
	m.turnLocked(now, i, m.stopped)
	return nil
}

// turnLocked goes on at to, running or not, and fires what is then due.
func (m *Model) turnLocked(from, to Instant, stopped bool) {
	machine := At(m.machine.Now())
	m.note(Turn{Machine: machine, From: from, To: to, Stopped: stopped})
	m.stopped, m.last = stopped, to
	if stopped {
		m.at = to
	} else {
		m.offset = to.Sub(machine)
	}
	m.rearmLocked()
}

// Alarm is a one-shot signal at an instant of model time.
type Alarm struct {
	// C is closed when the model clock reaches the instant.
	C <-chan struct{}

	m     *Model
	at    Instant
	ch    chan struct{}
	index int // in the heap; -1 when fired or stopped
}

// Alarm returns an alarm for the instant i; one that is already due fires at
// once. It is meant for internal/timer, which owns durable timers; other
// packages set timers there.
func (m *Model) Alarm(i Instant) *Alarm {
	a := &Alarm{m: m, at: i, ch: make(chan struct{}), index: -1}
	a.C = a.ch
	m.mu.Lock()
	defer m.mu.Unlock()
	heap.Push(&m.alarms, a)
	m.rearmLocked()
	return a
}

// Stop withdraws the alarm; its channel then stays open.
func (a *Alarm) Stop() {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	if a.index >= 0 {
		heap.Remove(&a.m.alarms, a.index)
		a.m.rearmLocked()
	}
}

// rearmLocked fires what is due and sets the machine timer for what comes
// next. One machine timer serves all alarms.
func (m *Model) rearmLocked() {
	if m.wake != nil {
		m.wake.Stop()
		m.wake = nil
	}
	now := m.nowLocked()
	for len(m.alarms) > 0 && m.alarms[0].at <= now {
		close(heap.Pop(&m.alarms).(*Alarm).ch)
	}
	if len(m.alarms) == 0 || m.stopped {
		return
	}
	m.wake = m.machine.AfterFunc(m.alarms[0].at.Sub(now), func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.rearmLocked()
	})
}

// alarmHeap orders alarms by instant, earliest first.
type alarmHeap []*Alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *alarmHeap) Push(x any) {
	a := x.(*Alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
