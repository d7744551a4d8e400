package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// startWithoutCollecting puts off the first collection until 32 MB lie about:
// starting makes less, and a collection costs it 4 of 25 ms.
func startWithoutCollecting() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800) // of the 4 MB that count as live at least
	}
}

// startedAfter is how long after "ready" starting counts as over.
const startedAfter = time.Second

// afterStart settles the cloud's memory and threads when it has started, until
// ctx ends.
func afterStart(ctx context.Context) {
	allowSystemCalls()
	clock.Machine{}.AfterFunc(startedAfter, func() {
		garbage := allowGarbage()
		debug.FreeOSMemory()
		trim() // last, since collecting touches pages
		<-ctx.Done()
		runtime.KeepAlive(garbage)
	})
}

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
