package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/delivery"
)

// redriveScheme is that of targets which are queues for what functions did not
// get.
const redriveScheme = "sns-redrive"

// Redrive is delivery's receiver of what Lambda does not take: it makes the
// envelope of the event, as AWS does, and sends it to the queue after the scheme.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
type Redrive struct{}

// Scheme implements [delivery.Receiver].
func (Redrive) Scheme() string { return redriveScheme }

// Accept implements [delivery.Accepter].
func (Redrive) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		e := &es[i]
		body, err := envelopeOf(e.Payload)
		if err != nil {
			out[i] = delivery.Outcome{Err: err, Permanent: true}
			continue
		}
		_, queue, _ := strings.Cut(e.Target, ":")
		out[i].Then = []delivery.Effect{{
			Cell: e.Cell, Target: queue, Payload: body, Actor: e.Actor, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
		}}
	}
	return out
}

// envelopeOf makes an envelope of an event for a function.
func envelopeOf(event []byte) ([]byte, error) {
	var doc struct {
		Records []struct {
			Sns struct {
				Type, MessageID, TopicArn   string
				Subject                     *string
				Message, Timestamp          string
				SignatureVersion, Signature string
				SigningCertURL              string `json:"SigningCertUrl"`
				UnsubscribeURL              string `json:"UnsubscribeUrl"`
				MessageAttributes           json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(event, &doc); err != nil || len(doc.Records) != 1 {
		return nil, errors.Join(fmt.Errorf("sns: not the event of one message"), err)
	}
	m := &doc.Records[0].Sns
	b := wire.AppendString([]byte(`{"Type":`), m.Type)
	b = member(b, "MessageId", m.MessageID)
	b = member(b, "TopicArn", m.TopicArn)
	if m.Subject != nil {
		b = member(b, "Subject", *m.Subject)
	}
	for _, f := range [...][2]string{
		{"Message", m.Message}, {"Timestamp", m.Timestamp}, {"SignatureVersion", m.SignatureVersion}, {"Signature", m.Signature},
		{"SigningCertURL", m.SigningCertURL}, {"UnsubscribeURL", m.UnsubscribeURL},
	} {
		b = member(b, f[0], f[1])
	}
	if len(m.MessageAttributes) > len("{}") {
		b = append(append(b, `,"MessageAttributes":`...), m.MessageAttributes...)
	}
	return append(b, '}'), nil
}

var _ delivery.Accepter = Redrive{}
