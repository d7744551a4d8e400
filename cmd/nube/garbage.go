package main

import (
	"os"
	"runtime/debug"
)

// allowGarbage sets how much garbage may lie about before it is collected: half
// of the live heap, and 32 MB. It does so as long as what it returns is alive.
//
// Idle memory is a promise, but the live heap of an idle cloud is some 5 MB, and
// a collection for every 2.5 MB of garbage is one for every hundred requests,
// each of which also empties the processor's caches. The 32 MB come from a block
// that counts as live, so that half of it is added to the rest, and that nobody
// touches, so that the system gives it no memory. Rejected: a larger percentage,
// which a large heap would pay for; and a limit of memory, beyond which the
// collector would run all the time.
func allowGarbage() []byte {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	const allowance = 32 << 20
	debug.SetGCPercent(50)
	return make([]byte, 2*allowance)
}
