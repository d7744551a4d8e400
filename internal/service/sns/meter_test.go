package sns_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
)

// filtered counts what a meter is told, by the topic and the reason.
type filtered struct {
	mu  sync.Mutex
	all map[string]int
}

func (f *filtered) Filtered(topic arn.ARN, why string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[fmt.Sprintf("%s %s", topic.Resource(), why)] += n
}

// What filter policies reject is told with the reason.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
func TestFilteredIsMeasured(t *testing.T) {
	b := newBed(t)
	m := &filtered{all: map[string]int{}}
	b.s.Meter = m
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"all")
	b.subscribe(topic, "sqs", queueARN+"paid", "FilterPolicy", `{"status":["paid"]}`)
	b.subscribe(topic, "sqs", queueARN+"open", "FilterPolicy", `{"status":["open"]}`)
	b.subscribe(topic, "sqs", queueARN+"body", "FilterPolicy", `{"n":[1]}`, "FilterPolicyScope", "MessageBody")
	for _, test := range []struct {
		name, text string
		more       []func(*shapes.PublishInput)
		want       map[string]int
	}{
		{"nothing", `{"n":1}`, []func(*shapes.PublishInput){with("status", "String.Array", `["open","paid"]`)}, map[string]int{}},
		{"attributes", `{"n":1}`, []func(*shapes.PublishInput){with("status", "String", "paid")}, map[string]int{"t MessageAttributes": 1}},
		{"no attributes", `{"n":1}`, nil, map[string]int{"t NoMessageAttributes": 2}},
		{"bad attributes", `{"n":1}`, []func(*shapes.PublishInput){with("status", "String.Array", `["paid"`)}, map[string]int{"t InvalidAttributes": 2}},
		{"body", `{"n":2}`, nil, map[string]int{"t NoMessageAttributes": 2, "t MessageBody": 1}},
		{"bad body", `n`, []func(*shapes.PublishInput){with("status", "String", "lost")}, map[string]int{"t MessageAttributes": 2, "t InvalidMessageBody": 1}},
	} {
		clear(m.all)
		b.publish(topic, test.text, test.more...)
		if diff := cmp.Diff(test.want, m.all); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	b.settle()
}
