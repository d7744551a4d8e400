package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/control"
)

// What waits is named: for the world outside, until an instant, or again and again,
// with what went wrong.
func TestTellSettled(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	a := &app{terminal: terminal{out: &out}, output: "text"}
	a.tellSettled(control.SettleReport{
		Settled: true, At: at, Next: &at, Recurring: &at, External: 3, Waits: []control.Wait{
			{What: "queue arn:aws:sqs:us-east-1:000000000000:q", Count: 3, External: true},
			{What: "delivery to https://example.com/hook", Count: 2, At: &at, Why: "connection refused"},
			{What: "timer: alarms", At: &at, Recurs: true},
		},
	})
	want := `settled at 2026-11-22T10:00:00Z
  next: 2026-11-22T10:00:00Z
  next that recurs: 2026-11-22T10:00:00Z
  waiting for the world outside: 3
    queue arn:aws:sqs:us-east-1:000000000000:q: 3, for the world outside
    delivery to https://example.com/hook: 2, at 2026-11-22T10:00:00Z: connection refused
    timer: alarms, again and again, at 2026-11-22T10:00:00Z
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}
