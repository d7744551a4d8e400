package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// ticksPerSecond is USER_HZ, which Linux fixes for all that it tells programs.
const ticksPerSecond = 100

// processStart is when the kernel started this process, so that the time to
// ready includes loading and initialising the program.
func processStart() (time.Time, bool) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return time.Time{}, false
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Time{}, false
	}
	now := clock.Machine{}.Now()
	_, rest, ok := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseFloat(fields[19], 64) // field 22 of proc(5), 3 being the first after the name
	if err != nil {
		return time.Time{}, false
	}
	up, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		return time.Time{}, false
	}
	return now.Add(-time.Duration((up - ticks/ticksPerSecond) * float64(time.Second))), true
}
