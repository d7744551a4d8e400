// Package clock holds the two clocks of a cloud, whose types do not mix.
//
// [Model] is the cloud's own time: visibility, TTL, retries, schedules,
// deduplication windows, sessions' expiry and every timestamp in bodies and
// events. A test or a developer can own it: stop it, move it, let it run. Its
// instants are of type [Instant].
//
// [Machine] is the machine's time: function time-outs, process kills, HTTP
// time-outs, long polls and the skew of signatures. Its instants are
// [time.Time]. It is the only place in the tree that touches package time's
// clock and timers (internal/archtest holds everyone to it), so that
// testing/synctest and reviews have one place to look.
//
// It is not a scheduler: durable timers live in internal/timer.
//
// Invariants: a model clock never goes backwards; an alarm whose instant has
// been reached always fires, whether the clock ran, jumped or was set.
package clock

import "time"

// Instant is a point in model time: nanoseconds since the Unix epoch, UTC.
// Zero means "no instant".
type Instant int64

// At converts a wall-clock value, such as one read from a request body, to an
// instant.
func At(t time.Time) Instant { return Instant(t.UnixNano()) }

// Unix returns the instant of the given Unix time in seconds and nanoseconds.
func Unix(sec, nsec int64) Instant { return Instant(sec*int64(time.Second) + nsec) }

// UnixMilli returns the instant of the given Unix time in milliseconds.
func UnixMilli(ms int64) Instant { return Instant(ms * int64(time.Millisecond)) }

// Time returns the instant as a UTC time for formatting.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }

// IsZero reports whether i is no instant at all.
func (i Instant) IsZero() bool { return i == 0 }

// Add returns i moved by d.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time elapsed from o to i.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i - o) }

// Unix returns whole seconds since the epoch.
func (i Instant) Unix() int64 { return floorDiv(int64(i), int64(time.Second)) }

// UnixMilli returns whole milliseconds since the epoch.
func (i Instant) UnixMilli() int64 { return floorDiv(int64(i), int64(time.Millisecond)) }

// Seconds returns seconds since the epoch with their fraction, to the
// millisecond, as AWS's JSON protocols write timestamps.
func (i Instant) Seconds() float64 { return float64(i.UnixMilli()) / 1000 }

// String formats the instant as RFC 3339 with milliseconds.
func (i Instant) String() string {
	if i == 0 {
		return "never"
	}
	return i.Time().Format("2006-01-02T15:04:05.000Z")
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
