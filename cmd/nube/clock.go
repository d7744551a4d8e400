package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) clock() *cobra.Command {
	c := &cobra.Command{
		Use:   "clock",
		Short: "Show, stop and move the cloud's time",
		Long: `Show the model clock of the cloud, and what is due next.

The model clock is the time of everything that the cloud does: visibility of
messages, retries, delays, schedules, time to live, retention, deduplication,
sessions' expiry, the life of presigned URLs, and every timestamp. It can be
stopped, moved forward and run again; where it is, is kept with the data.

Clients notice nothing: signatures, time-outs of functions and connections, and
the Date of answers stay on the machine's clock. A presigned URL ages with the
model clock; one that was signed in the very second of a move counts as signed
after it.`,
		Example: `  nube clock
  nube clock stop                   from now on it stands still
  nube clock advance 1h30m          through everything that is due in between
  nube clock advance 7d --timeout 1m
  nube clock set 2027-01-01T00:00:00Z
  nube clock run                    on from where it is, at the machine's pace`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var r control.ClockReport
			if err := cl.control(cmd.Context(), http.MethodGet, "clock", nil, &r); err != nil {
				return err
			}
			return a.showClock(r)
		},
	}
	c.AddCommand(
		a.turn("stop", "Make the clock stand still", `Make the clock stand still where it is. What is due now is still done; what is
due later waits until the clock is moved or run.`),
		a.turn("run", "Let the clock run on", `Let the clock run on from where it is, at the machine's pace.`),
		a.advance(), a.set(),
	)
	return a.remote(c)
}

// turn is a command that takes nothing.
func (a *app) turn(do, short, long string) *cobra.Command {
	return a.remote(&cobra.Command{
		Use: do, Short: short, Long: long, Args: args(cobra.NoArgs),
		Example: "  nube clock " + do,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.moveClock(cmd.Context(), control.ClockRequest{Do: do})
		},
	})
}

func (a *app) advance() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "advance DURATION",
		Short: "Move the clock through everything that is due",
		Long: `Move the clock forward from one due to the next, and let the cloud settle at
each: what happens at noon sees what happened in the morning. It returns when
the clock is there and the cloud has settled.

EXIT CODES
  0  it is there, and settled
  4  the time-out came first: the clock stands at the last due that was reached`,
		Example: `  nube clock advance 90s
  nube clock advance 7d
  nube clock advance 1h --output json | jq .now`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			by, err := duration(given[0])
			if err != nil {
				return err
			}
			return a.moveClock(cmd.Context(), control.ClockRequest{Do: "advance", By: by, Timeout: timeout})
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "give up after so long (default: never)")
	return a.remote(c)
}

func (a *app) set() *cobra.Command {
	return a.remote(&cobra.Command{
		Use:   "set TIME",
		Short: "Move the clock at once",
		Long: `Move the clock to a time that is not in its past, in one step, as if the cloud
had been switched off until then: what was due once in between is done late, and
schedules skip what they missed. "nube clock advance" leaves nothing out.`,
		Example: `  nube clock set 2027-01-01T00:00:00Z
  nube clock set 2027-01-01             midnight, UTC`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
				if to, err := time.Parse(layout, given[0]); err == nil {
					return a.moveClock(cmd.Context(), control.ClockRequest{Do: "set", To: to})
				}
			}
			return usage("%q is not a time such as 2027-01-01T00:00:00Z", given[0])
		},
	})
}

func (a *app) moveClock(ctx context.Context, req control.ClockRequest) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	var r control.ClockReport
	if err := cl.control(ctx, http.MethodPost, "clock", req, &r); err != nil {
		return err
	}
	return a.showClock(r)
}

func (a *app) showClock(r control.ClockReport) error {
	if a.output == "json" {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.tellClock(r)
	}
	if !r.Reached {
		return &exitError{exitUnready, errShown}
	}
	return nil
}

func (a *app) tellClock(r control.ClockReport) {
	state := "running"
	if r.Stopped {
		state = "stopped"
	}
	fmt.Fprintf(a.out, "%s, %s\n", r.Now.Format(time.RFC3339Nano), state)
	if r.Next != nil {
		fmt.Fprintf(a.out, "  next: %s\n", r.Next.Format(time.RFC3339))
	}
	if r.Recurring != nil {
		fmt.Fprintf(a.out, "  next that recurs: %s\n", r.Recurring.Format(time.RFC3339))
	}
	if !r.Reached && r.Settled != nil {
		a.tellSettled(*r.Settled)
	}
}

// duration is Go's, with days before the rest: 7d, 1d12h.
func duration(s string) (time.Duration, error) {
	days, rest, has := strings.Cut(s, "d")
	if !has {
		days, rest = "", s
	}
	n, err := 0, error(nil)
	if has {
		n, err = strconv.Atoi(days)
		if rest == "" {
			rest = "0"
		}
	}
	d, err2 := time.ParseDuration(rest)
	const most = 100 * 366
	if err != nil || err2 != nil || d < 0 || n < 0 || n > most || d > most*24*time.Hour {
		return 0, usage("%q is not a duration such as 90s, 1h30m or 7d", s)
	}
	return time.Duration(n)*24*time.Hour + d, nil
}
