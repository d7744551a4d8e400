package events

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/delivery"
)

// How often a target is tried, unless it says otherwise.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const (
	defaultRetries = 185
	defaultAge     = 24 * time.Hour
	firstPause     = time.Second
	lastPause      = 10 * time.Minute
)

// outlet is a target, ready for use.
type outlet struct {
	target
	input input
}

// consequence is what events of one bus set off.
type consequence struct {
	rules   [][]*indexed // of each event
	effects []delivery.Effect
	seen    []byte // the bus's count of changes up to which the rules are known
}

// consequenceOf finds out what events of one bus set off.
func (s *Service) consequenceOf(ctx context.Context, b bus, es []*event) (*consequence, error) {
	var c consequence
	var err error
	if c.rules, c.seen, err = s.match(ctx, b, es); err != nil {
		return nil, err
	}
	for i, e := range es {
		if c.effects, err = appendEffects(c.effects, e, c.rules[i]); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// measure tells the meter of what was set off.
func (s *Service) measure(events ...[]*indexed) {
	if s.Meter == nil {
		return
	}
	for _, rules := range events {
		if len(rules) == 0 {
			continue
		}
		names := make([]arn.ARN, len(rules))
		for i, r := range rules {
			names[i] = arn.ARN(r.arn())
		}
		s.Meter.Matched(names)
	}
}

// appendEffects appends what brings an event to the targets of rules.
func appendEffects(out []delivery.Effect, e *event, rules []*indexed) ([]delivery.Effect, error) {
	for _, r := range rules {
		for _, t := range r.targets {
			if e.relayed && isService(t.ARN, "events") && arn.ARN(t.ARN).ResourceType() == "event-bus" {
				continue // it does not go on to a third bus
			}
			f, err := t.effect(e, r.rule)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// effect is what brings an event to a target of a rule.
func (t *outlet) effect(e *event, r rule) (delivery.Effect, error) {
	payload := t.input.render(e, r)
	f := delivery.Effect{
		Cell: r.bus.cell(), Target: t.ARN, ID: idOf(e.id, r.arn(), t.ID), Cause: e.cause, At: e.at, Payload: payload, SourceARN: r.arn(),
		Actor: t.actor(r), Policy: t.policy(),
	}
	a := arn.ARN(t.ARN)
	var head any
	switch a.Service() {
	case "lambda", "sns":
	case "sqs":
		m := delivery.Message{Group: t.Group}
		line, err := m.Head()
		if err != nil {
			return f, err
		}
		f.Kind, f.Head = delivery.KindMessage, line
	case "logs":
		f.Target, head = logsScheme+":"+t.ARN, logHead{Event: e.id}
	case "events":
		switch a.ResourceType() {
		case "event-bus":
			f.Kind = kindRelayed
		case "archive":
			f.Target = archiveScheme + ":" + t.ARN
		default:
			f.Target, head = httpScheme+":"+t.ARN, callHead{Parameters: t.HTTP.of(e.json)}
		}
	default:
		return f, fmt.Errorf("events: nothing delivers to %s", t.ARN)
	}
	if head != nil {
		line, err := json.Marshal(head)
		if err != nil {
			return f, fmt.Errorf("events: effect: %w", err)
		}
		f.Head = append(line, '\n')
	}
	return f, nil
}

// policy is how long a target is tried.
func (t *target) policy() delivery.Policy {
	p := delivery.Policy{MaxAttempts: 1 + defaultRetries, MaxAge: defaultAge, Backoff: firstPause, MaxBackoff: lastPause}
	if t.Retries != nil {
		p.MaxAttempts = 1 + int(*t.Retries)
	}
	if t.Age != nil {
		p.MaxAge = time.Duration(*t.Age) * time.Second
	}
	if t.DeadLetter != "" {
		p.DeadLetter = deadScheme + ":" + t.DeadLetter
	}
	return p
}

// actor is who acts on a target: EventBridge for the rule, as the target's
// resource policy lets it, or the target's role with the role's policies.
func (t *target) actor(r rule) delivery.ActorRef {
	if t.Role == "" {
		return delivery.ActorRef{Account: r.bus.scope.Account, Service: principal}
	}
	role := arn.ARN(t.Role)
	scope := arn.Scope{Partition: role.Partition(), Account: role.Account()}
	return delivery.ActorRef{Account: role.Account(), ARN: string(scope.AssumedRole(role.Name(), session(r))), Issuer: t.Role}
}

// session is how a role's session is called that acts for a rule.
func session(r rule) string {
	const prefix = "events-"
	name := strings.ReplaceAll(r.name, "/", "-")
	return prefix + name[:min(len(name), 64-len(prefix))]
}
