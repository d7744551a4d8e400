package sns

import (
	"context"
	"fmt"
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Scheme implements [delivery.Receiver]: what other services send to topics.
func (s *Service) Scheme() string { return "sns" }

// Limits implements [delivery.Limiter].
func (s *Service) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1} }

// Accept implements [delivery.Accepter]: it publishes, as whoever sends.
func (s *Service) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = s.accept(ctx, &es[i])
	}
	return out
}

func (s *Service) accept(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	m, err := e.Message()
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	target, err := arn.Parse(e.Target)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	in := &shapes.PublishInput{TopicArn: &e.Target, Message: ptr(string(m.Body))}
	if m.Subject != "" {
		in.Subject = &m.Subject
	}
	if m.Group != "" {
		in.MessageGroupId = &m.Group
	}
	if m.Dedup != "" {
		in.MessageDeduplicationId = &m.Dedup
	}
	for name, a := range m.Attributes {
		if in.MessageAttributes == nil {
			in.MessageAttributes = make(map[string]shapes.MessageAttributeValue, len(m.Attributes))
		}
		v := shapes.MessageAttributeValue{DataType: &a.Type, BinaryValue: a.Binary}
		if a.Binary == nil {
			v.StringValue = &a.Text
		}
		in.MessageAttributes[name] = v
	}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: e.ID, Scope: target.Scope(), Actor: awsapi.Actor{
		Account: e.Actor.Account, UserID: e.Actor.UserID, SourceARN: arn.ARN(e.SourceARN),
		Principal: policy.Principal{ARN: arn.ARN(e.Actor.ARN), Issuer: arn.ARN(e.Actor.Issuer), Service: e.Actor.Service},
	}})
	if _, err := awsapi.Do(ctx, s.Caller, shapes.Publish, in); err != nil {
		final := refused(err)
		return delivery.Outcome{Err: fmt.Errorf("publish to %s: %w", e.Target, err), Permanent: final, Throttled: !final}
	}
	return delivery.Outcome{}
}

// refused reports whether an error is SNS's word on a message, which it would
// repeat. Its own failures and throttling pass, and count for no attempt.
func refused(err error) bool {
	f, coded := fault.As(err)
	return coded && f.Status < http.StatusInternalServerError && f.Code != "Throttling" && f.Code != "Throttled"
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = (*Service)(nil)
