package cloud

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	iam "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
)

// TestQueuePowerLoss lets the power fail while writers send to two queues that a
// function reads, a standard and a FIFO one in which each writer has a group. On the
// disk that is found, once what was in flight has become visible again and the cloud
// has settled, each acknowledged message has had its effect, those of a group in
// their order, and the queues are empty.
//
// Mutations that it finds: a send that is acknowledged before it is on disk; messages
// that are deleted before the function is called; a group that goes on behind a
// message that is in flight.
func TestQueuePowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 6, stream: 17, most: 400,
		load:  func(o *outage) { o.prepare(code); o.queues(); o.sendMessages() },
		check: func(o *outage) { o.advance(time.Hour); o.checkQueues() },
	}.run(t)
}

// queues makes the queues, and has the function read them.
func (o *outage) queues() {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	_, err := awsapi.Do(root, front, iam.PutRolePolicy, &iam.PutRolePolicyRequest{RoleName: ptr(crashTest), PolicyName: ptr("queues"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:UpdateItem","sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"],"Resource":"*"}]}`)})
	o.must(err)
	for name, attributes := range map[string]map[string]string{
		"standard":     {"VisibilityTimeout": "60"},
		"ordered.fifo": {"VisibilityTimeout": "60", "FifoQueue": "true"},
	} {
		_, err := awsapi.Do(root, front, sqs.CreateQueue, &sqs.CreateQueueRequest{QueueName: &name, Attributes: attributes})
		o.must(err)
		_, err = awsapi.Do(root, front, lambda.CreateEventSourceMapping, &lambda.CreateEventSourceMappingRequest{
			FunctionName: ptr(crashTest), EventSourceArn: ptr(string(o.cloud.scope.Of("sqs", name))), BatchSize: ptr(int32(1 + o.rng.IntN(10))),
		})
		o.must(err)
	}
}

// sendMessages has each writer send messages of its own, to one queue and the other
// in turn, until the power has failed.
func (o *outage) sendMessages() {
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	o.each(func(w, n int) error {
		in := &sqs.SendMessageRequest{QueueUrl: ptr("standard"), MessageBody: ptr(fmt.Sprintf("event-%d-%d", w, n))}
		if n%2 == 1 {
			in = &sqs.SendMessageRequest{
				QueueUrl: ptr("ordered.fifo"), MessageBody: ptr(strconv.Itoa(n)), MessageGroupId: ptr(strconv.Itoa(w)), MessageDeduplicationId: ptr(fmt.Sprint(w, "-", n)),
			}
		}
		_, err := awsapi.Do(root, front, sqs.SendMessage, in)
		return err
	})
}

// advance moves the cloud's clock, stopping at all that is due.
func (o *outage) advance(d time.Duration) {
	o.Helper()
	ctx, cancel := clock.Machine{}.WithTimeout(o.Context(), time.Minute)
	defer cancel()
	if _, err := o.cloud.settler.Advance(ctx, o.cloud.model.Now().Add(d)); err != nil {
		o.Fatal(err)
	}
}

// checkQueues compares what the function has done with what was acknowledged.
func (o *outage) checkQueues() {
	o.Helper()
	items := o.items()
	for w := range writers {
		var mirror struct {
			Item struct {
				Seen struct{ L []struct{ N string } }
			}
		}
		o.must(o.dynamodb("GetItem", fmt.Sprintf(`{"TableName":"crash","Key":{"id":{"S":"mirror-%d"}}}`, w), &mirror))
		var seen, firsts []int
		for _, s := range mirror.Item.Seen.L {
			n, err := strconv.Atoi(s.N)
			o.must(err)
			seen = append(seen, n)
			if !slices.Contains(firsts, n) {
				firsts = append(firsts, n)
			}
		}
		if !slices.IsSorted(firsts) {
			o.Errorf("the messages of group %d came in the order %v", w, seen)
		}
		for n := range o.acked[w].events {
			_, found := items[fmt.Sprintf("event-%d-%d", w, n)]
			if n%2 == 1 {
				found = slices.Contains(firsts, n)
			}
			if !found {
				o.Errorf("message %d of writer %d was acknowledged and has had no effect", n, w)
			}
		}
	}
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	for _, name := range []string{"standard", "ordered.fifo"} {
		out, err := awsapi.Do(root, front, sqs.GetQueueAttributes, &sqs.GetQueueAttributesRequest{QueueUrl: &name, AttributeNames: []string{"All"}})
		o.must(err)
		if a := out.Attributes; a["ApproximateNumberOfMessages"] != "0" || a["ApproximateNumberOfMessagesNotVisible"] != "0" {
			o.Errorf("left in %s: %v", name, a)
		}
	}
}
