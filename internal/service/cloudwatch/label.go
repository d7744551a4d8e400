package cloudwatch

import (
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/service/cloudwatch/metricmath"
)

// A label may have parts that are filled in: ${LABEL}, statistics of the series
// and properties of its metric.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html

// checkLabel refuses the parts of labels that are not offered.
func checkLabel(label string) error {
	var bad string
	expand(label, func(part string) string {
		switch name, prop := property(part); {
		case name != "":
			switch name {
			case "AccountId", "MetricName", "Namespace", "Period", "Region", "Stat":
			default:
				if !strings.HasPrefix(name, "Dim.") {
					bad = part
				}
			}
		case prop:
			bad = part
		default:
			switch part {
			case "LABEL", "AVG", "DATAPOINT_COUNT", "FIRST", "LAST", "MAX", "MIN", "SUM":
			default:
				bad = part
			}
		}
		return ""
	})
	if bad != "" {
		return validation("nube does not fill ${%s} in labels.", bad)
	}
	return nil
}

// property is the name in PROP('name').
func property(part string) (name string, is bool) {
	rest, is := strings.CutPrefix(part, "PROP(")
	if !is {
		return "", false
	}
	return strings.Trim(strings.TrimSuffix(rest, ")"), "'\" "), true
}

// expand replaces the parts ${…} of a text.
func expand(text string, with func(part string) string) string {
	var b strings.Builder
	for {
		head, rest, ok := strings.Cut(text, "${")
		b.WriteString(head)
		part, tail, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			if ok {
				b.WriteString("${" + rest)
			}
			return b.String()
		}
		b.WriteString(with(part))
		text = tail
	}
}

// labelOf is the label of a series of an entry, name that which it has by itself.
func labelOf(e *entry, name string, s metricmath.Series) string {
	if e.label == nil {
		return name
	}
	return expand(*e.label, func(part string) string {
		if prop, ok := property(part); ok {
			return e.property(prop)
		}
		if part == "LABEL" {
			return name
		}
		return summary(part, s.Points)
	})
}

func (e *entry) property(name string) string {
	switch name {
	case "AccountId":
		return e.sel.scope.Account
	case "Region":
		return e.sel.scope.Region
	case "MetricName":
		return e.sel.name
	case "Namespace":
		return e.sel.namespace
	case "Stat":
		return e.statName
	case "Period":
		return strconv.Itoa(int(e.sel.period / time.Second))
	}
	for _, d := range e.sel.dims {
		if "Dim."+d.Key == name {
			return d.Value
		}
	}
	return ""
}

// summary is a statistic over the points of a series.
func summary(part string, ps []metricmath.Point) string {
	if part == "DATAPOINT_COUNT" {
		return strconv.Itoa(len(ps))
	}
	if len(ps) == 0 {
		return "--"
	}
	first, last := ps[0].Value, ps[len(ps)-1].Value
	least, most, sum := first, first, 0.0
	for _, p := range ps {
		least, most, sum = min(least, p.Value), max(most, p.Value), sum+p.Value
	}
	v := sum
	switch part {
	case "AVG":
		v = sum / float64(len(ps))
	case "FIRST":
		v = first
	case "LAST":
		v = last
	case "MAX":
		v = most
	case "MIN":
		v = least
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
