package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/record"
)

func (a *app) trace() *cobra.Command {
	var q control.TraceQuery
	var since time.Duration
	var follow bool
	c := &cobra.Command{
		Use:   "trace [ID]",
		Short: "Show what requests have caused",
		Long: `Show the latest requests or, with an ID, everything that one of them has caused:
the functions that it ran, their calls, and what followed over queues, streams and
topics, with times, sizes, retries, denials and cold starts. The platform records
this by itself; what applications report by OpenTelemetry hangs in the same tree.

ID is a trace id, in the form of X-Ray or of W3C, or the id of a request or of an
invocation, as logs and answers have it (x-amzn-RequestId).

Among the latest requests are the application's and those of AWS's tools. Deployments
are shown with --all; what one of them looks for and does not find it makes, and is
no error of it.

A line of a tree begins with when the span began, counted from the first, and how
long it took.`,
		Example: `  nube trace                              the latest requests
  nube trace --errors --since 10m         those in which something failed
  nube trace --function userApi --status 5xx
  nube trace --follow                     requests as they end
  nube trace 1-5759e988-bd862e3fe1be46a994272793
  nube trace 5759e988bd862e3fe1be46a994272793 --output json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			if len(given) == 0 {
				return a.listTraces(cmd.Context(), cl, q, since, follow)
			}
			var report control.TraceReport
			if err := cl.control(cmd.Context(), http.MethodGet, "traces/"+url.PathEscape(given[0]), nil, &report); err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(report)
			}
			return a.showTrace(&report)
		},
	}
	fs := c.Flags()
	fs.StringVar(&q.Function, "function", "", "only requests in which this function ran")
	fs.StringVar(&q.Status, "status", "", "only requests that were answered with this status: 404, or 5xx for any of them")
	fs.BoolVar(&q.Errors, "errors", false, "only requests in which something failed")
	fs.BoolVar(&q.All, "all", false, "deployments too")
	fs.DurationVar(&since, "since", 0, "only what is younger than so long")
	fs.IntVar(&q.Limit, "limit", 20, "how many requests")
	fs.BoolVarP(&follow, "follow", "f", false, "show requests as they end, until Ctrl-C")
	return a.remote(c)
}

// listTraces prints summaries.
func (a *app) listTraces(ctx context.Context, cl *client, q control.TraceQuery, since time.Duration, follow bool) error {
	v := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			v.Set(name, value)
		}
	}
	set("function", q.Function, q.Function != "")
	set("status", q.Status, q.Status != "")
	set("errors", "1", q.Errors)
	set("all", "1", q.All)
	set("since", since.String(), since > 0) // by the cloud's clock
	set("limit", strconv.Itoa(q.Limit), !follow)
	set("follow", "1", follow)
	err := cl.stream(ctx, http.MethodGet, "traces", v.Encode(), nil, func(line []byte) error {
		if a.output == "json" {
			_, err := fmt.Fprintf(a.out, "%s\n", line)
			return err
		}
		var s control.TraceSummary
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.out, a.summary(&s))
		return err
	})
	if follow && ctx.Err() != nil {
		return nil // Ctrl-C is how one ends it
	}
	return err
}

// summary is one request in a line.
func (a *app) summary(s *control.TraceSummary) string {
	what := s.Name
	if !strings.Contains(what, " ") {
		what = s.Service + " " + what
	}
	var more []string
	if s.Status != 0 {
		more = append(more, a.status(s.Status))
	}
	if s.Error != "" {
		more = append(more, paint(a.out, "31", s.Error))
	} else if s.Errors > 0 {
		more = append(more, paint(a.out, "31", count(s.Errors, "error")))
	}
	more = append(more, paint(a.out, "2", count(s.Spans, "span")))
	return fmt.Sprintf("%s  %s  %9s  %s  %s", paint(a.out, "2", s.Time.Format("2006-01-02T15:04:05.000Z")), s.Trace, millis(s.Duration), what, strings.Join(more, "  "))
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// status is a status of HTTP, red where it says that something failed.
func (a *app) status(n int) string {
	switch {
	case n >= 500:
		return paint(a.out, "31", strconv.Itoa(n))
	case n >= 400:
		return paint(a.out, "33", strconv.Itoa(n))
	}
	return paint(a.out, "32", strconv.Itoa(n))
}

// millis is a duration as tables show it.
func millis(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
}

// showTrace prints a tree.
func (a *app) showTrace(r *control.TraceReport) error {
	first := r.Spans[0]
	fmt.Fprintf(a.out, "%s  %s\n", paint(a.out, "1", r.XRay), paint(a.out, "2", first.Time.Format("2006-01-02T15:04:05.000Z")))
	a.showSpans(r.Spans, first.Began, "", true)
	if !r.Whole {
		fmt.Fprintln(a.out, "… and more: the tree is cut short")
	}
	return nil
}

func (a *app) showSpans(spans []*control.TraceSpan, since time.Time, indent string, top bool) {
	for i, s := range spans {
		branch, below := "├─ ", "│  "
		if i == len(spans)-1 {
			branch, below = "└─ ", "   "
		}
		if top {
			branch, below = "", ""
		}
		fmt.Fprintf(a.out, "%10s %10s  %s%s\n", "+"+millis(s.Began.Sub(since)), millis(s.Duration), paint(a.out, "2", indent+branch), a.span(s))
		a.showSpans(s.Children, since, indent+below, false)
	}
}

// span is one hop in a line.
func (a *app) span(s *control.TraceSpan) string {
	parts := []string{a.title(s)}
	add := func(color, format string, args ...any) {
		parts = append(parts, paint(a.out, color, fmt.Sprintf(format, args...)))
	}
	if s.Status != 0 {
		parts = append(parts, a.status(s.Status))
	}
	said := ""
	for _, d := range s.Details {
		switch d.Key {
		case record.Attempt:
			add("33", "attempt %s", d.Value)
		case record.Cold:
			add("36", "cold start")
		case record.Message:
			said = d.Value
		case record.LogStream:
		default:
			if !s.Application {
				add("2", "%s: %s", d.Key, d.Value)
			}
		}
	}
	if s.Error != "" {
		why := s.Error
		if said != "" {
			why += ": " + said
		}
		add("31", "%s", strings.ReplaceAll(why, "\n", " "))
	}
	if s.In > 0 || s.Out > 0 {
		add("2", "%s → %s", bytesOf(s.In), bytesOf(s.Out))
	}
	if len(s.Links) > 0 && !s.Application {
		add("2", "(also for %s)", count(len(s.Links), "other"))
	}
	return strings.Join(parts, "  ")
}

// title says what a hop is.
func (a *app) title(s *control.TraceSpan) string {
	of := named(s.Resource)
	switch {
	case s.Application:
		return s.Service + ": " + s.Name
	case s.Service == "delivery":
		return "delivery to " + s.Name + " " + of
	case strings.Contains(s.Name, " "): // a request over HTTP
		return s.Name
	case s.Service == "lambda" && s.Kind == record.Internal.String() && s.Resource != "":
		return "function " + s.Name
	case s.Service == "lambda" && s.Kind == record.Internal.String():
		return s.Name
	case of == "" || of == s.Name:
		return s.Service + " " + s.Name
	}
	return s.Service + " " + s.Name + " " + of
}

// named is what an ARN names, without its type; another URI stays what it is.
func named(resource string) string {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		return resource
	}
	if i := strings.IndexAny(parts[5], ":/"); i >= 0 && parts[2] != "s3" {
		return parts[5][i+1:]
	}
	return parts[5]
}

func bytesOf(n int64) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
	case n >= 10<<10:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KB"
	}
	return strconv.FormatInt(n, 10) + " B"
}
