package cloud

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	service "github.com/nube-run/nube/internal/service/sqs"
	"github.com/nube-run/nube/internal/sources"
)

// newPlatform measures into records in memory.
func newPlatform(t testing.TB) (*platform, *record.Recorder) {
	model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_772_366_400, 0)})
	rec, err := record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rec.Close() })
	return &platform{metrics: rec.Metrics, model: model}, rec
}

// What is measured has AWS's names, dimensions and units.
func TestPlatformMetrics(t *testing.T) {
	p, rec := newPlatform(t)
	scope := arn.In("us-east-1", "123456789012")
	ctx := awsapi.With(t.Context(), &awsapi.Call{Scope: scope})
	s := func(v string) *string { return &v }
	p.invoked(&runner.Use{Function: scope.Function("f"), Duration: 20 * time.Millisecond, Fault: "Error", Underway: 2})
	p.throttled(scope.Function("f"))
	stage := p.Stage(scope, "api", "dev")
	stage.Served(200, 30*time.Millisecond, 20*time.Millisecond)
	stage.Served(404, time.Millisecond, 0)
	url := s("http://127.0.0.1/123456789012/q")
	p.Served(ctx, nil, &sqs.SendMessageRequest{QueueUrl: url, MessageBody: s("hello")}, nil, nil, 0)
	p.received(scope.Queue("q"), 0)
	p.received(scope.Queue("q"), 3)
	p.deleted(scope.Queue("q"), 2)
	p.depth(scope.Queue("q"), p.model.Now(), service.Depth{Visible: 4, InFlight: 3, Delayed: 2, Oldest: 61_900 * time.Millisecond})
	http := p.HTTPStage(scope, "a1b2c3", "$default")
	http.Served(503, 30*time.Millisecond, 20*time.Millisecond, 77)
	p.Filtered(scope.Topic("t"), "NoMessageAttributes", 2)
	p.Matched([]arn.ARN{scope.Rule("default", "r"), scope.Rule("orders", "s")})
	p.Read(&sources.Mapping{Function: scope.Function("f")}, 1500*time.Millisecond)
	p.Served(ctx, nil, &sns.PublishInput{TopicArn: s(string(scope.Topic("t"))), Message: s("hi")}, nil, nil, 0)
	p.Served(ctx, &schema.Op{Name: "Query"}, &dynamodb.QueryInput{TableName: s("t")}, &dynamodb.QueryOutput{}, nil, 5*time.Millisecond)
	p.consumed(scope.Table("t"), 0.5, 0)
	no, tried := errors.New("no"), delivery.Policy{MaxAttempts: 3}
	topic, rule, other, fn := string(scope.Topic("t")), string(scope.Rule("default", "r")), string(scope.Rule("orders", "s")), string(scope.Function("f"))
	dead := string(scope.Queue("dead"))
	p.delivered(&delivery.Effect{SourceARN: topic, Target: string(scope.Queue("q")), Payload: []byte("xyz"), Policy: tried}, nil, false)
	p.delivered(&delivery.Effect{SourceARN: topic, Target: "https://example.com", Policy: tried}, no, false)
	p.delivered(&delivery.Effect{SourceARN: topic, Target: fn, Policy: tried}, no, false) // it is tried again
	p.delivered(&delivery.Effect{SourceARN: topic, Target: fn, Policy: tried}, no, true)
	p.delivered(&delivery.Effect{SourceARN: topic, Target: dead, Kind: delivery.KindMessage}, nil, false)
	p.delivered(&delivery.Effect{SourceARN: topic, Target: dead, Kind: delivery.KindMessage}, no, true)
	p.delivered(&delivery.Effect{SourceARN: topic, Target: "sns-redrive:" + dead}, nil, false)
	p.delivered(&delivery.Effect{SourceARN: rule, Target: fn, Policy: tried}, no, false)
	p.delivered(&delivery.Effect{SourceARN: rule, Target: fn, Policy: tried}, no, true)
	p.delivered(&delivery.Effect{SourceARN: rule, Target: dead, Kind: delivery.KindMessage}, nil, false)
	p.delivered(&delivery.Effect{SourceARN: other, Target: dead, Kind: delivery.KindMessage, Policy: tried}, nil, false)
	p.delivered(&delivery.Effect{SourceARN: other, Target: dead, Kind: delivery.KindMessage}, no, true)
	p.delivered(&delivery.Effect{SourceARN: fn, Target: dead, Kind: delivery.KindMessage}, no, true)
	p.delivered(&delivery.Effect{SourceARN: fn, Target: topic}, no, false)
	p.delivered(&delivery.Effect{SourceARN: fn, Target: topic}, nil, false)

	var got []string
	for pt, err := range rec.Metrics.Read(t.Context(), record.MetricQuery{Account: "123456789012", Region: "us-east-1"}) {
		if err != nil {
			t.Fatal(err)
		}
		var dims []string
		for _, d := range pt.Metric.Dims {
			dims = append(dims, d.Key+"="+d.Value)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s n=%v sum=%v", pt.Metric.Namespace, pt.Metric.Name, pt.Metric.Unit, strings.Join(dims, ","), pt.Stat.Count, pt.Stat.Sum))
	}
	want := strings.Split(strings.TrimSpace(`
AWS/ApiGateway 4XXError Count ApiName=api n=2 sum=1
AWS/ApiGateway 4XXError Count ApiName=api,Stage=dev n=2 sum=1
AWS/ApiGateway 4xx Count ApiId=a1b2c3 n=1 sum=0
AWS/ApiGateway 4xx Count ApiId=a1b2c3,Stage=$default n=1 sum=0
AWS/ApiGateway 5XXError Count ApiName=api n=2 sum=0
AWS/ApiGateway 5XXError Count ApiName=api,Stage=dev n=2 sum=0
AWS/ApiGateway 5xx Count ApiId=a1b2c3 n=1 sum=1
AWS/ApiGateway 5xx Count ApiId=a1b2c3,Stage=$default n=1 sum=1
AWS/ApiGateway Count Count ApiId=a1b2c3 n=1 sum=1
AWS/ApiGateway Count Count ApiId=a1b2c3,Stage=$default n=1 sum=1
AWS/ApiGateway Count Count ApiName=api n=2 sum=2
AWS/ApiGateway Count Count ApiName=api,Stage=dev n=2 sum=2
AWS/ApiGateway DataProcessed Bytes ApiId=a1b2c3 n=1 sum=77
AWS/ApiGateway DataProcessed Bytes ApiId=a1b2c3,Stage=$default n=1 sum=77
AWS/ApiGateway IntegrationLatency Milliseconds ApiId=a1b2c3 n=1 sum=20
AWS/ApiGateway IntegrationLatency Milliseconds ApiId=a1b2c3,Stage=$default n=1 sum=20
AWS/ApiGateway IntegrationLatency Milliseconds ApiName=api n=1 sum=20
AWS/ApiGateway IntegrationLatency Milliseconds ApiName=api,Stage=dev n=1 sum=20
AWS/ApiGateway Latency Milliseconds ApiId=a1b2c3 n=1 sum=30
AWS/ApiGateway Latency Milliseconds ApiId=a1b2c3,Stage=$default n=1 sum=30
AWS/ApiGateway Latency Milliseconds ApiName=api n=2 sum=31
AWS/ApiGateway Latency Milliseconds ApiName=api,Stage=dev n=2 sum=31
AWS/DynamoDB ConsumedReadCapacityUnits Count TableName=t n=1 sum=0.5
AWS/DynamoDB ReturnedItemCount Count Operation=Query,TableName=t n=1 sum=0
AWS/DynamoDB SuccessfulRequestLatency Milliseconds Operation=Query,TableName=t n=1 sum=5
AWS/Events FailedInvocations Count RuleName=r n=1 sum=1
AWS/Events Invocations Count  n=2 sum=2
AWS/Events Invocations Count EventBusName=orders,RuleName=s n=1 sum=1
AWS/Events Invocations Count RuleName=r n=1 sum=1
AWS/Events InvocationsFailedToBeSentToDlq Count EventBusName=orders,RuleName=s n=1 sum=1
AWS/Events InvocationsSentToDlq Count RuleName=r n=1 sum=1
AWS/Events MatchedEvents Count  n=1 sum=1
AWS/Events MatchedEvents Count EventBusName=orders,RuleName=s n=1 sum=1
AWS/Events MatchedEvents Count RuleName=r n=1 sum=1
AWS/Events TriggeredRules Count EventBusName=orders,RuleName=s n=1 sum=1
AWS/Events TriggeredRules Count RuleName=r n=1 sum=1
AWS/Lambda ConcurrentExecutions Count  n=1 sum=2
AWS/Lambda ConcurrentExecutions Count FunctionName=f n=1 sum=2
AWS/Lambda DeadLetterErrors Count  n=1 sum=1
AWS/Lambda DeadLetterErrors Count FunctionName=f n=1 sum=1
AWS/Lambda DestinationDeliveryFailures Count  n=1 sum=1
AWS/Lambda DestinationDeliveryFailures Count FunctionName=f n=1 sum=1
AWS/Lambda Duration Milliseconds  n=1 sum=20
AWS/Lambda Duration Milliseconds FunctionName=f n=1 sum=20
AWS/Lambda Errors Count  n=1 sum=1
AWS/Lambda Errors Count FunctionName=f n=1 sum=1
AWS/Lambda Invocations Count  n=1 sum=1
AWS/Lambda Invocations Count FunctionName=f n=1 sum=1
AWS/Lambda IteratorAge Milliseconds  n=1 sum=1500
AWS/Lambda IteratorAge Milliseconds FunctionName=f n=1 sum=1500
AWS/Lambda Throttles Count  n=2 sum=1
AWS/Lambda Throttles Count FunctionName=f n=2 sum=1
AWS/SNS NumberOfMessagesPublished Count TopicName=t n=1 sum=1
AWS/SNS NumberOfNotificationsDelivered Count TopicName=t n=1 sum=1
AWS/SNS NumberOfNotificationsFailed Count TopicName=t n=2 sum=2
AWS/SNS NumberOfNotificationsFailedToRedriveToDlq Count TopicName=t n=1 sum=1
AWS/SNS NumberOfNotificationsFilteredOut Count TopicName=t n=1 sum=2
AWS/SNS NumberOfNotificationsFilteredOut-NoMessageAttributes Count TopicName=t n=1 sum=2
AWS/SNS NumberOfNotificationsRedrivenToDlq Count TopicName=t n=1 sum=1
AWS/SNS PublishSize Bytes TopicName=t n=1 sum=2
AWS/SQS ApproximateAgeOfOldestMessage Seconds QueueName=q n=1 sum=61
AWS/SQS ApproximateNumberOfMessagesDelayed Count QueueName=q n=1 sum=2
AWS/SQS ApproximateNumberOfMessagesNotVisible Count QueueName=q n=1 sum=3
AWS/SQS ApproximateNumberOfMessagesVisible Count QueueName=q n=1 sum=4
AWS/SQS NumberOfEmptyReceives Count QueueName=q n=1 sum=1
AWS/SQS NumberOfMessagesDeleted Count QueueName=q n=1 sum=2
AWS/SQS NumberOfMessagesReceived Count QueueName=q n=1 sum=3
AWS/SQS NumberOfMessagesSent Count QueueName=dead n=3 sum=3
AWS/SQS NumberOfMessagesSent Count QueueName=q n=2 sum=2
AWS/SQS SentMessageSize Bytes QueueName=dead n=3 sum=0
AWS/SQS SentMessageSize Bytes QueueName=q n=2 sum=8
`), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A request of an API to a function is observed in two places.
func BenchmarkObserved(b *testing.B) {
	p, _ := newPlatform(b)
	scope := arn.In("us-east-1", "123456789012")
	stage := p.Stage(scope, "api", "dev")
	u := runner.Use{Function: scope.Function("f"), Duration: 20 * time.Millisecond, Underway: 1}
	b.ReportAllocs()
	for b.Loop() {
		stage.Served(200, 3*time.Millisecond, 2*time.Millisecond)
		p.invoked(&u)
	}
}
