package main

import (
	"os"
	"runtime"
)

// inSystemCalls is how many goroutines at least may run or be in a system call
// before the Go scheduler takes the places of those in system calls away.
const inSystemCalls = 6

// allowSystemCalls lets goroutines that write to a connection keep their place
// on machines of few processors.
//
// A write to a loopback connection does the receiver's work too and takes longer
// than the 20 µs after which the scheduler's monitor gives a place to another
// thread, unless a place is free. With two places for two processors none ever is
// under load: the monitor wakes thousands of times a second, and the goroutine has
// to be scheduled again. With six a warm function answers 5 to 10 % more requests,
// and DynamoDB's p99 halves; sixteen are no better. It is done when the cloud has
// started, which more places make 5 ms longer.
func allowSystemCalls() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < inSystemCalls {
		runtime.GOMAXPROCS(inSystemCalls)
	}
}
