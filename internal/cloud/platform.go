package cloud

import (
	"context"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// platform records what the platform measures of itself, under AWS's names. What is
// observed often keeps its series.
type platform struct {
	metrics *record.Metrics
	model   *clock.Model

	functions sync.Map // ARN of a function → *functionSeries
}

// series is a metric of a resource: its name space without "AWS/", its name, its
// unit and its dimensions.
func (p *platform) series(s arn.Scope, namespace, name, unit string, dims ...record.Attr) *record.Series {
	return p.metrics.Series(record.Metric{Account: s.Account, Region: s.Region, Namespace: "AWS/" + namespace, Name: name, Unit: unit, Dims: dims})
}

// Units of metrics.
const (
	countUnit   = "Count"
	secondsUnit = "Seconds"
	millisUnit  = "Milliseconds"
	bytesUnit   = "Bytes"
)

// Served implements [awsapi.Meter].
func (p *platform) Served(ctx context.Context, op *schema.Op, in, out any, err error, took time.Duration) {
	scope, now := awsapi.From(ctx).Scope, p.model.Now()
	switch in := in.(type) {
	case *sqs.SendMessageRequest:
		if err == nil {
			p.sent(scope, queueName(in.QueueUrl), now, len(textOf(in.MessageBody)))
		}
	case *sqs.SendMessageBatchRequest:
		if sent, ok := out.(*sqs.SendMessageBatchResult); ok && err == nil {
			sizes := make(map[string]int, len(in.Entries))
			for _, e := range in.Entries {
				sizes[textOf(e.Id)] = len(textOf(e.MessageBody))
			}
			for _, e := range sent.Successful {
				p.sent(scope, queueName(in.QueueUrl), now, sizes[textOf(e.Id)])
			}
		}
	case *sns.PublishInput:
		if err == nil && in.TopicArn != nil {
			p.published(arn.ARN(*in.TopicArn), now, len(textOf(in.Message)))
		}
	case *sns.PublishBatchInput:
		if sent, ok := out.(*sns.PublishBatchResponse); ok && err == nil {
			sizes := make(map[string]int, len(in.PublishBatchRequestEntries))
			for _, e := range in.PublishBatchRequestEntries {
				sizes[textOf(e.Id)] = len(textOf(e.Message))
			}
			for _, e := range sent.Successful {
				p.published(arn.ARN(textOf(in.TopicArn)), now, sizes[textOf(e.Id)])
			}
		}
	default:
		p.tableServed(scope, op, in, out, err, now, took)
	}
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
