// Package sources reads streams and queues for functions: it runs event source
// mappings.
//
// A [Mapping] says which function reads what, in which batches, and what
// happens to batches that fail. The [Engine] runs each in goroutines of its
// own, woken by the commits that append records; nothing polls, and a function
// that is stuck delays no other mapping.
//
// # Streams
//
// A stream's shard is read by as many lanes as the mapping wants batches of a
// shard at the same time; a record belongs to the lane of its order. A lane has
// one batch under way: it fetches what there is, calls the function, and moves
// its cursor; what comes meanwhile is the next batch. A shard's lanes begin when
// those of its parent are through. All that a lane needs to go on after a crash,
// its cursor and, of a batch that failed, which part is to be tried how often
// and when, is one row, committed relaxed: to lose one is to hand the same
// records over again.
//
// Where there are tumbling windows the row also has the state that the function
// keeps over the records of the one that is open (tumbling.go).
//
// Filters see each record for itself. What none of them matches is passed over as
// if it had been handled.
//
// # Queues
//
// A queue is read by one consumer, which receives, gathers batches, and has several
// under way at the same time, more the longer messages wait (scale.go). What was
// handled is deleted; what failed stays invisible until the queue shows it again,
// which counts how often that was and has a dead-letter queue for what comes too
// often. So a consumer keeps nothing that it needs after a crash: its row says what
// became of the last batch, and until when nothing is received because nothing could
// be handed over.
//
// It does not know any service: what is read is a [Stream] or a [Queue], and who
// calls the function, and with whose authority it is read, is [Functions]. It is not
// the API of event source mappings; service lambda is.
//
// Invariants: every record after a mapping's start that a filter matches is
// handed to the function until it succeeds or is given up by the mapping's
// policy, however often the process dies; a record is not handed over before
// those of its order that come before it are done or given up; of a queue nothing is
// deleted that was not handled, but what a filter passes over; what is given up
// is told to the mapping's destination in the transaction that gives it up;
// after a change of a mapping has been acknowledged no batch is begun under the
// old one.
package sources
