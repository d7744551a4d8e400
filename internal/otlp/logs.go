package otlp

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// logLine is a log record as a line of a log, with the members that the
// Collector's CloudWatch exporter gives it.
type logLine struct {
	Body       any            `json:"body,omitempty"`
	Severity   string         `json:"severity_text,omitempty"`
	Number     uint64         `json:"severity_number,omitempty"`
	Event      string         `json:"event_name,omitempty"`
	Trace      string         `json:"trace_id,omitempty"`
	Span       string         `json:"span_id,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// maxLine is the largest event of CloudWatch Logs.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const maxLine = 1 << 20

// log records a log record.
func (r *Receiver) log(from source, item []byte) error {
	in := message.ReadLogRecord(item)
	line := logLine{
		Body: message.Value(in.Body), Severity: in.SeverityText, Number: in.Severity, Event: in.Event,
		Trace: hex.EncodeToString(in.Trace), Span: hex.EncodeToString(in.Span),
	}
	if n, ok := line.Body.(float64); ok && (math.IsNaN(n) || math.IsInf(n, 0)) {
		line.Body = message.Text(in.Body)
	}
	for i := range in.Attrs {
		if line.Attributes == nil {
			line.Attributes = make(map[string]any)
		}
		a := &in.Attrs[i]
		line.Attributes[a.Key] = json.RawMessage(jsonOf(a))
	}
	text, err := json.Marshal(line)
	if err != nil {
		return &unfit{"a log record cannot be written as JSON"}
	}
	if len(text) > maxLine {
		return &unfit{fmt.Sprintf("a log record has %d bytes at most", maxLine)}
	}
	at := in.Time
	if at == 0 {
		at = in.Observed
	}
	stream := record.Stream{
		Account: r.Account, Region: r.Region, Group: logGroups + strings.Map(inGroup, from.service),
		Name: strings.Map(inStream, or(or(from.instance, from.id), "default")),
	}
	if err := r.Logs.Write(stream, from.now.of(at), text); err != nil {
		return fmt.Errorf("otlp: %w", err)
	}
	return nil
}

// jsonOf is an attribute's value as JSON.
func jsonOf(a *message.Attr) []byte {
	out, err := json.Marshal(message.Value(a.Value))
	if err != nil { // a number that JSON has not
		out, _ = json.Marshal(a.String())
	}
	return out
}

// inGroup leaves a name with the characters that names of log groups have.
func inGroup(c rune) rune {
	if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-_/#", c)) {
		return c
	}
	return '_'
}

// inStream does so for log streams.
func inStream(c rune) rune {
	if c == ':' || c == '*' {
		return '_'
	}
	return c
}
