package main

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "1.5h": 90 * time.Minute, "0d1ms": time.Millisecond,
	} {
		if got, err := duration(in); err != nil || got != want {
			t.Errorf("duration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "d", "-1d", "-1h", "1h2d", "soon", "1", "99999999d", "1.5d"} {
		if got, err := duration(in); err == nil {
			t.Errorf("duration(%q) = %v, want an error", in, got)
		}
	}
}
