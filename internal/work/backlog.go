package work

import (
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// Backlog is somebody who holds work on disk that is not under way: effects to
// deliver, messages that a mapping will fetch, timers.
type Backlog interface {
	// Backlog says what is left on snapshot s at model time now. It reads
	// nothing but s: all backlogs are asked on the same one.
	Backlog(ctx context.Context, s *kv.Snap, now clock.Instant) (Status, error)
}

// Status is what a backlog holds.
type Status struct {
	// Of names the backlog to people: "deliveries", "timers".
	Of string
	// Ready is how many things can be done now, or are due now, once or
	// again and again. Nothing is settled while something is ready.
	Ready int
	// Next is the earliest one-shot after now: a retry, a delay, the end of a
	// batch window, a visibility held by a mapping. Zero if there is none.
	Next clock.Instant
	// Recurring is the earliest firing after now of what recurs: schedules,
	// alarm periods. It never blocks.
	Recurring clock.Instant
	// External is how many things only the world outside can move: messages
	// without an enabled mapping, or held by a client.
	External int
	// Stuck are things that go round without end.
	Stuck []Item
	// Waits names what Next, Recurring and External speak of, for people.
	Waits []Wait
}

// Wait is something that happens later, or that only the world outside can move.
type Wait struct {
	What  string        // such as "queue arn:…" or "timer: schedules"
	Count int           // how many there are; 0 where they are not counted
	At    clock.Instant // when the first of them happens; zero where the world outside decides
	Recurs,
	Timer, // it wakes somebody
	External bool
	Why string // what went wrong the last time, where it is tried again
}

// Item names one thing that is stuck.
type Item struct {
	ID  string // an ARN, with the id of the message or effect
	Why string
}

// earlier returns the earlier of two instants, of which zero is none.
func earlier(a, b clock.Instant) clock.Instant {
	if a.IsZero() || !b.IsZero() && b < a {
		return b
	}
	return a
}
