package cloudwatch

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/record"
)

const (
	listPage = 500
	// recent is how long a metric is listed after its last point.
	recent = 14 * day
)

func (s *Service) listMetrics(ctx context.Context, in *shapes.ListMetricsInput) (*shapes.ListMetricsOutput, error) {
	scope := awsapi.From(ctx).Scope
	start, err := parseOffset(in.NextToken)
	if err != nil {
		return nil, err
	}
	q := record.MetricQuery{Account: scope.Account, Region: scope.Region, Namespace: value(in.Namespace), From: s.Clock.Now().Add(-recent)}
	if in.RecentlyActive != nil {
		q.From = s.Clock.Now().Add(-3 * time.Hour)
	}
	q.Match = func(m record.Metric) bool {
		return m.Namespace[0] != ':' && (in.MetricName == nil || m.Name == *in.MetricName) && filtered(m.Dims, in.Dimensions)
	}
	if err := s.gauge(ctx, scope, q.Namespace, value(in.MetricName), nil); err != nil {
		return nil, err
	}
	found, err := s.Metrics.List(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list metrics: %w", err)
	}
	// Those that differ in their unit alone are one.
	found = slices.CompactFunc(found, func(a, b record.Metric) bool {
		return a.Namespace == b.Namespace && a.Name == b.Name && slices.Equal(a.Dims, b.Dims)
	})
	out := &shapes.ListMetricsOutput{Metrics: []shapes.Metric{}}
	for i := start; i < len(found); i++ {
		if i == start+listPage {
			out.NextToken = offset(i)
			break
		}
		m := &found[i]
		out.Metrics = append(out.Metrics, shapes.Metric{Namespace: &m.Namespace, MetricName: &m.Name, Dimensions: dimensionsOf(m.Dims)})
		if value(in.IncludeLinkedAccounts) {
			out.OwningAccounts = append(out.OwningAccounts, scope.Account)
		}
	}
	return out, nil
}

func dimensionsOf(as []record.Attr) []shapes.Dimension {
	out := make([]shapes.Dimension, len(as))
	for i, a := range as {
		out[i] = shapes.Dimension{Name: ptr(a.Key), Value: ptr(a.Value)}
	}
	return out
}

// filtered reports whether a metric has all dimensions, with the values that are
// given.
func filtered(dims []record.Attr, want []shapes.DimensionFilter) bool {
	for _, w := range want {
		if !slices.ContainsFunc(dims, func(a record.Attr) bool { return a.Key == value(w.Name) && (w.Value == nil || a.Value == *w.Value) }) {
			return false
		}
	}
	return true
}

// behind is the token of what comes after a name in a list by names: whatever is
// deleted meanwhile, nothing is left out.
func behind(name string) *string {
	return ptr(base64.StdEncoding.EncodeToString([]byte(name)))
}

// lastName is the name behind which a list goes on, empty at its beginning.
func lastName(token *string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(value(token))
	if err != nil {
		return "", badToken()
	}
	return string(b), nil
}

// offset is the token of a place in a list.
func offset(parts ...int) *string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, strconv.Itoa(p))
	}
	return ptr(base64.StdEncoding.EncodeToString([]byte(strings.Join(texts, "/"))))
}

func parseOffset(token *string) (int, error) {
	is, err := parseOffsets(token, 1)
	if err != nil {
		return 0, err
	}
	return is[0], nil
}

// parseOffsets reads a token of n parts, all of them zero of none.
func parseOffsets(token *string, n int) ([]int, error) {
	out := make([]int, n)
	if value(token) == "" {
		return out, nil
	}
	b, err := base64.StdEncoding.DecodeString(*token)
	parts := strings.Split(string(b), "/")
	if err != nil || len(parts) != n {
		return nil, badToken()
	}
	for i, p := range parts {
		if out[i], err = strconv.Atoi(p); err != nil || out[i] < 0 {
			return nil, badToken()
		}
	}
	return out, nil
}
