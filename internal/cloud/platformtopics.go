package cloud

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/record"
)

// topic is a metric of a topic.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
func (p *platform) topic(t arn.ARN, metric, unit string) *record.Series {
	parts := t.Parts()
	return p.series(t.Scope(), "SNS", metric, unit, record.Attr{Key: "TopicName", Value: parts.Resource})
}

func (p *platform) published(t arn.ARN, now clock.Instant, size int) {
	p.topic(t, "NumberOfMessagesPublished", countUnit).Observe(now, 1)
	p.topic(t, "PublishSize", bytesUnit).Observe(now, float64(size))
}

// Filtered implements sns.Meter: all that was rejected, and by the reason.
func (p *platform) Filtered(t arn.ARN, why string, n int) {
	now := p.model.Now()
	for _, metric := range [...]string{"NumberOfNotificationsFilteredOut", "NumberOfNotificationsFilteredOut-" + why} {
		p.topic(t, metric, countUnit).Observe(now, float64(n))
	}
}

// notified counts an attempt of a notification: of an HTTP endpoint each that fails, of
// others those after which there is no other.
func (p *platform) notified(source arn.ARN, e *delivery.Effect, err error, givenUp bool, now clock.Instant) {
	topic, metric := topicOf(source), ""
	_, web := strings.CutPrefix(e.Target, "http")
	switch {
	case isDeadLetter(e) && !strings.HasPrefix(e.Target, "arn:"): // on its way to the queue
		return
	case isDeadLetter(e) && err == nil:
		metric = "NumberOfNotificationsRedrivenToDlq"
	case isDeadLetter(e) && givenUp:
		metric = "NumberOfNotificationsFailedToRedriveToDlq"
	case isDeadLetter(e):
		return
	case err == nil:
		metric = "NumberOfNotificationsDelivered"
	case givenUp || web:
		metric = "NumberOfNotificationsFailed"
	default:
		return
	}
	p.topic(topic, metric, countUnit).Observe(now, 1)
}

// topicOf is the topic of a subscription's ARN, or of its own.
func topicOf(a arn.ARN) arn.ARN {
	parts := a.Parts()
	name, _, _ := strings.Cut(parts.Resource, ":")
	return a.Scope().Topic(name)
}
