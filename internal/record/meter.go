package record

import (
	"context"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/clock"
)

// What is metered, in the units that AWS bills. Prices are for whoever shows
// costs.
const (
	Requests      = "Requests"
	GBSeconds     = "GBSeconds"     // of a function's invocations, INIT included since August 2025
	InitGBSeconds = "InitGBSeconds" // the part of GBSeconds that was INIT
	ReadUnits     = "ReadUnits"     // DynamoDB read request units
	WriteUnits    = "WriteUnits"    // DynamoDB write request units
	Emails        = "Emails"        // recipients of mail that SES accepted
	BytesIn       = "BytesIn"       // of requests
	BytesOut      = "BytesOut"      // of answers
)

// meterNamespace holds meters among the metrics. No client can write into it:
// its name is not a valid namespace.
const meterNamespace = ":meter"

// Meter returns the series that meters a resource, by ARN.
func (m *Metrics) Meter(account, region, resource, what string) *Series {
	return m.Series(Metric{Account: account, Region: region, Namespace: meterNamespace, Name: what, Dims: []Attr{{"Resource", resource}}})
}

// Usage is how much of something a resource has used.
type Usage struct {
	Resource string
	What     string
	Amount   float64
}

// Usage returns what was used in a period, by resource and kind.
func (m *Metrics) Usage(ctx context.Context, account, region string, from, to clock.Instant) ([]Usage, error) {
	var us []Usage
	at := make(map[string]int)
	for p, err := range m.Read(ctx, MetricQuery{Account: account, Region: region, Namespace: meterNamespace, From: from, To: to}) {
		if err != nil {
			return nil, err
		}
		u := Usage{What: p.Metric.Name}
		for _, d := range p.Metric.Dims {
			u.Resource = d.Value
		}
		key := u.Resource + "\x00" + u.What
		i, ok := at[key]
		if !ok {
			i = len(us)
			at[key] = i
			us = append(us, u)
		}
		us[i].Amount += p.Stat.Sum
	}
	sort.Slice(us, func(i, j int) bool { return compareUsage(us[i], us[j]) < 0 })
	return us, nil
}

func compareUsage(a, b Usage) int {
	if d := strings.Compare(a.Resource, b.Resource); d != 0 {
		return d
	}
	return strings.Compare(a.What, b.What)
}
