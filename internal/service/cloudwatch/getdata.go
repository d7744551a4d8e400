package cloudwatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/service/cloudwatch/metricmath"
)

// maxPage is how many datapoints a page has at most, and if nothing is said.
const maxPage = 100_800

func (s *Service) getMetricData(ctx context.Context, in *shapes.GetMetricDataInput) (*shapes.GetMetricDataOutput, error) {
	if *in.StartTime >= *in.EndTime {
		return nil, validation("The parameter StartTime must be less than the parameter EndTime.")
	}
	at, err := parseOffsets(in.NextToken, 2)
	if err != nil {
		return nil, err
	}
	q, err := s.compile(awsapi.From(ctx).Scope, in.MetricDataQueries)
	if err != nil {
		return nil, err
	}
	results, err := q.run(ctx, *in.StartTime, *in.EndTime)
	if err != nil {
		return nil, err
	}
	descending := value(in.ScanBy) != "TimestampAscending"
	all := make([]shapes.MetricDataResult, len(results))
	for i := range results {
		all[i] = results[i].shape(descending)
	}
	return page(all, at, int(value(or(in.MaxDatapoints, maxPage)))), nil
}

// page cuts results into what one answer has: whole ones and a part of the last.
func page(all []shapes.MetricDataResult, at []int, limit int) *shapes.GetMetricDataOutput {
	out := &shapes.GetMetricDataOutput{MetricDataResults: []shapes.MetricDataResult{}, Messages: []shapes.MessageData{}}
	for i := at[0]; i < len(all); i++ {
		r := all[i]
		skip := 0
		if i == at[0] {
			skip = min(at[1], len(r.Values))
		}
		n := min(len(r.Values)-skip, limit)
		partial := n < len(r.Values)-skip
		r.Timestamps, r.Values, r.StatusCode = r.Timestamps[skip:skip+n], r.Values[skip:skip+n], ptr("Complete")
		if partial {
			r.StatusCode = ptr("PartialData")
			out.NextToken = offset(i, skip+n)
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
		if partial {
			break
		}
		limit -= n
	}
	return out
}

// query is a compiled request for data: metrics, and expressions over them.
type query struct {
	s       *Service
	scope   arn.Scope
	entries []entry
}

// entry is one metric or expression of a query.
type entry struct {
	id       string
	label    *string
	hidden   bool
	stat     *statistic
	statName string
	sel      selection // without times
	expr     *metricmath.Expr
	period   time.Duration // of an expression: 0 if none is given
}

// compile checks a request for data.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
func (s *Service) compile(scope arn.Scope, qs []shapes.MetricDataQuery) (*query, error) {
	q := &query{s: s, scope: scope}
	for i := range qs {
		e, err := compileEntry(scope, &qs[i])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(q.entries, func(o entry) bool { return o.id == e.id }) {
			return nil, validation("The values for parameter id in MetricDataQueries are not unique: %s", e.id)
		}
		q.entries = append(q.entries, e)
	}
	for i := range q.entries {
		if e := &q.entries[i]; e.expr != nil {
			for _, id := range e.expr.Refs() {
				if !slices.ContainsFunc(q.entries, func(o entry) bool { return o.id == id }) {
					return nil, validation("Error in expression '%s' [The metric or expression %s is not in the request]", e.id, id)
				}
			}
		}
	}
	return q, nil
}

func compileEntry(scope arn.Scope, d *shapes.MetricDataQuery) (entry, error) {
	e := entry{id: value(d.Id), label: d.Label, hidden: d.ReturnData != nil && !*d.ReturnData}
	if c := e.id[0]; c < 'a' || c > 'z' || strings.ContainsFunc(e.id, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return e, validation("The value %s for parameter MetricDataQueries.member.Id is invalid: it must begin with a lowercase letter and consist of letters, digits and underscores.", e.id)
	}
	if d.AccountId != nil && *d.AccountId != scope.Account {
		return e, validation("nube links no accounts: %s is not the caller's.", *d.AccountId)
	}
	if err := checkLabel(value(d.Label)); err != nil {
		return e, err
	}
	switch {
	case (d.MetricStat == nil) == (d.Expression == nil):
		return e, validation("Exactly one of MetricStat and Expression must be specified for %s.", e.id)
	case d.Expression != nil:
		if d.Period != nil {
			if !validPeriod(*d.Period) {
				return e, validation("Period must be 1, 5, 10, 20, 30 or a multiple of 60, not %d", *d.Period)
			}
			e.period = time.Duration(*d.Period) * time.Second
		}
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(*d.Expression)), "SELECT") {
			return e, validation("Error in expression '%s' [nube does not offer queries of Metrics Insights]", e.id)
		}
		var err error
		if e.expr, err = metricmath.Parse(*d.Expression); err != nil {
			return e, badExpression(e.id, err)
		}
		return e, nil
	}
	m := d.MetricStat
	st, ok := parseStatistic(value(m.Stat))
	if !ok {
		return e, validation("The value %s for parameter MetricDataQueries.member.MetricStat.Stat is not supported.", value(m.Stat))
	}
	if !validPeriod(value(m.Period)) {
		return e, validation("Period must be 1, 5, 10, 20, 30 or a multiple of 60, not %d", value(m.Period))
	}
	e.stat, e.statName = &st, value(m.Stat)
	e.sel = selection{
		scope: scope, namespace: value(m.Metric.Namespace), name: value(m.Metric.MetricName), dims: sorted(m.Metric.Dimensions), unit: m.Unit,
		period: time.Duration(*m.Period) * time.Second,
	}
	return e, nil
}

func badExpression(id string, err error) *fault.Error {
	return validation("Error in expression '%s' [%s]", id, strings.TrimPrefix(err.Error(), metricmath.ErrInvalid.Error()+": "))
}

// result is one series that is returned.
type result struct {
	entry  *entry
	label  string
	series metricmath.Series
}

// run evaluates a query and returns what it does not hide.
func (q *query) run(ctx context.Context, start, end clock.Instant) ([]result, error) {
	r := &running{query: q, ctx: ctx, start: start, end: end, done: make(map[string]metricmath.Value), under: make(map[string]bool)}
	var out []result
	for i := range q.entries {
		e := &q.entries[i]
		if e.hidden {
			continue
		}
		v, err := r.value(e)
		if err != nil {
			return nil, err
		}
		if v.Kind == metricmath.Number {
			return nil, badExpression(e.id, errors.New("it returns a number, not a metric"))
		}
		for k, s := range v.Series {
			label := e.id
			if v.Kind == metricmath.Many {
				label += " " + v.Labels[k]
			} else if e.stat != nil {
				label = e.sel.name
			}
			out = append(out, result{e, labelOf(e, label, s), s})
		}
	}
	return out, nil
}

// running is a query that is evaluated.
type running struct {
	*query
	ctx        context.Context
	start, end clock.Instant
	done       map[string]metricmath.Value
	under      map[string]bool // ids whose value is being found
}

// value returns the value of an entry, after those that it names.
func (r *running) value(e *entry) (metricmath.Value, error) {
	if v, ok := r.done[e.id]; ok {
		return v, nil
	}
	if r.under[e.id] {
		return metricmath.Value{}, badExpression(e.id, errors.New("it refers to itself"))
	}
	r.under[e.id] = true
	defer delete(r.under, e.id)
	v, err := r.find(e)
	if err == nil {
		r.done[e.id] = v
	}
	return v, err
}

func (r *running) find(e *entry) (metricmath.Value, error) {
	if e.stat != nil {
		s, err := r.metric(e)
		return metricmath.Value{Kind: metricmath.One, Series: []metricmath.Series{s}}, err
	}
	env := &metricmath.Env{End: r.end}
	named := e.expr.Refs()
	shortest := time.Duration(0)
	for i := range r.entries {
		o := &r.entries[i]
		metric := o.stat != nil
		if o.id == e.id || !slices.Contains(named, o.id) && !(metric && e.expr.Metrics()) {
			continue
		}
		v, err := r.value(o)
		if err != nil {
			return metricmath.Value{}, err
		}
		env.Inputs = append(env.Inputs, metricmath.Input{ID: o.id, Value: v, Metric: metric})
		if metric && (shortest == 0 || o.sel.period < shortest) {
			shortest = o.sel.period
		}
	}
	if e.period > 0 {
		shortest = e.period
	} else if shortest == 0 {
		shortest = time.Minute
	}
	env.Start = r.s.aligned(r.start, shortest)
	v, err := e.expr.Eval(env)
	if err != nil {
		return v, badExpression(e.id, err)
	}
	return v, nil
}

func (r *running) metric(e *entry) (metricmath.Series, error) {
	sel := e.sel
	sel.start, sel.end = r.s.aligned(r.start, sel.period), r.end
	found, err := r.s.read(r.ctx, &sel, false)
	if err != nil {
		return metricmath.Series{}, err
	}
	out := metricmath.Series{Period: int64(sel.period / time.Second)}
	for i := range found {
		if v, ok := e.stat.of(&found[i].stat); ok {
			out.Points = append(out.Points, metricmath.Point{At: found[i].at, Value: v})
		}
	}
	return out, nil
}

func (r *result) shape(descending bool) shapes.MetricDataResult {
	out := shapes.MetricDataResult{Id: &r.entry.id, Label: &r.label, Timestamps: []clock.Instant{}, Values: []float64{}}
	for _, p := range r.series.Points {
		out.Timestamps = append(out.Timestamps, p.At)
		out.Values = append(out.Values, p.Value)
	}
	if descending {
		slices.Reverse(out.Timestamps)
		slices.Reverse(out.Values)
	}
	return out
}
