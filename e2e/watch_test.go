package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pager is a topic with a queue that takes what alarms say.
type pager struct {
	*cloud
	*testing.T
	topic, inbox string
}

// newPager makes a topic that a queue is subscribed to.
func newPager(t *testing.T, c *cloud) *pager {
	p := &pager{cloud: c, T: t}
	p.topic = c.awsCLI(t, "sns", "create-topic", "--name", "pager")["TopicArn"].(string)
	p.inbox = p.queue("inbox")
	arn := p.sqs("get-queue-attributes", "--queue-url", p.inbox, "--attribute-names", "QueueArn")["Attributes"].(map[string]any)["QueueArn"].(string)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,
		"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, p.topic)
	attributes, err := json.Marshal(map[string]string{"Policy": policy})
	if err != nil {
		t.Fatal(err)
	}
	p.sqs("set-queue-attributes", "--queue-url", p.inbox, "--attributes", string(attributes))
	c.awsCLI(t, "sns", "subscribe", "--topic-arn", p.topic, "--protocol", "sqs", "--notification-endpoint", arn)
	return p
}

func (p *pager) queue(name string) (url string) {
	p.Helper()
	return p.sqs("create-queue", "--queue-name", name)["QueueUrl"].(string)
}

// sqs calls SQS: for that alone the first version of the AWS CLI looks for no endpoint
// in its environment.
func (p *pager) sqs(args ...string) map[string]any {
	p.Helper()
	return p.awsCLI(p.T, append([]string{"--endpoint-url", p.Endpoint, "sqs"}, args...)...)
}

// alarm makes an alarm that tells the topic of all that happens to it.
func (p *pager) alarm(name string, more ...string) {
	p.Helper()
	args := append([]string{
		"cloudwatch", "put-metric-alarm", "--alarm-name", name, "--period", "60", "--evaluation-periods", "1", "--comparison-operator", "GreaterThanThreshold",
		"--alarm-actions", p.topic, "--ok-actions", p.topic, "--treat-missing-data", "notBreaching",
	}, more...)
	p.awsCLI(p.T, args...)
}

// advance moves the cloud's time, and waits until all that is due has happened.
func (p *pager) advance(d string) {
	p.Helper()
	if out, code := p.nube("clock", "advance", d); code != 0 {
		p.Fatalf("clock advance %s ended with %d: %s", d, code, out)
	}
}

// said takes what was said of alarms from the queue: their names and states.
func (p *pager) said() string {
	p.Helper()
	messages, _ := p.sqs("receive-message", "--queue-url", p.inbox, "--max-number-of-messages", "10")["Messages"].([]any)
	var all []string
	for _, m := range messages {
		var envelope struct{ Subject, Message, TopicArn string }
		if err := json.Unmarshal([]byte(m.(map[string]any)["Body"].(string)), &envelope); err != nil || envelope.TopicArn != p.topic {
			p.Fatalf("%v: %v", m, err)
		}
		var a struct {
			AlarmName, OldStateValue, NewStateValue, NewStateReason string
			Trigger                                                 struct{ MetricName string }
		}
		if err := json.Unmarshal([]byte(envelope.Message), &a); err != nil || !strings.HasPrefix(envelope.Subject, a.NewStateValue+`: "`+a.AlarmName+`"`) {
			p.Fatalf("%s: %s: %v", envelope.Subject, envelope.Message, err)
		}
		all = append(all, fmt.Sprintf("%s %s→%s (%s)", a.AlarmName, a.OldStateValue, a.NewStateValue, a.Trigger.MetricName))
		p.sqs("delete-message", "--queue-url", p.inbox, "--receipt-handle", m.(map[string]any)["ReceiptHandle"].(string))
	}
	slices.Sort(all) // alarms of one instant tell in any order
	return strings.Join(all, ", ")
}

// TestAlarmReachesAQueue has a metric cross the threshold of an alarm, which notifies a
// topic, of which a queue has the notification: of a metric that an application puts,
// and of what another queue holds, which nobody puts.
func TestAlarmReachesAQueue(t *testing.T) {
	c := start(t, "memory", "start")
	if out, code := c.nube("clock", "stop"); code != 0 {
		t.Fatalf("clock stop ended with %d: %s", code, out)
	}
	p := newPager(t, c)
	p.alarm("errors", "--namespace", "Shop", "--metric-name", "errors", "--statistic", "Sum", "--threshold", "5")
	p.advance("2m")
	expect := func(what, want string) {
		t.Helper()
		if got := p.said(); got != want {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
	expect("nothing is known", "errors INSUFFICIENT_DATA→OK (errors)")
	c.awsCLI(t, "cloudwatch", "put-metric-data", "--namespace", "Shop", "--metric-name", "errors", "--value", "6")
	p.advance("1m")
	expect("six errors", "errors OK→ALARM (errors)")
	p.advance("10m")
	expect("no more errors", "errors ALARM→OK (errors)")

	work := p.queue("work")
	p.alarm("backlog", "--namespace", "AWS/SQS", "--metric-name", "ApproximateNumberOfMessagesVisible", "--dimensions", "Name=QueueName,Value=work", "--statistic", "Maximum", "--threshold", "1")
	p.alarm("stale", "--namespace", "AWS/SQS", "--metric-name", "ApproximateAgeOfOldestMessage", "--dimensions", "Name=QueueName,Value=work", "--statistic", "Maximum", "--threshold", "299")
	for _, body := range []string{"a", "b"} {
		p.sqs("send-message", "--queue-url", work, "--message-body", body)
	}
	p.advance("1m")
	expect("two messages", "backlog INSUFFICIENT_DATA→ALARM (ApproximateNumberOfMessagesVisible), stale INSUFFICIENT_DATA→OK (ApproximateAgeOfOldestMessage)")
	p.advance("5m")
	expect("nobody takes them", "stale OK→ALARM (ApproximateAgeOfOldestMessage)")
	p.sqs("purge-queue", "--queue-url", work)
	p.advance("5m")
	expect("they are gone", "backlog ALARM→OK (ApproximateNumberOfMessagesVisible), stale ALARM→OK (ApproximateAgeOfOldestMessage)")
}
