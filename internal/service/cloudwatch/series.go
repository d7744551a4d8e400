package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// selection says which observations of a metric to read.
type selection struct {
	scope      arn.Scope
	namespace  string
	name       string
	dims       []record.Attr // sorted
	unit       *string       // nil: of any
	period     time.Duration
	start, end clock.Instant // start ≤ time < end, start at the beginning of a period
}

// periodStat is the observations of one period, of one unit if they are told
// apart.
type periodStat struct {
	at   clock.Instant
	unit string
	stat record.Stat
}

// sorted returns dimensions in the order in which they are compared.
func sorted(ds []shapes.Dimension) []record.Attr {
	out := dimensions(ds)
	slices.SortFunc(out, func(a, b record.Attr) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// read returns the observations of each period that has some, in order of time.
func (s *Service) read(ctx context.Context, sel *selection, byUnit bool) ([]periodStat, error) {
	q := record.MetricQuery{
		Account: sel.scope.Account, Region: sel.scope.Region, Namespace: sel.namespace, Name: sel.name, From: max(sel.start, s.oldest(sel.period)), To: sel.end,
		Match: func(m record.Metric) bool {
			return (sel.unit == nil || m.Unit == unitOf(sel.unit)) && slices.Equal(m.Dims, sel.dims)
		},
	}
	if err := s.gauge(ctx, sel.scope, sel.namespace, sel.name, sel.dims); err != nil {
		return nil, err
	}
	fine := s.oldest(time.Second)
	type key struct {
		at   clock.Instant
		unit string
	}
	found := make(map[key]*record.Stat)
	for p, err := range s.Metrics.Read(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %w", sel.namespace, sel.name, err)
		}
		if p.At < sel.start || sel.period < time.Minute && (!p.Metric.Fine || p.At < fine) {
			continue
		}
		k := key{at: sel.start.Add(p.At.Sub(sel.start) / sel.period * sel.period)}
		if byUnit {
			k.unit = p.Metric.Unit
		}
		if have := found[k]; have != nil {
			have.Add(&p.Stat)
		} else {
			found[k] = &p.Stat
		}
	}
	out := make([]periodStat, 0, len(found))
	for k, st := range found {
		out = append(out, periodStat{k.at, k.unit, *st})
	}
	slices.SortFunc(out, func(a, b periodStat) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.unit, b.unit)) })
	return out, nil
}

// How long points of a width can be read.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
const (
	day       = 24 * time.Hour
	keepFine  = 3 * time.Hour
	keepMin   = 15 * day
	keepFive  = 63 * day
	keepHours = 455 * day
)

// oldest is the first instant of which points of a period are told.
func (s *Service) oldest(period time.Duration) clock.Instant {
	keep := keepHours
	switch {
	case period < time.Minute:
		keep = keepFine
	case period%(5*time.Minute) != 0:
		keep = keepMin
	case period%time.Hour != 0:
		keep = keepFive
	}
	return s.Clock.Now().Add(-keep)
}

// aligned is the start of the first period: it is rounded down to what points of
// its age are kept in.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func (s *Service) aligned(start clock.Instant, period time.Duration) clock.Instant {
	width := time.Minute
	switch age := s.Clock.Now().Sub(start); {
	case period < time.Minute && age <= keepFine:
		width = period
	case age > keepFive:
		width = time.Hour
	case age > keepMin:
		width = 5 * time.Minute
	}
	return floor(start, width)
}

func floor(t clock.Instant, width time.Duration) clock.Instant {
	r := t % clock.Instant(width)
	if r < 0 {
		r += clock.Instant(width)
	}
	return t - r
}

// validPeriod reports whether points of a period can be asked for.
func validPeriod(seconds int32) bool {
	switch seconds {
	case 1, 5, 10, 20, 30:
		return true
	}
	return seconds > 0 && seconds%60 == 0 && seconds <= 86400
}
