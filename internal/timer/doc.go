// Package timer makes things happen at an instant of model time, and says which
// node may make them happen.
//
// A timer is a row that is set in the transaction of what needs it ([Timers.Set])
// and fires in a transaction of its own that also removes it, so what it does to
// the store happens once, whatever crashes. Services that keep an index by due
// time of their own, such as messages by visibility or items by expiry, register
// it ([Index]) instead of setting a timer for each. After downtime a one-shot
// fires late; what recurs skips the firings that it missed, see [Following].
//
// A [Shard] is the right to run one share of something, such as all timers, on
// this node and no other. It is asked for on a single node too, so that the code
// that runs behind it is the same everywhere: it builds its memory when it gets
// the shard and puts the shard's epoch into the read set of what it commits.
//
// It is not cron (package cron reads expressions; schedules live with their
// services) and not for machine time: time-outs of functions and connections
// use clock.Machine.
//
// Invariants: nothing fires before its instant; what is due fires without
// anybody polling, whether the clock ran or was set; a transaction guarded by a
// shard that another node has taken over does not commit.
package timer
