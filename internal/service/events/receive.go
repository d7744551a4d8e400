package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
)

// kindRelayed marks an event that a rule sends to another bus; kindEvent one that
// another service makes. The payload of either is the event.
const (
	kindRelayed = "relayed"
	kindEvent   = "event"
)

// buses is delivery's receiver of what is sent to buses: by rules of others, and
// by services.
type buses struct{ s *Service }

// Scheme implements [delivery.Receiver].
func (buses) Scheme() string { return "events" }

// Limits implements [delivery.Limiter].
func (buses) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1, Apart: true} }

// Accept implements [delivery.Accepter]: what follows is emitted with the
// outcome, in one transaction.
func (r buses) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = r.accept(ctx, &es[i])
	}
	return out
}

func (r buses) accept(ctx context.Context, f *delivery.Effect) delivery.Outcome {
	s := r.s
	b, ok := busOfARN(f.Target)
	if !ok {
		return delivery.Outcome{Err: fmt.Errorf("%s is no event bus", f.Target), Permanent: true}
	}
	if err := s.mayPut(ctx, b, f); err != nil {
		return outcome(err)
	}
	if _, err := s.viewBus(ctx, b); err != nil {
		return outcome(err)
	}
	e, err := readEvent(b, f, s.Clock.Now())
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	e.cause = record.From(ctx)
	if dead, err := s.locked(ctx, b, []*event{e}); err != nil {
		o := outcome(err)
		if len(dead) > 0 {
			o = delivery.Outcome{Then: dead} // the bus has a dead-letter queue of its own
		}
		return o
	}
	c, err := s.consequenceOf(ctx, b, []*event{e})
	if err != nil {
		return delivery.Outcome{Err: err}
	}
	s.measure(c.rules...)
	return delivery.Outcome{Then: c.effects}
}

// readEvent is the event that an effect brings. What is none, as a record of
// Lambda's is none, becomes the detail of one.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func readEvent(b bus, f *delivery.Effect, now clock.Instant) (*event, error) {
	var doc struct {
		ID string `json:"id"`

		Request struct {
			Function  string `json:"functionArn"`
			Condition string `json:"condition"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(f.Payload, &doc); err != nil {
		return nil, fmt.Errorf("events: what %s sends is no event: %w", f.SourceARN, err)
	}
	e := &event{bus: b, at: now, relayed: f.Kind == kindRelayed}
	if f.Kind == kindRelayed || f.Kind == kindEvent {
		e.id, e.json = doc.ID, f.Payload
		return e, nil
	}
	detail, ok := compactObject(string(f.Payload))
	if !ok {
		return nil, fmt.Errorf("events: what %s sends is no JSON object", f.SourceARN)
	}
	c := content{ID: idOf(f.ID), Source: "aws", DetailType: "Event", Account: b.scope.Account, Region: b.scope.Region, Time: f.At, Detail: detail}
	if f.Actor.Account != "" {
		c.Account = f.Actor.Account
	}
	if doc.Request.Function != "" {
		result := "Failure"
		if doc.Request.Condition == "Success" {
			result = "Success"
		}
		c.Source, c.DetailType, c.Resources = "lambda", "Lambda Function Invocation Result - "+result, []string{f.Target, doc.Request.Function}
	}
	e.id, e.json = c.ID, c.encode()
	return e, nil
}

// mayPut asks whether who sends an effect may put events on a bus. EventBridge
// itself, without a role, is the account that the rule is of.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
func (s *Service) mayPut(ctx context.Context, b bus, f *delivery.Effect) error {
	who := actorOf(f)
	if who.Principal.Service == principal {
		who = awsapi.RootOf(who.Account)
	} else if err := s.assume(ctx, f); err != nil {
		return err
	}
	doc, err := s.ResourcePolicy(ctx, arn.ARN(b.arn()))
	if err != nil {
		return err
	}
	var head struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
	}
	keys := policy.KeyMap{"events:eventbusinvocation": policy.Bool(f.Kind == kindRelayed)}
	if json.Unmarshal(f.Payload, &head) == nil {
		if head.Source != "" {
			keys["events:source"] = policy.One(head.Source)
		}
		if head.DetailType != "" {
			keys["events:detail-type"] = policy.One(head.DetailType)
		}
	}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: f.ID, Scope: b.scope, Actor: who})
	return s.permitted(ctx, awsapi.Access{Action: "events:PutEvents", Resource: arn.ARN(b.arn()), Keys: keys}, doc)
}

// assume asks whether the role of a rule's target still lets itself be assumed for
// the rule. Roles that others have assumed are theirs to ask about.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
func (s *Service) assume(ctx context.Context, f *delivery.Effect) error {
	role, rule := arn.ARN(f.Actor.Issuer), arn.ARN(f.SourceARN)
	if role == "" || rule.Service() != "events" {
		return nil
	}
	ok, err := s.Roles.AssumableBy(ctx, role, principal, rule)
	if err == nil && !ok {
		err = fault.New("AccessDeniedException", "The role %s cannot be assumed by %s for %s", role, principal, rule)
	}
	return err
}

// permitted asks for a permission of the actor of ctx.
func (s *Service) permitted(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) error {
	d, err := s.front.Judge(ctx, need, docs...)
	if err != nil {
		return err
	}
	return s.front.Refuse(ctx, need, d)
}

// actorOf rebuilds who acts from an effect.
func actorOf(f *delivery.Effect) awsapi.Actor {
	return awsapi.Actor{
		Account: f.Actor.Account, UserID: f.Actor.UserID, SourceARN: arn.ARN(f.SourceARN),
		Principal: policy.Principal{ARN: arn.ARN(f.Actor.ARN), Issuer: arn.ARN(f.Actor.Issuer), Service: f.Actor.Service},
	}
}

// outcome says what an error means for an effect: what is refused, or is not
// there, is not tried again.
func outcome(err error) delivery.Outcome {
	f, ok := fault.As(err)
	return delivery.Outcome{Err: err, Permanent: ok && f.Status < 500 && f.Code != "ThrottlingException"}
}

// cutHead takes the line of JSON off a payload that begins with one.
func cutHead(payload []byte, head any) ([]byte, error) {
	line, rest, ok := bytes.Cut(payload, []byte("\n"))
	if !ok {
		return nil, fmt.Errorf("events: a payload without a head")
	}
	if err := json.Unmarshal(line, head); err != nil {
		return nil, fmt.Errorf("events: head of a payload: %w", err)
	}
	return rest, nil
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = buses{}
