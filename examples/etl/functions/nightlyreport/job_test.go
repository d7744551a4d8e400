package main

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// shop has orders, and remembers what was reported and published.
type shop struct {
	orders    map[string][]Order // by day
	reports   map[string]Report
	published []string
	deaf      bool // the bus does not take anything
	blind     bool // what others do in the meantime is not seen before it is in the way
}

func (s *shop) Of(_ context.Context, day string) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		for _, o := range s.orders[day] {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *shop) Last(context.Context) (*Report, error) {
	if s.blind || len(s.reports) == 0 {
		return nil, nil
	}
	r := s.reports[slices.Max(slices.Collect(maps.Keys(s.reports)))]
	return &r, nil
}

func (s *shop) Save(_ context.Context, r Report) (Report, error) {
	if had, ok := s.reports[r.Day]; ok {
		return had, nil
	}
	s.reports[r.Day] = r
	return r, nil
}

func (s *shop) MarkPublished(_ context.Context, day string) error {
	r := s.reports[day]
	r.Published = true
	s.reports[day] = r
	return nil
}

func (s *shop) ReportReady(_ context.Context, r Report) error {
	if s.deaf {
		return errors.New("no bus")
	}
	s.published = append(s.published, r.Day)
	return nil
}

func open(t *testing.T) (*shop, *Job) {
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{orders: map[string][]Order{}, reports: map[string]Report{}}
	return s, &Job{Orders: s, Reports: s, Bus: s, Zone: zone, Log: slog.New(slog.DiscardHandler)}
}

// due is three in the morning of a day of November, in Madrid.
func due(day int) Event { return Event{Time: time.Date(2026, 11, day, 2, 0, 0, 0, time.UTC)} }

func TestReport(t *testing.T) {
	s, j := open(t)
	s.orders["2026-11-20"] = []Order{{"1", "ada", "12.50"}, {"2", "bob", "0.10"}, {"3", "ada", "0.20"}}
	s.orders["2026-11-21"] = []Order{{"4", "ada", "1"}}
	if err := j.Handle(t.Context(), due(21)); err != nil {
		t.Fatal(err)
	}
	want := Report{Day: "2026-11-20", Orders: 3, Customers: 2, Total: "12.80", Published: true}
	if got := s.reports["2026-11-20"]; got != want || len(s.reports) != 1 {
		t.Errorf("reports %+v, want %+v", s.reports, want)
	}
}

func TestARunThatComesTwiceReportsOnce(t *testing.T) {
	s, j := open(t)
	for range 2 {
		if err := j.Handle(t.Context(), due(21)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(s.published, []string{"2026-11-20"}) {
		t.Errorf("published %q", s.published)
	}
}

func TestRunsAtTheSameTimeReportOnce(t *testing.T) {
	s, j := open(t)
	s.blind = true
	s.orders["2026-11-20"] = []Order{{"1", "ada", "1"}}
	s.reports["2026-11-20"] = Report{Day: "2026-11-20", Total: "2.00", Published: true} // by another run, just now
	if err := j.Handle(t.Context(), due(21)); err != nil {
		t.Fatal(err)
	}
	if len(s.published) > 0 || s.reports["2026-11-20"].Total != "2.00" {
		t.Errorf("published %q, reports %v", s.published, s.reports)
	}
}

func TestMissedNightsAreCaughtUp(t *testing.T) {
	s, j := open(t)
	for _, e := range []Event{due(21), due(24)} {
		if err := j.Handle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(s.published, []string{"2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"}) {
		t.Errorf("published %q", s.published)
	}
}

func TestWhatWasNotPublishedIsTheNextTime(t *testing.T) {
	s, j := open(t)
	s.deaf = true
	if err := j.Handle(t.Context(), due(21)); err == nil {
		t.Error("nobody was told that the bus took nothing")
	}
	s.deaf = false
	if err := j.Handle(t.Context(), due(22)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.published, []string{"2026-11-20", "2026-11-21"}) {
		t.Errorf("published %q", s.published)
	}
}

func TestAnOrderWithoutATotal(t *testing.T) {
	s, j := open(t)
	s.orders["2026-11-20"] = []Order{{"1", "ada", ""}}
	if err := j.Handle(t.Context(), due(21)); err == nil || len(s.reports) > 0 {
		t.Errorf("error %v, reports %v", err, s.reports)
	}
}

// pages answers a query one order a page.
type pages []string

func (p pages) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	i := 0
	if last, ok := in.ExclusiveStartKey["id"].(*types.AttributeValueMemberS); ok {
		i = slices.Index(p, last.Value) + 1
	}
	if p[i] == "broken" {
		return nil, errors.New("no table")
	}
	out := &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{{"id": text(p[i])}}}
	if i+1 < len(p) {
		out.LastEvaluatedKey = out.Items[0]
	}
	return out, nil
}

func TestEveryPageIsRead(t *testing.T) {
	for _, c := range []struct {
		pages pages
		want  []string
		fails bool
	}{
		{pages{"1", "2", "3"}, []string{"1", "2", "3"}, false},
		{pages{"1", "broken", "3"}, []string{"1"}, true},
	} {
		var got []string
		var failed error
		for o, err := range (&Orders{Table: "orders", DB: c.pages}).Of(t.Context(), "2026-11-20") {
			if failed = err; err == nil {
				got = append(got, o.ID)
			}
		}
		if !slices.Equal(got, c.want) || (failed != nil) != c.fails {
			t.Errorf("%q: %q, %v", c.pages, got, failed)
		}
	}
}
