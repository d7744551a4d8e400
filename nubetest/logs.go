package nubetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// Logs returns the lines of a function's log, the oldest first: what it wrote,
// and the platform's START, END and REPORT. The function is named as in its
// manifest or in full. Settle first: the log of what was answered may still be on
// its way.
func (c *Cloud) Logs(t testing.TB, function string) []string {
	t.Helper()
	name, err := c.cloud.Function(t.Context(), function)
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	events, err := c.group(t.Context(), "/aws/lambda/"+name)
	if err != nil {
		t.Fatalf("nubetest: reading the log of %s: %v", function, err)
	}
	var lines []string
	for _, l := range events {
		lines = append(lines, strings.TrimRight(string(l.Message), "\n"))
	}
	return lines
}

// group returns the events of a log group, as far as they can be read.
func (c *Cloud) group(ctx context.Context, name string) (out []record.LogEvent, err error) {
	api := c.api()
	q := record.LogQuery{Group: record.Stream{Account: api.Account, Region: c.Region(), Group: name}}
	for e, err := range api.Recorder.Logs.Read(ctx, q) {
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// shown is how many lines of its logs a test that failed prints.
const shown = 200

// report prints the logs of a test that failed, and what was still under way.
func (c *Cloud) report(t testing.TB) {
	ctx := context.WithoutCancel(t.Context())
	api := c.api()
	groups, err := api.Recorder.Logs.Groups(ctx, api.Account, c.Region())
	if err != nil {
		t.Logf("nubetest: reading the logs: %v", err)
		return
	}
	var all []record.LogEvent
	for name := range groups {
		events, err := c.group(ctx, name)
		if err != nil {
			t.Logf("nubetest: reading the log %s: %v", name, err)
		}
		all = append(all, events...)
	}
	slices.SortStableFunc(all, func(a, b record.LogEvent) int { return cmp.Or(cmp.Compare(a.Time, b.Time), a.Pos.Compare(b.Pos)) })
	if len(all) > 0 {
		var b strings.Builder
		fmt.Fprintf(&b, "the logs of the test's cloud, the last %d of %d lines:\n", min(shown, len(all)), len(all))
		for _, e := range all[max(0, len(all)-shown):] {
			fmt.Fprintf(&b, "%s %s %s\n", e.Time.Time().Format("15:04:05.000"), e.Stream.Group, strings.TrimRight(string(e.Message), "\n"))
		}
		t.Log(b.String())
	}
	if r, err := api.Settler.Look(ctx, 0, false); err == nil && !r.Settled {
		t.Log("the test's cloud had not settled" + inTheWay(r))
	}
}

// inTheWay says what keeps a cloud from being settled.
func inTheWay(r work.Report) string {
	var b strings.Builder
	for _, e := range r.UnderWay {
		if e.Parked == "" {
			fmt.Fprintf(&b, "\n  under way: %s %s", e.Class, e.What)
		}
	}
	if r.Ready > 0 {
		fmt.Fprintf(&b, "\n  ready to be done: %d", r.Ready)
	}
	for _, s := range r.Stuck {
		fmt.Fprintf(&b, "\n  stuck: %s: %s", s.ID, s.Why)
	}
	return b.String()
}
