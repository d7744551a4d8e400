// Package work knows what is under way in a cloud, and from it when the cloud
// has settled.
//
// A [Ledger] counts [Token]s: whoever starts something that may still change
// the cloud begins a token first and ends it when all that it caused is
// committed, durable and signalled. A [Backlog] says what is committed but not
// done: undelivered effects, messages behind a mapping, due timers. A
// [Settler] puts both together:
//
//	settled(T) ⇔ no token is active, and on one durable snapshot every
//	             backlog has nothing ready and no one-shot due up to T
//
// It is computed, never guessed: the snapshot is taken between two readings of
// the ledger that agree, so that nothing can have been under way while it was
// taken. Who waits for it is woken by tokens that end; nothing polls.
//
// It is not a scheduler and not a queue: it starts nothing. It is not the
// record of what happened either; that is package record.
//
// What everybody who begins a token keeps to:
//
//   - Work that a token causes has a token, or is in a backlog on disk, before
//     the causing token ends. A wake-up calls [Token.Unpark] on the waiter's
//     token before the waker's ends.
//   - A token ends after its commits are durable and their signals have run;
//     for a relaxed commit, in a Tx.After function.
//   - Requests, invocations, initialisations on demand, builds and swaps, stack
//     operations and derivations have tokens. Parked long polls, tails of logs
//     and event streams to a console do not count: they park theirs, or begin
//     none.
package work
