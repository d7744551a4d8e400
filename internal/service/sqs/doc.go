// Package sqs is Amazon SQS: queues, standard and FIFO, in both of its protocols.
//
// A message is accepted in one durable transaction and lies there until it is
// deleted, expires, or is moved to a dead-letter queue. Receiving moves its row in
// an index by time: what is visible lies before now, what is delayed or in flight
// after it, so that time alone makes a message visible again and nothing runs for
// it. A receive is committed relaxed: a crash that takes it back makes the message
// visible once more, which is what a queue that delivers at least once may do.
//
// # Depth
//
// No operation costs more on a deep queue, or on one from which a million messages
// were taken, than on a fresh one: the process remembers where in the index the
// first row can lie ([live]), and now and then writes it down ("c"), so that what
// was deleted is never walked over.
//
// # Standard and FIFO
//
// In a standard queue each message has a row of its own in the index. In a FIFO
// queue each message group has one, and its messages are a log: a receive takes
// from the head of the group and locks it by moving its row to when the first of
// them becomes visible again. Fair queues ([laneOf]) spread the message groups of a
// standard queue over lanes that are served in turn.
//
// # Waiting
//
// A long poll waits in line and is woken by the commit that makes a message
// visible, or by the clock when that is what it waits for; the first in line is the
// first to take. poll.go is the same for event source mappings, which are told by a
// topic and never poll.
//
// # Depth over time
//
// What a queue held minute by minute, its gauges in CloudWatch, is reckoned when it is
// used or asked for (depth.go): queues that nobody uses cost nothing. As in CloudWatch
// a queue is measured that has messages or was used in the last six hours, of these no
// more than six hours at once, and not while the process was not there.
//
// # Where it differs from AWS
//
// A queue can be made again at once after it was deleted: AWS wants 60 seconds in
// between, and a test that begins by cleaning up does not. Nothing is approximate:
// the counts are those of the moment. A queue's KMS key is asked for by who sends and
// receives.
// Throughput quotas (3,000 messages a second and the like) do not exist.
//
// # Rows
//
// In generation 0 of the service "sqs", in the cell of the queue:
//
//	"queue" name            → queue; its ID is the generation of the rest
//	"next"                  → counter: the last ID given out
//	"due" at name           → when the oldest message of a queue may expire
//	"move" started task     → message move task
//
// In the queue's own generation, times in milliseconds:
//
//	"m" stamp               → message of a standard queue, never changed
//	"s" stamp               → state of one that was received
//	"f" group stamp         → message of a FIFO queue, never changed
//	"x" group               → that the group has messages, or had and is not forgotten
//	"g" group               → state of the group
//	"v" lane time stamp     → index of standard queues; the stamp is that of the message's own, plus one
//	"v" lane time group     → index of FIFO queues
//	"c" lane                → everything before this time in the index is gone
//	"d" bucket scope id stamp → deduplication: what was accepted in these five minutes
//	"a" bucket attempt      → what a receive with this ReceiveRequestAttemptId took
//	"n"                     → counter: messages in the queue
//	"k"                     → the data key that KMS made last for a queue with a key of its own, encrypted
//	"z"                     → when the queue is looked through for what has expired; the time in "due"
//
// Messages are what write.go writes and read.go reads, and nothing else touches
// their bytes.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// Invariants: a message whose sending was acknowledged is received until it is
// deleted, has expired or was moved; while a message of a group is in flight no
// receive gets one that follows it, and a group's messages are received in the order
// of their sequence numbers; inside its visibility timeout a message has one
// holder, unless a crash takes back the receive that began it.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
package sqs
