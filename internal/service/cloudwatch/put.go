package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// Limits of a request.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const (
	maxData      = 1000
	maxValues    = 150
	maxPast      = 14 * 24 * time.Hour
	maxFuture    = 2 * time.Hour
	noUnit       = "None"
	maxMagnitude = 0x1p360
)

func (s *Service) putMetricData(ctx context.Context, in *shapes.PutMetricDataInput) (*schema.Empty, error) {
	namespace := value(in.Namespace)
	if strings.HasPrefix(namespace, "AWS/") {
		return nil, invalid("The value %s for parameter Namespace is invalid.", namespace)
	}
	if len(in.MetricData) > maxData {
		return nil, validation("The collection MetricData must not have a size greater than %d.", maxData)
	}
	now := s.Clock.Now()
	stats := make([]record.Stat, len(in.MetricData))
	for i := range in.MetricData {
		var err error
		if stats[i], err = checked(&in.MetricData[i], fmt.Sprintf("MetricData.member.%d", i+1), now); err != nil {
			return nil, err
		}
	}
	scope := awsapi.From(ctx).Scope
	for i := range in.MetricData {
		d := &in.MetricData[i]
		of := record.Metric{
			Account: scope.Account, Region: scope.Region, Namespace: namespace, Name: value(d.MetricName), Dims: dimensions(d.Dimensions),
			Unit: unitOf(d.Unit), Fine: value(d.StorageResolution) == 1,
		}
		at := now
		if d.Timestamp != nil {
			at = *d.Timestamp
		}
		s.Metrics.Series(of).Merge(at, stats[i])
	}
	return &schema.Empty{}, nil
}

// unitOf is a unit as series have it: what is in no unit is in none.
func unitOf(p *string) string {
	if u := value(p); u != noUnit {
		return u
	}
	return ""
}

func dimensions(ds []shapes.Dimension) []record.Attr {
	var out []record.Attr
	for _, d := range ds {
		out = append(out, record.Attr{Key: value(d.Name), Value: value(d.Value)})
	}
	return out
}

// checked returns a datum's observations, added up.
func checked(d *shapes.MetricDatum, at string, now clock.Instant) (record.Stat, error) {
	var none record.Stat
	if t := d.Timestamp; t != nil {
		if *t > now.Add(maxFuture) {
			return none, invalid("The parameter %s.Timestamp must specify a time no more than two hours in the future.", at)
		}
		if *t < now.Add(-maxPast) {
			return none, invalid("The parameter %s.Timestamp must specify a time within the past two weeks.", at)
		}
	}
	if r := d.StorageResolution; r != nil && *r != 1 && *r != 60 {
		return none, invalid("The value %d for parameter %s.StorageResolution is invalid.", *r, at)
	}
	seen := make(map[string]bool, len(d.Dimensions))
	for k, dim := range d.Dimensions {
		if seen[value(dim.Name)] {
			return none, invalid("The parameter %s.Dimensions.member.%d.Name is a duplicate: %s", at, k+1, value(dim.Name))
		}
		seen[value(dim.Name)] = true
		for part, text := range map[string]string{"Name": value(dim.Name), "Value": value(dim.Value)} {
			if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || part == "Name" && text[0] == ':' {
				return none, invalid("The value %s for parameter %s.Dimensions.member.%d.%s is invalid.", text, at, k+1, part)
			}
		}
	}
	return observed(d, at)
}

func observed(d *shapes.MetricDatum, at string) (record.Stat, error) {
	var st record.Stat
	given := 0
	for _, have := range [...]bool{d.Value != nil, d.Values != nil, d.StatisticValues != nil} {
		if have {
			given++
		}
	}
	switch {
	case given == 0:
		return st, missing("At least one of the parameters %s.Value, %s.Values or %s.StatisticValues must be specified.", at, at, at)
	case given > 1:
		return st, combination("The parameters %s.Value, %s.Values and %s.StatisticValues are mutually exclusive and you have specified more than one.", at, at, at)
	case d.Counts != nil && d.Values == nil:
		return st, missing("The parameter %s.Values is required with %s.Counts.", at, at)
	case d.Value != nil:
		if !measurable(*d.Value) {
			return st, invalid("The value %v for parameter %s.Value is invalid.", *d.Value, at)
		}
		return record.StatOf(*d.Value), nil
	case d.StatisticValues != nil:
		return set4(d.StatisticValues, at)
	}
	if len(d.Values) > maxValues {
		return st, validation("The collection %s.Values must not have a size greater than %d.", at, maxValues)
	}
	if len(d.Values) == 0 {
		return st, missing("The parameter %s.Values must not be empty.", at)
	}
	if d.Counts != nil && len(d.Counts) != len(d.Values) {
		return st, invalid("The parameters %s.Values and %s.Counts must be of the same size.", at, at)
	}
	for i, v := range d.Values {
		n := 1.0
		if d.Counts != nil {
			n = d.Counts[i]
		}
		if !measurable(v) {
			return st, invalid("The value %v for parameter %s.Values.member.%d is invalid.", v, at, i+1)
		}
		if !(n > 0) || !measurable(n) {
			return st, invalid("The value %v for parameter %s.Counts.member.%d is invalid.", n, at, i+1)
		}
		more := record.StatOfMany(v, n)
		st.Add(&more)
	}
	return st, nil
}

// set4 is a statistic set. Percentiles can be told of it only where all
// observations were the same.
func set4(set *shapes.StatisticSet, at string) (record.Stat, error) {
	n, sum, least, most := value(set.SampleCount), value(set.Sum), value(set.Minimum), value(set.Maximum)
	for name, v := range map[string]float64{"SampleCount": n, "Sum": sum, "Minimum": least, "Maximum": most} {
		if !measurable(v) {
			return record.Stat{}, invalid("The value %v for parameter %s.StatisticValues.%s is invalid.", v, at, name)
		}
	}
	switch {
	case n <= 0:
		return record.Stat{}, invalid("The parameter %s.StatisticValues.SampleCount must be greater than 0.", at)
	case least > most:
		return record.Stat{}, invalid("The parameter %s.StatisticValues.Maximum must be greater than or equal to %s.StatisticValues.Minimum.", at, at)
	case least == most || n == 1:
		return record.StatOfSet(n, sum, least, most), nil
	}
	return record.StatOfSum(n, sum, least, most), nil
}

func measurable(v float64) bool { return !math.IsNaN(v) && math.Abs(v) <= maxMagnitude }
