// Package delivery carries effects from the change that causes them to their
// targets, at least once.
//
// An [Effect] is emitted in the transaction of its cause: the message and its
// notification, the accepted event and its invocation commit together or not at
// all. From then on it is delivery's: it is handed to the [Receiver] of its
// target, tried again with growing pauses when that fails, and when its policy
// is exhausted the dead letter is emitted in the transaction that gives it up.
// After kill -9 nothing that was acknowledged is missing.
//
// Producers know delivery, never each other's services. A target is an ARN, a
// URL or another URI; the scheme of a target, "lambda" of an ARN of Lambda,
// "https" of a URL, says which receiver it has.
//
// It is not a queue that anybody can look into (service/sqs is) and not a
// publish-subscribe system (sns, events): those decide who gets what, and emit.
//
// # How
//
// Each target has an actor, a goroutine only while it has something to do. It
// reads effects in the order of their commits, hands them over within its
// receiver's limits, and commits the outcomes, several at a time. One that
// fails moves aside to be tried later, and the rest goes on; of an ordered one
// ([Effect.Order]) the successors wait behind it, and only those. After some
// failures in a row a target gets one effect at a time until one succeeds,
// unless its effects fail each for itself. All targets together hold a bounded
// number of bytes in memory, but each may always hold one effect: a target that
// is slow, or down, delays nobody.
//
// Jitter is seeded by the effect's id, so that a replay pauses as the original.
//
// # Rows
//
// In the cell of the emitter, service "delivery", generation 0:
//
//	"e" target stamp        → effect
//	"c" target              → cursor: every effect up to this stamp is done or moved
//	"r" target due stamp    → effect that failed and is due again
//	"o" target order stamp  → effect that waits behind one of its order in "r"
//	"x" target stamp        → effect that was given up; a few are kept to be looked at
//	"p" stamp               → payload of more than 4 KB, shared by the effects of one Emit
//	"n" stamp               → counter: how many effects still refer to the payload before it
//
// History: version 1; versions 2 and 3 of effects, which have a head and
// an issuer. testdata holds
// rows and keys to them.
//
// Invariants: an effect whose emitting transaction is durable is delivered, or
// given up by its policy, however often the process dies; none is handed over
// before it is durable. Effects of the same order and target are handed over
// one after another, each when the one before it is done or given up. The
// outcome of handing over to a [TxReceiver] commits with what it did.
package delivery
