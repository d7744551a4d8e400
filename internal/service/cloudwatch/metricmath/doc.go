// Package metricmath is the expression language of CloudWatch's metric math: time
// series and numbers, arithmetic, comparisons, logic, and functions over them.
//
//	errors / requests * 100
//	IF(m1 > 5, m1, 0)
//	SUM(METRICS("m")) / PERIOD(m1)
//	RATE(FILL(m1, 0))
//
// It knows expressions and points, not metrics: who calls it has read the series
// that an expression names. Functions that CloudWatch has and this package has not
// are refused by their name.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
package metricmath

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/clock"
)

// Series is points in order of time.
type Series struct {
	Period int64 // seconds
	Points []Point
}

// Point is one point of a series.
type Point struct {
	At    clock.Instant
	Value float64
}

// Input is one of the series that an expression may name.
type Input struct {
	ID     string
	Value  Value
	Metric bool // a metric's, not an expression's: METRICS() means it
}

// Env is what an expression is evaluated over.
type Env struct {
	Inputs     []Input
	Start, End clock.Instant // of the request: what FILL fills
}

func (e *Env) find(id string) (Value, bool) {
	i := slices.IndexFunc(e.Inputs, func(in Input) bool { return in.ID == id })
	if i < 0 {
		return Value{}, false
	}
	return e.Inputs[i].Value, true
}

// Kind is what a value is.
type Kind uint8

// The kinds of values.
const (
	Number Kind = iota
	One         // one series
	Many        // an array of series
)

// Value is the value of an expression.
type Value struct {
	Kind   Kind
	Number float64
	Series []Series // one of One
	Labels []string // ids of the series of Many
}

// ErrInvalid is wrapped by the errors of [Parse] and [Expr.Eval].
var ErrInvalid = errors.New("invalid expression")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Expr is a parsed expression.
type Expr struct{ root node }

// Refs returns the ids that the expression names, each once, in their order.
func (e *Expr) Refs() []string {
	var ids []string
	walk(e.root, func(n node) {
		if r, ok := n.(ref); ok && !slices.Contains(ids, string(r)) {
			ids = append(ids, string(r))
		}
	})
	return ids
}

// Metrics reports whether the expression calls METRICS: it depends on all metrics
// of its request.
func (e *Expr) Metrics() bool {
	found := false
	walk(e.root, func(n node) {
		if c, ok := n.(*call); ok && c.name == "METRICS" {
			found = true
		}
	})
	return found
}
