package insights

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

type (
	fieldsCommand  []column
	displayCommand []column
	filterCommand  struct{ cond expr }
	limitCommand   float64
	dedupCommand   []column
	sortCommand    []sortKey
	sortKey        struct {
		expr expr
		down bool
	}
	parseCommand struct {
		of    field
		re    *regexp.Regexp
		names []string
	}
	statsCommand struct {
		aggregates []aggregate
		by         []column
	}
	aggregate struct {
		fn, name string
		of       expr // nil of count(*)
		percent  float64
	}
)

// extend gives each row the columns that it does not have.
func extend(t *table, cs []column) {
	for i, r := range t.rows {
		var next Row
		for _, c := range cs {
			if f, plain := c.expr.(field); plain && string(f) == c.name {
				continue
			}
			if next == nil {
				next = maps.Clone(r)
			}
			next[c.name] = c.expr.of(r)
		}
		if next != nil {
			t.rows[i] = next
		}
	}
}

func (c fieldsCommand) run(t *table) {
	extend(t, c)
	for _, col := range c {
		if !slices.Contains(t.shown, col.name) {
			t.shown = append(t.shown, col.name)
		}
	}
}

func (c displayCommand) run(t *table) {
	extend(t, c)
	t.shown = nil
	for _, col := range c {
		t.shown = append(t.shown, col.name)
	}
}

func (c filterCommand) run(t *table) {
	t.rows = slices.DeleteFunc(t.rows, func(r Row) bool { return !truth(c.cond.of(r)) })
}

func (c limitCommand) run(t *table) { t.rows = t.rows[:min(len(t.rows), int(c))] }

// dedup keeps the first row of each that has the same values, and those that have
// none.
func (c dedupCommand) run(t *table) {
	seen := make(map[string]bool)
	t.rows = slices.DeleteFunc(t.rows, func(r Row) bool {
		var key strings.Builder
		for _, col := range c {
			v := col.expr.of(r)
			if v == nil {
				return false
			}
			key.WriteString(str(v) + "\x00")
		}
		was := seen[key.String()]
		seen[key.String()] = true
		return was
	})
}

func (c sortCommand) run(t *table) {
	slices.SortStableFunc(t.rows, func(a, b Row) int {
		for _, k := range c {
			if d := compareValues(k.expr.of(a), k.expr.of(b)); d != 0 {
				if k.down {
					return -d
				}
				return d
			}
		}
		return 0
	})
}

func (c parseCommand) run(t *table) {
	for i, r := range t.rows {
		m := c.re.FindStringSubmatch(str(c.of.of(r)))
		if m == nil {
			continue
		}
		next := maps.Clone(r)
		for k, n := range c.names {
			if n != "" {
				next[n] = m[k+1]
			}
		}
		t.rows[i] = next
	}
}

func (c statsCommand) run(t *table) {
	type group struct {
		row  Row
		rows []Row
	}
	groups := make(map[string]*group)
	var order []*group
	for _, r := range t.rows {
		row := Row{}
		var key strings.Builder
		for _, b := range c.by {
			v := b.expr.of(r)
			row[b.name] = v
			key.WriteString(str(v) + "\x00")
		}
		g := groups[key.String()]
		if g == nil {
			g = &group{row: row}
			groups[key.String()] = g
			order = append(order, g)
		}
		g.rows = append(g.rows, r)
	}
	if len(c.by) == 0 && len(order) == 0 {
		order = []*group{{row: Row{}}}
	}
	t.rows, t.shown = nil, nil
	for _, b := range c.by {
		t.shown = append(t.shown, b.name)
	}
	for _, a := range c.aggregates {
		t.shown = append(t.shown, a.name)
	}
	for _, g := range order {
		for _, a := range c.aggregates {
			g.row[a.name] = a.value(g.rows)
		}
		t.rows = append(t.rows, g.row)
	}
}

// value is the aggregate of the rows of a group, which are the newest first.
func (a aggregate) value(rows []Row) any {
	if a.of == nil {
		return float64(len(rows))
	}
	var vs []any
	var ns []float64
	var sum float64
	for _, r := range rows {
		v := a.of.of(r)
		if v == nil {
			continue
		}
		vs = append(vs, v)
		if n, ok := num(v); ok {
			ns = append(ns, n)
			sum += n
		}
	}
	switch a.fn {
	case "count":
		return float64(len(vs))
	case "count_distinct":
		distinct := make(map[string]bool)
		for _, v := range vs {
			distinct[str(v)] = true
		}
		return float64(len(distinct))
	}
	if len(vs) == 0 {
		return nil
	}
	switch a.fn {
	case "latest":
		return vs[0]
	case "earliest":
		return vs[len(vs)-1]
	case "min", "sortsfirst":
		return slices.MinFunc(vs, compareValues)
	case "max", "sortslast":
		return slices.MaxFunc(vs, compareValues)
	}
	if len(ns) == 0 {
		return nil
	}
	mean := sum / float64(len(ns))
	switch a.fn {
	case "sum":
		return sum
	case "avg":
		return mean
	case "stddev":
		var squares float64
		for _, n := range ns {
			squares += (n - mean) * (n - mean)
		}
		return math.Sqrt(squares / float64(len(ns)))
	}
	percent := a.percent
	if a.fn == "median" {
		percent = 50
	}
	slices.Sort(ns)
	return ns[min(len(ns)-1, max(0, int(math.Ceil(percent/100*float64(len(ns))))-1))]
}
