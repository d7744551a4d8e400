package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestOrdersKilledInABurst: kill -9 while orders come over HTTP, by the queue and by
// both, and messages to a FIFO queue. After the next start each order that was
// acknowledged has been processed, once in effect, and the rule on the bus has seen
// that; the messages of each group are all there in their order.
//
// Mutations that it finds: a message that is deleted before its function has answered,
// one acknowledged before it is on disk; an event that is emitted after its answer.
func TestOrdersKilledInABurst(t *testing.T) {
	data := t.TempDir()
	c := start(t, data, "up", "../examples/shop", "--watch=false")
	client := sqs.NewFromConfig(c.config())
	fifo, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("steps.fifo"), Attributes: map[string]string{"FifoQueue": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	orders := c.queue(t, client, "orders-dev")
	post := func(id string) bool {
		r, err := c.try(http.MethodPost, "/orders", order(id))
		return err == nil && r.status == http.StatusOK
	}
	enqueue := func(id string) bool {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: orders, MessageBody: aws.String(order(id))})
		return err == nil
	}
	b := &burst{c: c, enough: 150, reached: make(chan struct{}), acked: map[int][]int{}}
	for w := range 12 {
		b.writes(w, func(n int) bool {
			id := fmt.Sprintf("%d-%d", w, n)
			switch w % 4 {
			case 0:
				return post(id)
			case 1:
				return enqueue(id)
			case 2:
				return enqueue(id) && post(id) && enqueue(id)
			}
			_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: fifo.QueueUrl, MessageBody: aws.String(strconv.Itoa(n)), MessageGroupId: aws.String(strconv.Itoa(w)), MessageDeduplicationId: &id,
			})
			return err == nil
		})
	}
	<-b.reached
	c.kill()
	b.Wait()

	c = start(t, data, "start")
	// What was in flight is visible again after six minutes.
	for _, command := range [][]string{{"clock", "stop"}, {"settle"}, {"clock", "advance", "10m"}, {"settle"}} {
		if out, code := c.nube(command...); code != 0 {
			t.Fatalf("nube %s: %s", command, out)
		}
	}
	for w, acked := range b.acked { // who was not answered asks again
		if w%2 == 0 && !post(fmt.Sprintf("%d-%d", w, len(acked))) {
			t.Errorf("writer %d is refused", w)
		}
	}
	c.settle()
	processed, tracked := c.items(t, "orders-dev"), c.items(t, "analytics-dev")
	count := 0
	for w, acked := range b.acked {
		for _, n := range acked {
			id := fmt.Sprintf("%d-%d", w, n)
			if w%4 == 3 {
				continue
			}
			count++
			if processed[id]["processedAt"] == "" {
				t.Errorf("order %s was acknowledged and is not processed: %v", id, processed[id])
			}
			if tracked["order#"+id]["type"] != "OrderProcessed" {
				t.Errorf("the rule has not seen that order %s was processed: %v", id, tracked["order#"+id])
			}
		}
	}
	if len(tracked) != len(processed) {
		t.Errorf("%d orders are processed, and the rule has seen %d", len(processed), len(tracked))
	}
	for _, queue := range []string{"orders-dev", "orders-dead-dev"} {
		if left := c.bodies(t, queue); len(left) > 0 {
			t.Errorf("in %s are still %q", queue, left)
		}
	}
	got := c.groups(t, "steps.fifo")
	for w, acked := range b.acked {
		if w%4 != 3 {
			continue
		}
		count += len(acked)
		if there := got[strconv.Itoa(w)]; !slices.IsSorted(there) || len(slices.Compact(slices.Clone(there))) != len(there) || len(there) < len(acked) || !slices.Equal(there[:len(acked)], acked) {
			t.Errorf("of group %d %v were acknowledged, and there are %v", w, acked, there)
		}
	}
	t.Logf("%d acknowledged", count)
	c.stop()
}

// burst is what writers have had acknowledged until the cloud was killed: each makes
// one request at a time, numbered from 0.
type burst struct {
	sync.WaitGroup
	c       *cloud
	enough  int
	reached chan struct{}

	mu    sync.Mutex
	total int
	acked map[int][]int // by writer
}

// writes has a writer write until what it writes is not acknowledged.
func (b *burst) writes(w int, write func(n int) bool) {
	b.Go(func() {
		for n := 0; write(n); n++ {
			b.mu.Lock()
			b.acked[w] = append(b.acked[w], n)
			if b.total++; b.total == b.enough {
				close(b.reached)
			}
			b.mu.Unlock()
		}
	})
}

// groups receives all messages of a FIFO queue, by their groups.
func (c *cloud) groups(t *testing.T, queue string) map[string][]int {
	t.Helper()
	client := sqs.NewFromConfig(c.config())
	url := c.queue(t, client, queue)
	out := map[string][]int{}
	for {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return out
		}
		for _, m := range got.Messages {
			n, err := strconv.Atoi(*m.Body)
			if err != nil {
				t.Fatal(err)
			}
			group := m.Attributes["MessageGroupId"]
			out[group] = append(out[group], n)
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
