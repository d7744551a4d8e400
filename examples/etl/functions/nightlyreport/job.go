package main

import (
	"context"
	"iter"
	"log/slog"
	"time"
)

// Extractor reads orders.
type Extractor interface {
	// Of returns the orders of a day, one after the other, and ends with the first
	// error.
	Of(ctx context.Context, day string) iter.Seq2[Order, error]
}

// Loader keeps reports.
type Loader interface {
	// Last returns the latest report; nil when there is none.
	Last(ctx context.Context) (*Report, error)
	// Save keeps a report, unless its day has one, and returns the one it has.
	Save(ctx context.Context, r Report) (Report, error)
	// MarkPublished notes that the bus knows of a day's report.
	MarkPublished(ctx context.Context, day string) error
}

// Publisher tells others what happened.
type Publisher interface {
	ReportReady(ctx context.Context, r Report) error
}

// Job makes the reports.
type Job struct {
	Orders  Extractor
	Reports Loader
	Bus     Publisher
	Zone    *time.Location // whose days are reported
	Log     *slog.Logger
}

// Event is what the schedule sends.
type Event struct {
	Time time.Time `json:"time"` // when the run was due, not when it came
}

// Handle makes the report of the day before, and first those of nights that were
// missed: it goes on behind the last report that is complete. When that is of the
// day before, as in a run that comes twice, there is nothing to do.
func (j *Job) Handle(ctx context.Context, e Event) error {
	last, err := j.Reports.Last(ctx)
	if err != nil {
		return err
	}
	yesterday := j.day(e.Time, -1)
	day := yesterday
	if last != nil {
		if day = last.Day; last.Published {
			day = next(day)
		}
	}
	for ; day <= yesterday; day = next(day) { // as text, days are in their order
		if err := j.report(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// report makes the report of one day. It may be done again at any time, also while
// it is done: a day has one report, and who listens may hear of it twice, and
// never not at all.
func (j *Job) report(ctx context.Context, day string) error {
	s := Summary{Day: day}
	for o, err := range j.Orders.Of(ctx, day) {
		if err == nil {
			err = s.Add(o)
		}
		if err != nil {
			return err
		}
	}
	r, err := j.Reports.Save(ctx, s.Report())
	if err != nil || r.Published {
		return err
	}
	if err := j.Bus.ReportReady(ctx, r); err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "report ready", "day", day, "orders", r.Orders)
	return j.Reports.MarkPublished(ctx, day)
}

// day is the day some days from a time, as the clocks of the zone show it. Noon is
// there on every day, whatever becomes of the night.
func (j *Job) day(t time.Time, days int) string {
	y, m, d := t.In(j.Zone).Date()
	return time.Date(y, m, d+days, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// next is the day after a day.
func next(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err) // our own days always parse
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}
