package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestTraceToTheMail follows two requests of the shop from HTTP to the mails
// that they cause, through a table, its stream, a function and a topic: each is
// one tree, without a line in the application.
//
// Mutations that it finds: a stream record without its cause, a batch that
// begins a trace of its own, effects whose cause is not the call that emitted
// them, calls of a function that are not joined to its invocation, a delivery
// that is no span.
func TestTraceToTheMail(t *testing.T) {
	c := start(t, "memory", "up", "../examples/shop", "--watch=false")
	const admin = "admin@company.com"
	links, code := c.nube("mail", "links", "--to", admin)
	if code != 0 {
		t.Fatalf("nube mail links: %s", links)
	}
	r, err := http.Get(strings.TrimSpace(strings.Split(links, "\n")[0]))
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the link of the confirmation: %v %v", r, err)
	}
	r.Body.Close()

	created := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated)
	c.settle()
	changed := want(t, c.send(http.MethodPut, "/users/"+created.object(t)["id"].(string), `{"name":"Ada","email":"ada@example.com","status":"inactive"}`), http.StatusOK)
	c.settle()

	const user, processor = "my-serverless-app-dev-userApi", "my-serverless-app-dev-dynamoDbProcessor"
	for _, test := range []struct {
		name  string
		reply reply
		want  string
	}{
		{"a new user", created, `
apigateway POST /users 201
  lambda Invoke
    lambda ` + user + `
      dynamodb TransactWriteItems
        lambda dynamodb → ` + processor + `
          lambda ` + processor + `
            sesv2 SendEmail
            sns Publish
              delivery mailto
              delivery sqs
            dynamodb PutItem
`},
		{"another status", changed, `
apigateway PUT /users/ID 200
  lambda Invoke
    lambda ` + user + `
      dynamodb GetItem
      dynamodb TransactWriteItems
        lambda dynamodb → ` + processor + `
          lambda ` + processor + `
            sns Publish
              delivery mailto
              delivery sqs
`},
	} {
		id := created.object(t)["id"].(string)
		got := sideBySide(strings.ReplaceAll(drawn(withoutPhases(c.tree(test.reply.header.Get("X-Amzn-Requestid"))), ""), id, "ID"))
		if got != strings.TrimPrefix(test.want, "\n") {
			t.Errorf("%s:\n%swant%s", test.name, got, test.want)
		}
	}

	c.joined(t)
}

// TestTraceOfAnOrder follows a message from who sent it through the queue to the
// function, and what that does to the function at the other end of the bus.
//
// Mutation that it finds: a message that does not keep its cause.
func TestTraceOfAnOrder(t *testing.T) {
	c := start(t, "memory", "up", "../examples/shop", "--watch=false")
	client := sqs.NewFromConfig(c.config())
	out, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: c.queue(t, client, "orders-dev"), MessageBody: aws.String(order("1"))})
	if err != nil {
		t.Fatal(err)
	}
	c.settle()
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	const want = `sqs SendMessage
  lambda sqs → my-serverless-app-dev-orderProcessor
    lambda my-serverless-app-dev-orderProcessor
      ssm GetParameter
      dynamodb PutItem
      secretsmanager GetSecretValue
        kms Decrypt
      events PutEvents
        delivery lambda
          lambda Invoke
          delivery lambda
            lambda my-serverless-app-dev-orderTracker
              dynamodb PutItem
      dynamodb UpdateItem
`
	if got := drawn(withoutPhases(c.tree(request)), ""); got != want {
		t.Errorf("\n%swant\n%s", got, want)
	}
	c.joined(t)
}

// sideBySide sorts two deliveries that go out together, whichever was first.
func sideBySide(tree string) string {
	lines := strings.SplitAfter(tree, "\n")
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1], lines[i]
		if strings.Contains(a, "  delivery ") && strings.Contains(b, "  delivery ") && b < a {
			lines[i-1], lines[i] = b, a
		}
	}
	return strings.Join(lines, "")
}

// joined checks that nothing that happened is on its own: every trace is one tree.
func (c *cloud) joined(t *testing.T) {
	t.Helper()
	out, code := c.nube("trace", "--limit", "1000", "--output", "json")
	if code != 0 {
		t.Fatal(out)
	}
	for line := range strings.Lines(out) {
		var sum struct{ Trace string }
		if err := json.Unmarshal([]byte(line), &sum); err != nil {
			t.Fatal(err)
		}
		if spans := c.tree(sum.Trace); len(spans) != 1 {
			t.Errorf("%s is %d trees:\n%s", sum.Trace, len(spans), drawn(spans, ""))
		}
	}
}
