package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// TestOrders sends orders to the shop's queue and over HTTP, in three languages:
// each is processed once, however often it comes, and a rule on the bus takes on that
// it was. A message that is no order ends in the dead-letter queue, and the rest of
// its batch is processed. What the topic says of users reaches the queues that want
// to know of it.
//
// localstack#1595, #7217, #11262; floci#202: a batch with one bad message lost the
// others; floci#1416: no dead letters.
//
// Mutations that it finds: a batch that is deleted whole, a visibility that does not
// end, filters that are not asked.
func TestOrders(t *testing.T) {
	for name, dir := range languages(t) {
		t.Run(name, func(t *testing.T) {
			c := start(t, "memory", "up", dir)
			if out, code := c.nube("clock", "stop"); code != 0 {
				t.Fatal(out)
			}
			t.Run("processed once", func(t *testing.T) { processedOnce(t, c) })
			t.Run("poison", func(t *testing.T) { poison(t, c) })
			t.Run("invalid orders", func(t *testing.T) { invalidOrders(t, c) })
			t.Run("fan-out", func(t *testing.T) { fanOut(t, c) })
			t.Run("settings", func(t *testing.T) { settings(t, c) })
			c.stop()
		})
	}
}

func order(id string) string {
	return fmt.Sprintf(`{"orderId":%q,"customerId":"ada","totalAmount":12.5,"createdAt":"2026-11-22T10:00:00Z"}`, id)
}

func processedOnce(t *testing.T, c *cloud) {
	c.enqueue(t, "orders-dev", order("1"), order("2"), order("1"))
	c.settle()
	if got := want(t, c.send(http.MethodPost, "/orders", order("1")), http.StatusOK).object(t); got["success"] != true || got["orderId"] != "1" {
		t.Errorf("answer %v", got)
	}
	want(t, c.send(http.MethodPost, "/orders", order("3")), http.StatusOK)
	c.enqueue(t, "orders-dev", order("3"))
	c.settle()
	at := map[string]string{}
	for id, item := range c.items(t, "orders-dev") {
		at[id] = item["processedAt"]
	}
	if len(at) != 3 {
		t.Errorf("orders: %v", at)
	}
	var tracked []string
	for id, item := range c.items(t, "analytics-dev") {
		tracked = append(tracked, id+" "+item["type"])
	}
	slices.Sort(tracked)
	if want := []string{"order#1 OrderProcessed", "order#2 OrderProcessed", "order#3 OrderProcessed"}; !slices.Equal(tracked, want) {
		t.Errorf("the rule has seen %q, want %q", tracked, want)
	}
	if got := c.bodies(t, "orders-dev"); len(got) != 0 {
		t.Errorf("in the queue are still %q", got)
	}
	// Later, the same again: nothing about the orders changes.
	if out, code := c.nube("clock", "advance", "1h"); code != 0 {
		t.Fatal(out)
	}
	c.enqueue(t, "orders-dev", order("2"))
	c.settle()
	for id, item := range c.items(t, "orders-dev") {
		if item["processedAt"] != at[id] {
			t.Errorf("order %s was processed at %s and again at %s", id, at[id], item["processedAt"])
		}
	}
}

func poison(t *testing.T, c *cloud) {
	c.enqueue(t, "orders-dev", order("before"), "poison", order("after"))
	c.settle()
	orders := c.items(t, "orders-dev")
	if orders["before"] == nil || orders["after"] == nil {
		t.Errorf("what came with the poison was not processed: %v", orders)
	}
	if got := c.bodies(t, "orders-dead-dev"); len(got) != 0 {
		t.Errorf("dead letters at once: %q", got)
	}
	// Three tries, six minutes each.
	if out, code := c.nube("clock", "advance", "19m"); code != 0 {
		t.Fatal(out)
	}
	c.settle()
	if got := c.bodies(t, "orders-dead-dev"); !slices.Equal(got, []string{"poison"}) {
		t.Errorf("dead letters: %q", got)
	}
	if got := c.bodies(t, "orders-dev"); len(got) != 0 {
		t.Errorf("in the queue are still %q", got)
	}
}

func invalidOrders(t *testing.T, c *cloud) {
	for body, says := range map[string]string{
		`{`: "Invalid event data", `[]`: "Invalid event data", `{"customerId":"ada","totalAmount":1}`: "orderId",
		`{"orderId":"x","totalAmount":1}`: "customerId", `{"orderId":"x","customerId":"ada","totalAmount":0}`: "totalAmount",
	} {
		if got := want(t, c.send(http.MethodPost, "/orders", body), http.StatusBadRequest); !strings.Contains(got.body, says) {
			t.Errorf("%s: %s", body, got.body)
		}
	}
}

// settings changes how much an order may be worth: orders notice it after five
// minutes, over HTTP and in the queue, and not before. Functions have the time from
// what they are called for, which is the cloud's.
func settings(t *testing.T, c *cloud) {
	limit := func(value string) {
		t.Helper()
		_, err := ssm.NewFromConfig(c.config()).PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/myapp/dev/order-limit"), Value: &value, Overwrite: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
	}
	advance := func(by string) {
		t.Helper()
		if out, code := c.nube("clock", "advance", by); code != 0 {
			t.Fatal(out)
		}
	}
	advance("5m")
	want(t, c.send(http.MethodPost, "/orders", order("s1")), http.StatusOK) // the limit is read
	limit("10")
	want(t, c.send(http.MethodPost, "/orders", order("s2")), http.StatusOK)
	advance("4m59s")
	want(t, c.send(http.MethodPost, "/orders", order("s3")), http.StatusOK)
	c.enqueue(t, "orders-dev", order("s4"))
	c.settle()
	if c.items(t, "orders-dev")["s4"] == nil {
		t.Error("the queue's order was refused before the five minutes were over")
	}
	advance("1s")
	if got := want(t, c.send(http.MethodPost, "/orders", order("s5")), http.StatusBadRequest); !strings.Contains(got.body, "at most 10") {
		t.Errorf("answer %s", got.body)
	}
	limit("100")
	advance("5m")
	c.enqueue(t, "orders-dev", order("s6"))
	c.settle()
	if c.items(t, "orders-dev")["s6"] == nil {
		t.Error("the queue's order was refused five minutes after it was allowed")
	}
}

func fanOut(t *testing.T, c *cloud) {
	id := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated).object(t)["id"].(string)
	c.settle()
	for _, status := range []string{"inactive", "active"} {
		want(t, c.send(http.MethodPut, "/users/"+id, fmt.Sprintf(`{"name":"Ada","email":"ada@example.com","status":%q}`, status)), http.StatusOK)
		c.settle()
	}
	if got := c.bodies(t, "new-users-dev"); len(got) != 1 || !strings.Contains(got[0], "ada@example.com") {
		t.Errorf("new users: %q", got)
	}
	if got := c.bodies(t, "inactive-users-dev"); len(got) != 1 || !strings.Contains(got[0], "inactive") {
		t.Errorf("inactive users: %q", got)
	}
}

// enqueue sends messages to a queue, as one batch.
func (c *cloud) enqueue(t *testing.T, queue string, bodies ...string) {
	t.Helper()
	var entries []types.SendMessageBatchRequestEntry
	for i, b := range bodies {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &b})
	}
	client := sqs.NewFromConfig(c.config())
	out, err := client.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: c.queue(t, client, queue), Entries: entries})
	if err != nil || len(out.Failed) > 0 {
		t.Fatalf("send to %s: %v %+v", queue, err, out)
	}
}

func (c *cloud) queue(t *testing.T, client *sqs.Client, name string) *string {
	t.Helper()
	out, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

// bodies receives the messages of a queue.
func (c *cloud) bodies(t *testing.T, queue string) (out []string) {
	t.Helper()
	client := sqs.NewFromConfig(c.config())
	got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: c.queue(t, client, queue), MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got.Messages {
		out = append(out, *m.Body)
	}
	return out
}

// items are the texts of a table's items, by their id.
func (c *cloud) items(t *testing.T, table string) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	got, err := dynamodb.NewFromConfig(c.config()).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range got.Items {
		texts := map[string]string{}
		for name, v := range item {
			if s, ok := v.(*dynamodbtypes.AttributeValueMemberS); ok {
				texts[name] = s.Value
			}
		}
		out[texts["id"]] = texts
	}
	return out
}
