package cloud

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/service/apigateway"
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
	countUnit  = "Count"
	millisUnit = "Milliseconds"
	bytesUnit  = "Bytes"
)

// functionSeries is the metrics of a function, and, as Lambda has them, of all
// functions together.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
type functionSeries struct {
	invocations, errors, duration, throttles, concurrent [2]*record.Series
}

func (p *platform) function(fn arn.ARN) *functionSeries {
	if f, ok := p.functions.Load(fn); ok {
		return f.(*functionSeries)
	}
	of := func(name, unit string) [2]*record.Series {
		s := fn.Scope()
		return [2]*record.Series{p.series(s, "Lambda", name, unit, record.Attr{Key: "FunctionName", Value: fn.Name()}), p.series(s, "Lambda", name, unit)}
	}
	f, _ := p.functions.LoadOrStore(fn, &functionSeries{
		invocations: of("Invocations", countUnit), errors: of("Errors", countUnit), duration: of("Duration", millisUnit), throttles: of("Throttles", countUnit),
		concurrent: of("ConcurrentExecutions", countUnit),
	})
	return f.(*functionSeries)
}

// invoked takes an invocation that is over.
func (p *platform) invoked(u *runner.Use) {
	f, now := p.function(u.Function), p.model.Now()
	failed := 0.0
	if u.Fault != "" {
		failed = 1
	}
	for i := range f.invocations {
		f.invocations[i].Observe(now, 1)
		f.errors[i].Observe(now, failed)
		f.throttles[i].Observe(now, 0)
		f.duration[i].Observe(now, milliseconds(u.Duration))
		f.concurrent[i].Observe(now, float64(u.Underway))
	}
}

// throttled takes an invocation that was refused.
func (p *platform) throttled(fn arn.ARN) {
	f, now := p.function(fn), p.model.Now()
	for i := range f.throttles {
		f.throttles[i].Observe(now, 1)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// stageSeries is the metrics of a stage of an API, and of the API.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
type stageSeries struct {
	model                                               *clock.Model
	count, clientError, serverError, latency, integrate [2]*record.Series
}

// Stage implements [apigateway.Meter].
func (p *platform) Stage(scope arn.Scope, api, stage string) apigateway.StageMeter {
	of := func(name, unit string) [2]*record.Series {
		a := record.Attr{Key: "ApiName", Value: api}
		return [2]*record.Series{p.series(scope, "ApiGateway", name, unit, a), p.series(scope, "ApiGateway", name, unit, a, record.Attr{Key: "Stage", Value: stage})}
	}
	return &stageSeries{
		model: p.model, count: of("Count", countUnit), clientError: of("4XXError", countUnit), serverError: of("5XXError", countUnit),
		latency: of("Latency", millisUnit), integrate: of("IntegrationLatency", millisUnit),
	}
}

// Served implements [apigateway.StageMeter].
func (s *stageSeries) Served(status int, took, integration time.Duration) {
	now := s.model.Now()
	var client, server float64
	switch {
	case status >= 500:
		server = 1
	case status >= 400:
		client = 1
	}
	for i := range s.count {
		s.count[i].Observe(now, 1)
		s.clientError[i].Observe(now, client)
		s.serverError[i].Observe(now, server)
		s.latency[i].Observe(now, milliseconds(took))
		if integration > 0 {
			s.integrate[i].Observe(now, milliseconds(integration))
		}
	}
}

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
	case *sqs.ReceiveMessageRequest:
		if got, ok := out.(*sqs.ReceiveMessageResult); ok && err == nil {
			name, n := "NumberOfMessagesReceived", float64(len(got.Messages))
			if n == 0 {
				name, n = "NumberOfEmptyReceives", 1
			}
			p.queue(scope, queueName(in.QueueUrl), name, countUnit).Observe(now, n)
		}
	case *sqs.DeleteMessageRequest:
		if err == nil {
			p.queue(scope, queueName(in.QueueUrl), "NumberOfMessagesDeleted", countUnit).Observe(now, 1)
		}
	case *sqs.DeleteMessageBatchRequest:
		if done, ok := out.(*sqs.DeleteMessageBatchResult); ok && err == nil && len(done.Successful) > 0 {
			p.queue(scope, queueName(in.QueueUrl), "NumberOfMessagesDeleted", countUnit).Observe(now, float64(len(done.Successful)))
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

// queueName is the end of a queue's URL.
func queueName(url *string) string {
	u := textOf(url)
	return u[strings.LastIndexByte(u, '/')+1:]
}

// queue is a metric of a queue.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (p *platform) queue(scope arn.Scope, name, metric, unit string) *record.Series {
	return p.series(scope, "SQS", metric, unit, record.Attr{Key: "QueueName", Value: name})
}

func (p *platform) sent(scope arn.Scope, queue string, now clock.Instant, size int) {
	p.queue(scope, queue, "NumberOfMessagesSent", countUnit).Observe(now, 1)
	p.queue(scope, queue, "SentMessageSize", bytesUnit).Observe(now, float64(size))
}

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

// tableServed is a call of DynamoDB on one table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func (p *platform) tableServed(scope arn.Scope, op *schema.Op, in, out any, err error, now clock.Instant, took time.Duration) {
	table, returned := "", -1
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		table = textOf(in.TableName)
	case *dynamodb.PutItemInput:
		table = textOf(in.TableName)
	case *dynamodb.UpdateItemInput:
		table = textOf(in.TableName)
	case *dynamodb.DeleteItemInput:
		table = textOf(in.TableName)
	case *dynamodb.QueryInput:
		table = textOf(in.TableName)
		if o, ok := out.(*dynamodb.QueryOutput); ok {
			returned = len(o.Items)
		}
	case *dynamodb.ScanInput:
		table = textOf(in.TableName)
		if o, ok := out.(*dynamodb.ScanOutput); ok {
			returned = len(o.Items)
		}
	default:
		return
	}
	name := record.Attr{Key: "TableName", Value: table[strings.LastIndexByte(table, '/')+1:]}
	operation := record.Attr{Key: "Operation", Value: op.Name}
	f, coded := fault.As(err)
	switch {
	case err == nil:
		p.series(scope, "DynamoDB", "SuccessfulRequestLatency", millisUnit, operation, name).Observe(now, milliseconds(took))
		if returned >= 0 {
			p.series(scope, "DynamoDB", "ReturnedItemCount", countUnit, operation, name).Observe(now, float64(returned))
		}
	case !coded:
		p.series(scope, "DynamoDB", "SystemErrors", countUnit, operation, name).Observe(now, 1)
	case f.Code == "ProvisionedThroughputExceededException" || f.Code == "ThrottlingException":
		p.series(scope, "DynamoDB", "ThrottledRequests", countUnit, operation, name).Observe(now, 1)
	case f.Code == "ConditionalCheckFailedException":
		p.series(scope, "DynamoDB", "ConditionalCheckFailedRequests", countUnit, name).Observe(now, 1)
	default:
		p.series(scope, "DynamoDB", "UserErrors", countUnit).Observe(now, 1)
	}
}

// consumed is what a call has used of a table's capacity.
func (p *platform) consumed(table arn.ARN, read, write float64) {
	parts, now := table.Parts(), p.model.Now()
	name := record.Attr{Key: "TableName", Value: strings.TrimPrefix(parts.Resource, "table/")}
	if read > 0 {
		p.series(table.Scope(), "DynamoDB", "ConsumedReadCapacityUnits", countUnit, name).Observe(now, read)
	}
	if write > 0 {
		p.series(table.Scope(), "DynamoDB", "ConsumedWriteCapacityUnits", countUnit, name).Observe(now, write)
	}
}

// delivered is told of the attempts of deliveries: notifications of topics,
// invocations of rules' targets, and messages that others put into queues.
func (p *platform) delivered(e *delivery.Effect, err error, givenUp bool) {
	now := p.model.Now()
	switch source := arn.ARN(e.SourceARN); source.Service() {
	case "sns":
		topic := topicOf(source)
		switch {
		case err == nil:
			p.topic(topic, "NumberOfNotificationsDelivered", countUnit).Observe(now, 1)
		case givenUp:
			p.topic(topic, "NumberOfNotificationsFailed", countUnit).Observe(now, 1)
		}
	case "events":
		p.ruleInvoked(source, err, givenUp, now)
	}
	if target := arn.ARN(e.Target); err == nil && target.Service() == "sqs" {
		p.sent(target.Scope(), target.Resource(), now, len(e.Payload))
	}
}

// topicOf is the topic of a subscription's ARN, or of its own.
func topicOf(a arn.ARN) arn.ARN {
	parts := a.Parts()
	name, _, _ := strings.Cut(parts.Resource, ":")
	return a.Scope().Topic(name)
}

// ruleInvoked counts an attempt of a rule's target.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
func (p *platform) ruleInvoked(rule arn.ARN, err error, givenUp bool, now clock.Instant) {
	parts := rule.Parts()
	name, ok := strings.CutPrefix(parts.Resource, "rule/")
	if !ok {
		return
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	dim := record.Attr{Key: "RuleName", Value: name}
	p.series(rule.Scope(), "Events", "Invocations", countUnit, dim).Observe(now, 1)
	if err != nil && givenUp {
		p.series(rule.Scope(), "Events", "FailedInvocations", countUnit, dim).Observe(now, 1)
	}
}
