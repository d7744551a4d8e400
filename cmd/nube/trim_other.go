//go:build !linux

package main

import (
	"runtime/debug"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// trimLater gives back the memory that only starting needed.
func trimLater() { clock.Machine{}.AfterFunc(time.Second, debug.FreeOSMemory) }
