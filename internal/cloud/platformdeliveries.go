package cloud

import (
	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/delivery"
)

// delivered is told of the attempts of deliveries: notifications of topics,
// invocations of rules' targets, what functions leave to destinations and dead-letter
// queues, and messages that others put into queues.
func (p *platform) delivered(e *delivery.Effect, err error, givenUp bool) {
	now := p.model.Now()
	switch source := arn.ARN(e.SourceARN); source.Service() {
	case "sns":
		p.notified(source, e, err, givenUp, now)
	case "events":
		p.ruleInvoked(source, e, err, givenUp, now)
	case "lambda":
		if err != nil {
			p.notTold(source, e, now)
		}
	}
	if target := arn.ARN(e.Target); err == nil && target.Service() == "sqs" {
		p.sent(target.Scope(), target.Resource(), now, len(e.Payload))
	}
}

// isDeadLetter tells dead letters of topics and rules from what they send: that is
// tried as often as its subscription or target says, which dead letters have not.
func isDeadLetter(e *delivery.Effect) bool { return e.Policy == (delivery.Policy{}) }
