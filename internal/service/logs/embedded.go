package logs

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// Limits of the embedded metric format.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	maxEmbedded       = 100 // metrics of a directive, and values of one
	maxEmbeddedDims   = 30
	maxEmbeddedLength = 1 << 20
)

// embedded records the metrics that an event holds in the embedded format. What
// breaks the specification is passed over, as CloudWatch does: the event stays in
// its log.
func (s *Service) embedded(of record.Stream, e Written) {
	message := strings.TrimLeft(e.Message, " \t\r\n")
	if !strings.HasPrefix(message, "{") || !strings.Contains(message, `"CloudWatchMetrics"`) || len(message) > maxEmbeddedLength {
		return
	}
	var root map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &root) != nil {
		return
	}
	var meta struct {
		Timestamp  *int64
		Directives []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct {
				Name, Unit        string
				StorageResolution int
			}
		} `json:"CloudWatchMetrics"`
	}
	if json.Unmarshal(root["_aws"], &meta) != nil {
		return
	}
	at := e.At
	if meta.Timestamp != nil {
		at = clock.UnixMilli(*meta.Timestamp)
	}
	if now := s.clock.Now(); at < now.Add(-maxAge) || at > now.Add(maxFuture) {
		return
	}
	for _, d := range meta.Directives {
		if d.Namespace == "" || d.Namespace[0] == ':' || strings.HasPrefix(d.Namespace, "AWS/") || len(d.Metrics) > maxEmbedded {
			continue
		}
		sets := d.Dimensions
		if len(sets) == 0 {
			sets = [][]string{nil}
		}
		for _, set := range sets {
			dims, ok := embeddedDimensions(root, set)
			if !ok {
				continue
			}
			for _, m := range d.Metrics {
				st, ok := embeddedValues(root[m.Name])
				if !ok {
					continue
				}
				s.metrics.Series(record.Metric{
					Account: of.Account, Region: of.Region, Namespace: d.Namespace, Name: m.Name, Dims: dims, Unit: unitOf(&m.Unit), Fine: m.StorageResolution == 1,
				}).Merge(at, st)
			}
		}
	}
}

// embeddedDimensions are the members that a set of dimensions names, all of them
// texts.
func embeddedDimensions(root map[string]json.RawMessage, names []string) ([]record.Attr, bool) {
	if len(names) > maxEmbeddedDims {
		return nil, false
	}
	var dims []record.Attr
	for _, n := range names {
		var v string
		if json.Unmarshal(root[n], &v) != nil || v == "" || n == "" || n[0] < ' ' {
			return nil, false
		}
		dims = append(dims, record.Attr{Key: n, Value: v})
	}
	return dims, true
}

// embeddedValues is a number or a list of numbers.
func embeddedValues(raw json.RawMessage) (record.Stat, bool) {
	var one float64
	if json.Unmarshal(raw, &one) == nil && string(raw) != "null" {
		return record.StatOf(one), !math.IsNaN(one)
	}
	var many []float64
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 || len(many) > maxEmbedded {
		return record.Stat{}, false
	}
	var st record.Stat
	for _, v := range many {
		o := record.StatOf(v)
		st.Add(&o)
	}
	return st, true
}
