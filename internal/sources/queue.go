package sources

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Queue is a source whose messages are taken: what one reader has received no other
// gets, until it is deleted, given back, or its visibility has ended. The queue
// knows what was received; a reader keeps nothing.
//
// What is read on a snapshot is exact, so that what is left of a mapping's work can
// be told on the snapshot by which the cloud is judged to have settled. All errors
// but [ErrNoSource] are those of the store.
type Queue interface {
	Source
	// Changed is the topic of changes of a queue itself: it is signalled when it
	// is made, purged, deleted or gets other attributes.
	Changed(queue arn.ARN) kv.Key
	// Describe describes a queue; [ErrNoSource] if there is none.
	Describe(s *kv.Snap, queue arn.ARN) (Description, error)
	// Pending says what a queue has for its readers.
	Pending(s *kv.Snap, queue arn.ARN, now clock.Instant) (Pending, error)
	// Unlock says why a reader cannot use the key of a queue that has one of its
	// own; nil if it can, or there is none. Errors that are no *fault.Error are
	// those of the store.
	Unlock(ctx context.Context, queue arn.ARN, reader delivery.ActorRef) error
	// Receive takes as many messages as there are, up to a portion, for the queue's
	// own visibility timeout, or for as long as is said. It does not wait.
	Receive(ctx context.Context, queue arn.ARN, most Portion, visibility time.Duration) (Received, error)
	// Delete deletes messages that were handled, by their receipts. One that has
	// become visible again in the meantime may be there still.
	Delete(ctx context.Context, queue arn.ARN, receipts ...string) error
	// Return gives messages back that were not handled: they become visible after
	// a while, or at once. One that already has is no error.
	Return(ctx context.Context, queue arn.ARN, after time.Duration, receipts ...string) error
}

// Description is what a reader must know of a queue.
type Description struct {
	FIFO       bool
	Visibility time.Duration
	// Topic is signalled by commits that make a message visible, at once or later.
	// It is another one after the queue was purged or made again; then the old one
	// is not signalled any more, but [Queue.Changed] is.
	Topic kv.Key
	// Redrive says that a message that fails again and again goes to a dead-letter
	// queue.
	Redrive bool
}

// Pending is what a queue has for its readers on a snapshot.
type Pending struct {
	Ready bool          // something is visible
	Next  clock.Instant // when the first of the rest becomes visible; zero: never
	Held  clock.Instant // when the first becomes visible that a mapping holds; zero: none
}

// Message is a message that was received.
type Message struct {
	ID      string // what a function reports of those that failed
	Receipt string
	Group   string        // of a FIFO queue, or a fair one
	At      clock.Instant // when it was sent
	Count   int           // how often it was received, this time included
	Body    string
	Event   []byte       // as an element of the "Records" of the event, JSON
	Cause   record.Cause // of its sending
}

// Portion is how much a receive takes at most. A message that is not for this batch
// is not received: it would wait for a batch that may fail, count a receive that
// nobody handled, and be out of its group's order.
type Portion struct {
	Messages int  // at least 1
	Bytes    int  // of their events, and one more byte for each
	First    bool // the first is taken however large it is
}

// Received is what a receive took.
type Received struct {
	Messages []Message
	More     bool          // there is more already
	Full     bool          // the next one does not fit into the portion's bytes
	Next     clock.Instant // when the first of the rest becomes visible; zero: never
}
