package cloud

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/sqs"
)

// queueName is the end of a queue's URL.
func queueName(url *string) string {
	u := textOf(url)
	return u[strings.LastIndexByte(u, '/')+1:]
}

// queue is a metric of a queue.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (p *platform) queue(scope arn.Scope, name, metric, unit string) *record.Series {
	return p.series(scope, "SQS", metric, unit, record.Attr{Key: queueDimension, Value: name})
}

const queueDimension = "QueueName"

func (p *platform) sent(scope arn.Scope, queue string, now clock.Instant, size int) {
	p.queue(scope, queue, "NumberOfMessagesSent", countUnit).Observe(now, 1)
	p.queue(scope, queue, "SentMessageSize", bytesUnit).Observe(now, float64(size))
}

// received is told of a receive, of a call or of a mapping, which looks when there may
// be messages and does not poll.
func (p *platform) received(queue arn.ARN, messages int) {
	name, n := "NumberOfMessagesReceived", float64(messages)
	if messages == 0 {
		name, n = "NumberOfEmptyReceives", 1
	}
	p.queue(queue.Scope(), queue.Resource(), name, countUnit).Observe(p.model.Now(), n)
}

func (p *platform) deleted(queue arn.ARN, messages int) {
	p.queue(queue.Scope(), queue.Resource(), "NumberOfMessagesDeleted", countUnit).Observe(p.model.Now(), float64(messages))
}

// Gauges of queues.
const (
	visibleGauge  = "ApproximateNumberOfMessagesVisible"
	inFlightGauge = "ApproximateNumberOfMessagesNotVisible"
	delayedGauge  = "ApproximateNumberOfMessagesDelayed"
	oldestGauge   = "ApproximateAgeOfOldestMessage"
)

// depth takes what a queue held at the end of a minute.
func (p *platform) depth(queue arn.ARN, minute clock.Instant, d sqs.Depth) {
	scope, name := queue.Scope(), queue.Resource()
	p.queue(scope, name, visibleGauge, countUnit).Observe(minute, float64(d.Visible))
	p.queue(scope, name, inFlightGauge, countUnit).Observe(minute, float64(d.InFlight))
	p.queue(scope, name, delayedGauge, countUnit).Observe(minute, float64(d.Delayed))
	p.queue(scope, name, oldestGauge, secondsUnit).Observe(minute, float64(int64(d.Oldest.Seconds())))
}

// gauges are the metrics that are measured when somebody asks for them: those of what
// queues hold.
type gauges struct{ sqs *sqs.Service }

// Look implements [cloudwatch.Gauges].
func (g gauges) Look(ctx context.Context, scope arn.Scope, namespace, name string, dims []record.Attr) error {
	switch name {
	case "", visibleGauge, inFlightGauge, delayedGauge, oldestGauge:
	default:
		return nil
	}
	if namespace != "" && namespace != "AWS/SQS" {
		return nil
	}
	queue := ""
	for _, d := range dims {
		if d.Key == queueDimension {
			queue = d.Value
		}
	}
	return g.sqs.Look(ctx, scope, queue)
}
