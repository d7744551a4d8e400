package cloud

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/record"
)

// event counts n in a metric of EventBridge: of a rule, and, as some are, of all that
// there is. Those of a bus of one's own name the bus as well.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
func (p *platform) event(rule arn.ARN, metric string, now clock.Instant, ofAll bool) {
	parts := rule.Parts()
	path, ok := strings.CutPrefix(parts.Resource, "rule/")
	if !ok {
		return
	}
	var dims []record.Attr
	if bus, name, ok := strings.Cut(path, "/"); ok {
		dims, path = append(dims, record.Attr{Key: "EventBusName", Value: bus}), name
	}
	dims = append(dims, record.Attr{Key: "RuleName", Value: path})
	p.series(rule.Scope(), "Events", metric, countUnit, dims...).Observe(now, 1)
	if ofAll {
		p.series(rule.Scope(), "Events", metric, countUnit).Observe(now, 1)
	}
}

// Matched implements events.Meter. MatchedEvents without a dimension counts the event
// once, whatever the number of rules.
func (p *platform) Matched(rules []arn.ARN) {
	now := p.model.Now()
	for i, r := range rules {
		p.event(r, "MatchedEvents", now, i == 0)
		p.event(r, "TriggeredRules", now, false)
	}
}

// ruleInvoked counts an attempt of a rule's target: attempts that are made again count
// as one, when they succeed or fail for good.
func (p *platform) ruleInvoked(rule arn.ARN, e *delivery.Effect, err error, givenUp bool, now clock.Instant) {
	switch {
	case err != nil && !givenUp:
	case isDeadLetter(e) && err == nil:
		p.event(rule, "InvocationsSentToDlq", now, false)
	case isDeadLetter(e):
		p.event(rule, "InvocationsFailedToBeSentToDlq", now, false)
	default:
		p.event(rule, "Invocations", now, true)
		if err != nil {
			p.event(rule, "FailedInvocations", now, false)
		}
	}
}
