package sources

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
)

// arrivalForm is how the time of a record is written: without a fraction of a
// second if it has none.
const arrivalForm = "2006-01-02T15:04:05.999Z"

// patience is for how long the description of a failed batch is tried to be
// delivered.
const patience = 6 * time.Hour

// failure returns the effect that tells a mapping's destination of records that
// were given up. It has not the records but says where they lie in the stream.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html#dynamodb-on-failure-destination-example-sns-sqs
func (l *lane) failure(g *given, reader delivery.ActorRef, now clock.Instant) (delivery.Effect, error) {
	type requestContext struct {
		RequestID string    `json:"requestId"`
		Function  string    `json:"functionArn"`
		Condition condition `json:"condition"`
		Count     int       `json:"approximateInvokeCount"`
	}
	type responseContext struct {
		Status  int    `json:"statusCode"`
		Version string `json:"executedVersion"`
		Error   string `json:"functionError"`
	}
	type batchInfo struct {
		Shard  string `json:"shardId"`
		Start  string `json:"startSequenceNumber"`
		End    string `json:"endSequenceNumber"`
		First  string `json:"approximateArrivalOfFirstRecord"`
		Last   string `json:"approximateArrivalOfLastRecord"`
		Size   int    `json:"batchSize"`
		Stream string `json:"streamArn"`
	}
	first, last := &g.records[0], &g.records[len(g.records)-1]
	var response *responseContext
	if g.request != "" {
		response = &responseContext{200, g.version, "Unhandled"}
	}
	type field struct {
		name  string
		value any
	}
	doc := []byte{'{'}
	for i, f := range []field{
		{"requestContext", requestContext{g.request, string(l.m.Function), g.why, g.attempts}},
		{"responseContext", response},
		{"version", "1.0"},
		{"timestamp", now.Time().Format("2006-01-02T15:04:05.000Z")},
		{l.source.BatchInfo(), batchInfo{
			l.shard.ID, first.Sequence, last.Sequence, first.At.Time().Format(arrivalForm), last.At.Time().Format(arrivalForm),
			len(g.records), string(l.m.Source),
		}},
	} {
		if f.value == (*responseContext)(nil) {
			continue
		}
		b, err := json.Marshal(f.value)
		if err != nil {
			return delivery.Effect{}, fmt.Errorf("description of a failed batch: %w", err)
		}
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = fmt.Appendf(doc, "%q:%s", f.name, b)
	}
	return delivery.Effect{
		Cell: l.m.Cell, Target: l.m.OnFailure, Payload: append(doc, '}'), Actor: reader, SourceARN: string(l.m.Function), Cause: first.Cause, At: now,
		Policy: delivery.Policy{MaxAge: patience},
	}, nil
}
