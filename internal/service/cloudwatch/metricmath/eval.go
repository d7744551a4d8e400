package metricmath

import "math"

// Eval evaluates the expression.
func (e *Expr) Eval(env *Env) (Value, error) {
	v, err := env.eval(e.root)
	if err == nil {
		for i := range v.Series {
			v.Series[i] = finite(v.Series[i])
		}
	}
	return v, err
}

// finite is a series without the points that are no numbers: what is divided by
// zero has no point.
func finite(s Series) Series {
	return s.filter(func(p Point) bool { return !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) })
}

func (e *Env) eval(n node) (Value, error) {
	switch n := n.(type) {
	case number:
		return Value{Number: float64(n)}, nil
	case text:
		switch n {
		case "TRUE":
			return Value{Number: 1}, nil
		case "FALSE":
			return Value{}, nil
		}
		return Value{}, invalid("%q stands where a number or a metric is expected", string(n))
	case ref:
		v, ok := e.find(string(n))
		if !ok {
			return Value{}, invalid("there is no metric or expression with the id %s", string(n))
		}
		return v, nil
	case *unary:
		v, err := e.eval(n.of)
		if err != nil {
			return Value{}, err
		}
		return v.each(func(f float64) float64 { return -f }), nil
	case *binary:
		a, err := e.eval(n.a)
		if err != nil {
			return Value{}, err
		}
		b, err := e.eval(n.b)
		if err != nil {
			return Value{}, err
		}
		return combine(a, b, operation(n.op))
	case *call:
		return e.call(n)
	}
	return Value{}, invalid("unexpected part")
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func operation(op string) func(a, b float64) float64 {
	switch op {
	case "+":
		return func(a, b float64) float64 { return a + b }
	case "-":
		return func(a, b float64) float64 { return a - b }
	case "*":
		return func(a, b float64) float64 { return a * b }
	case "/":
		return func(a, b float64) float64 { return a / b }
	case "^":
		return math.Pow
	case "==":
		return func(a, b float64) float64 { return truth(a == b) }
	case "!=":
		return func(a, b float64) float64 { return truth(a != b) }
	case "<":
		return func(a, b float64) float64 { return truth(a < b) }
	case "<=":
		return func(a, b float64) float64 { return truth(a <= b) }
	case ">":
		return func(a, b float64) float64 { return truth(a > b) }
	case ">=":
		return func(a, b float64) float64 { return truth(a >= b) }
	case "&&", "AND":
		return func(a, b float64) float64 { return truth(a != 0 && b != 0) }
	default: // || and OR
		return func(a, b float64) float64 { return truth(a != 0 || b != 0) }
	}
}

// combine applies an operation to two values: to the points that both have, to the
// points of one and a number, to each series of an array and the other value, and
// to the series of two arrays of one length.
func combine(a, b Value, op func(a, b float64) float64) (Value, error) {
	switch {
	case a.Kind == Number && b.Kind == Number:
		return Value{Number: op(a.Number, b.Number)}, nil
	case b.Kind == Number:
		return a.each(func(f float64) float64 { return op(f, b.Number) }), nil
	case a.Kind == Number:
		return b.each(func(f float64) float64 { return op(a.Number, f) }), nil
	}
	out := Value{Kind: max(a.Kind, b.Kind), Labels: a.Labels}
	if a.Kind == One {
		out.Labels = b.Labels
	}
	n := max(len(a.Series), len(b.Series))
	if a.Kind == Many && b.Kind == Many && len(a.Series) != len(b.Series) {
		return Value{}, invalid("an array of %d series cannot be combined with one of %d", len(a.Series), len(b.Series))
	}
	if len(a.Series) == 0 || len(b.Series) == 0 {
		n = 0
	}
	for i := range n {
		out.Series = append(out.Series, join(at(a.Series, i), at(b.Series, i), op))
	}
	return out, nil
}

func at(ss []Series, i int) Series {
	if len(ss) == 1 {
		return ss[0]
	}
	return ss[i]
}

func join(a, b Series, op func(a, b float64) float64) Series {
	out := Series{Period: max(a.Period, b.Period)}
	for i, k := 0, 0; i < len(a.Points) && k < len(b.Points); {
		switch p, q := a.Points[i], b.Points[k]; {
		case p.At < q.At:
			i++
		case p.At > q.At:
			k++
		default:
			out.Points = append(out.Points, Point{p.At, op(p.Value, q.Value)})
			i, k = i+1, k+1
		}
	}
	return out
}

// each applies f to the number, or to all points.
func (v Value) each(f func(float64) float64) Value {
	if v.Kind == Number {
		return Value{Number: f(v.Number)}
	}
	return v.series(func(s Series) Series {
		out := Series{Period: s.Period, Points: make([]Point, len(s.Points))}
		for i, p := range s.Points {
			out.Points[i] = Point{p.At, f(p.Value)}
		}
		return out
	})
}

// series applies f to all series.
func (v Value) series(f func(Series) Series) Value {
	out := Value{Kind: v.Kind, Labels: v.Labels, Series: make([]Series, len(v.Series))}
	for i, s := range v.Series {
		out.Series[i] = f(s)
	}
	return out
}

func (s Series) filter(keep func(Point) bool) Series {
	out := Series{Period: s.Period}
	for _, p := range s.Points {
		if keep(p) {
			out.Points = append(out.Points, p)
		}
	}
	return out
}
