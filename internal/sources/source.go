package sources

import (
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// ErrNoSource says that a stream or queue does not exist.
var ErrNoSource = errors.New("sources: no such source")

// Source is what mappings read: the streams, or the queues, of one service. It
// also implements [Stream] or [Queue].
type Source interface {
	// Service is the service in the ARNs of what it reads: "dynamodb".
	Service() string
	// Needs returns the permissions that reading takes. They are asked of the
	// role of the function that reads.
	Needs(source arn.ARN) []awsapi.Access
}

// Stream is a source whose records lie in shards, in order, for every reader
// alike: reading takes nothing away, and where a reader is, the reader keeps.
//
// Everything is read on a snapshot that is given, so that what is left of a
// mapping's work can be told exactly on the snapshot by which the cloud is
// judged to have settled. All errors but [ErrNoSource] are those of the store.
type Stream interface {
	Source
	// BatchInfo is the name that the description of a batch has in the records
	// of failures: "DDBStreamBatchInfo".
	BatchInfo() string
	// Shards returns the shards of a stream that have not been trimmed, parents
	// before their children; [ErrNoSource] for a stream that does not exist. A
	// shard's children are there in every snapshot in which it is closed.
	Shards(s *kv.Snap, stream arn.ARN) ([]Shard, error)
	// Seek returns the cursor from which a reader that begins at p reads.
	Seek(s *kv.Snap, stream arn.ARN, shard string, p Position) (Cursor, error)
	// Fetch reads the records of a shard after a cursor, in order. From a
	// cursor before what has been trimmed it reads what is left.
	Fetch(s *kv.Snap, stream arn.ARN, shard string, after Cursor, want Want) (Page, error)
}

// Cursor is a place in a shard: everything up to it has been read. Cursors of a
// shard compare, byte by byte, as the places do; the empty one is before the
// first record. They are kept on disk.
type Cursor string

// Shard is one of a stream's shards.
type Shard struct {
	ID     string
	Parent string // read to its end before this one; empty: none
	Closed bool   // no record comes any more
	// Topic is signalled by commits that append a record or close the shard.
	Topic kv.Key
}

// From is where a reader begins.
type From uint8

// The places where a reader can begin.
const (
	TrimHorizon From = iota // at the oldest record
	Latest                  // after the newest record of the snapshot
	AtTimestamp             // at the first record of Position.Time or later
)

// Position is where a reader begins.
type Position struct {
	From From
	Time clock.Instant // of AtTimestamp
}

// Want says how much is fetched.
type Want struct {
	Records int // at most; at least 1
	// Bytes ends a page once its events together have as many or more.
	Bytes int
	// Keep, if not nil, says by a record's order whether it is wanted. What is
	// not is passed over, and need not be built. It must not keep the bytes.
	Keep func(order []byte) bool
}

// Page is what was fetched.
type Page struct {
	Records []Record
	// Next is the cursor after all that was looked at, wanted or not; the one
	// that was given if there was nothing.
	Next Cursor
	// End says that the shard is closed and has nothing after Next.
	End bool
}

// Record is one record of a shard.
type Record struct {
	Cursor   Cursor        // after this record
	Sequence string        // its sequence number, as functions and people see it
	Order    []byte        // records of the same order, an item's key, are handled one after another
	At       clock.Instant // approximate time of its creation
	// Event is the record as an element of the "Records" of the event, JSON.
	Event []byte
	Cause record.Cause // of the change that it records; zero: not known
}
