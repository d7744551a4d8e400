package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) settle() *cobra.Command {
	var req control.SettleRequest
	c := &cobra.Command{
		Use:   "settle",
		Short: "Wait until nothing is under way",
		Long: `Wait until the cloud has settled: no request, invocation, build or stack
operation is under way, nothing is due at the model clock's now, and nothing is
committed but undelivered. What lies in the future is listed and not waited for.

It is a fact that the cloud computes, not a guess by polling: a test that calls
it needs no sleep.

EXIT CODES
  0  settled
  4  the time-out came first, or something goes round without end (the items are named)`,
		Example: `  nube settle                     wait as long as it takes
  nube settle --timeout 10s       but no longer than ten seconds
  nube settle --horizon 1h        retries and delays due within the hour count too
  nube settle --output json | jq .next`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var r control.SettleReport
			if err := cl.control(cmd.Context(), http.MethodPost, "settle", req, &r); err != nil {
				return err
			}
			return a.showSettled(r)
		},
	}
	c.Flags().DurationVar(&req.Timeout, "timeout", 0, "give up after so long (default: never)")
	c.Flags().DurationVar(&req.Horizon, "horizon", 0, "one-shot timers due within so long count too")
	c.Flags().BoolVar(&req.Strict, "strict", false, "what waits for the world outside counts too")
	return a.remote(c)
}

func (a *app) showSettled(r control.SettleReport) error {
	if a.output == "json" {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.tellSettled(r)
	}
	if !r.Settled || len(r.Stuck) > 0 {
		return &exitError{exitUnready, errShown}
	}
	return nil
}

func (a *app) tellSettled(r control.SettleReport) {
	if r.Settled {
		fmt.Fprintf(a.out, "settled at %s\n", r.At.Format(time.RFC3339Nano))
	} else {
		fmt.Fprintln(a.out, "not settled")
	}
	for _, e := range r.UnderWay {
		if e.Parked != "" {
			continue // it waits for something to happen, and does not count
		}
		fmt.Fprintf(a.out, "  under way: %s %s\n", e.Class, e.What)
	}
	if r.Ready > 0 {
		fmt.Fprintf(a.out, "  ready to be done: %d\n", r.Ready)
	}
	if r.Next != nil {
		fmt.Fprintf(a.out, "  next: %s\n", r.Next.Format(time.RFC3339))
	}
	if r.Recurring != nil {
		fmt.Fprintf(a.out, "  next that recurs: %s\n", r.Recurring.Format(time.RFC3339))
	}
	if r.External > 0 {
		fmt.Fprintf(a.out, "  waiting for the world outside: %d\n", r.External)
	}
	for _, w := range r.Waits {
		fmt.Fprintf(a.out, "    %s\n", waiting(w))
	}
	for _, s := range r.Stuck {
		fmt.Fprintf(a.out, "  stuck: %s: %s\n", s.ID, s.Why)
	}
}

// waiting says what waits, for what or until when, and what went wrong before.
func waiting(w control.Wait) string {
	text := w.What
	if w.Count > 0 {
		text = fmt.Sprintf("%s: %d", text, w.Count)
	}
	switch {
	case w.External:
		text += ", for the world outside"
	case w.At != nil && w.Recurs:
		text += ", again and again, at " + w.At.Format(time.RFC3339)
	case w.At != nil:
		text += ", at " + w.At.Format(time.RFC3339)
	}
	if w.Why != "" {
		text += ": " + w.Why
	}
	return text
}
