package otlp

import (
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// logGroups is the beginning of the groups in which applications' log records
// are: those are passed on as they came.
const logGroups = "/otlp/"

// scopeName names the platform as what has made the telemetry.
const scopeName = "github.com/nube-run/nube"

// Numbers of the fields of OTLP's messages; the names are in package message.
const (
	requestParts   = 1
	partResource   = 1
	partScopes     = 2
	scopeItself    = 1
	scopeItems     = 2
	resourceAttr   = 1
	spanAttr       = 9
	recordAttr     = 6
	summaryAttr    = 7
	metricSummary  = 11
	scopeNameNum   = 1
	scopeVersion   = 2
	summaryPoints  = 1
	quantileValues = 6
)

// grouped appends a request whose items are grouped by the service that they
// are of.
func grouped[T any](e *Exporter, items []T, service func(*T) string, more func([]byte, *T) []byte, item func([]byte, *T) []byte) []byte {
	var order []string
	of := map[string][]*T{}
	for i := range items {
		name := service(&items[i])
		if of[name] == nil {
			order = append(order, name)
		}
		of[name] = append(of[name], &items[i])
	}
	var b []byte
	for _, name := range order {
		b = message.AppendMessage(b, requestParts, func(b []byte) []byte {
			b = message.AppendMessage(b, partResource, func(b []byte) []byte {
				b = message.AppendAttr(b, resourceAttr, "service.name", name)
				b = message.AppendAttr(b, resourceAttr, "cloud.provider", "aws")
				b = message.AppendAttr(b, resourceAttr, "cloud.region", e.o.Region)
				b = message.AppendAttr(b, resourceAttr, "cloud.account.id", e.o.Account)
				b = message.AppendAttr(b, resourceAttr, "telemetry.sdk.name", "nube")
				b = message.AppendAttr(b, resourceAttr, "telemetry.sdk.language", "go")
				b = message.AppendAttr(b, resourceAttr, "telemetry.sdk.version", e.o.Version)
				if more != nil {
					b = more(b, of[name][0])
				}
				return b
			})
			return message.AppendMessage(b, partScopes, func(b []byte) []byte {
				b = message.AppendMessage(b, scopeItself, func(b []byte) []byte {
					b = message.AppendText(b, scopeNameNum, scopeName)
					return message.AppendText(b, scopeVersion, e.o.Version)
				})
				for _, it := range of[name] {
					b = message.AppendMessage(b, scopeItems, func(b []byte) []byte { return item(b, it) })
				}
				return b
			})
		})
	}
	return b
}

// logs is a request with the events of logs.
func (e *Exporter) logs(ls []record.LogEvent) []byte {
	key := func(l *record.LogEvent) string {
		if name, ok := strings.CutPrefix(l.Stream.Group, "/aws/lambda/"); ok {
			return name
		}
		return l.Stream.Group
	}
	stream := func(b []byte, l *record.LogEvent) []byte {
		b = message.AppendAttrs(b, resourceAttr, "aws.log.group.names", l.Stream.Group)
		if name, ok := strings.CutPrefix(l.Stream.Group, "/aws/lambda/"); ok {
			b = message.AppendAttr(b, resourceAttr, "faas.name", name)
		}
		return b
	}
	return grouped(e, ls, key, stream, func(b []byte, l *record.LogEvent) []byte {
		b = message.AppendFixed64(b, 1, nanos(l.Time))
		b = message.AppendMessage(b, 5, func(b []byte) []byte { return message.AppendBytes(b, 1, strings.ToValidUTF8(l.Message, "\uFFFD")) })
		b = message.AppendAttrs(b, recordAttr, "aws.log.stream.names", l.Stream.Name)
		return message.AppendFixed64(b, 11, nanos(l.Ingested))
	})
}

func nanos(i clock.Instant) uint64 { return uint64(max(0, i)) }

// points is a request with parts of metrics, named and formed as CloudWatch's
// metric streams do it in the format of OpenTelemetry 1.0.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-100.html
func (e *Exporter) points(ps []record.Point) []byte {
	now := uint64(e.o.Machine.Now().UnixNano())
	return grouped(e, ps, func(*record.Point) string { return "nube" }, nil, func(b []byte, p *record.Point) []byte {
		m := &p.Metric
		namespace := m.Namespace
		if own, ok := strings.CutPrefix(namespace, ":"); ok {
			namespace = "nube/" + own
		}
		b = message.AppendText(b, 1, "amazonaws.com/"+namespace+"/"+m.Name)
		return message.AppendMessage(b, metricSummary, func(b []byte) []byte {
			return message.AppendMessage(b, summaryPoints, func(b []byte) []byte {
				b = message.AppendFixed64(b, 2, nanos(p.At))
				b = message.AppendFixed64(b, 3, max(now, nanos(p.At)))
				b = message.AppendFixed64(b, 4, uint64(p.Stat.Count))
				b = message.AppendFloat(b, 5, p.Stat.Sum)
				for _, q := range [...]struct{ at, value float64 }{{0, p.Stat.Min}, {0.5, p.Stat.Percentile(50)}, {0.99, p.Stat.Percentile(99)}, {1, p.Stat.Max}} {
					b = message.AppendMessage(b, quantileValues, func(b []byte) []byte {
						return message.AppendFloat(message.AppendFloat(b, 1, q.at), 2, q.value)
					})
				}
				b = message.AppendAttr(b, summaryAttr, "Namespace", namespace)
				b = message.AppendAttr(b, summaryAttr, "MetricName", m.Name)
				for _, d := range m.Dims {
					b = message.AppendAttr(b, summaryAttr, d.Key, d.Value)
				}
				return b
			})
		})
	})
}

// shiftShown is how far the model's clock is from the machine's before a span
// says so.
const shiftShown = time.Second
