package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestSettle: nube settle ends with 4 and names what is under way when its
// time-out comes first, and what goes round without end; with 0 otherwise.
//
// Mutations that it finds: exit code 0 for a time-out; the same for what is
// stuck; invocations that hold no token.
func TestSettle(t *testing.T) {
	there, open := make(chan struct{}), make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		there <- struct{}{}
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	defer gate.Close()
	c := start(t, "memory", "up", "testdata/settle", "--watch=false", "--param", "gate="+gate.URL)
	settle := func(timeout string, want int, words ...string) {
		t.Helper()
		out, code := c.nube("settle", "--timeout", timeout)
		if code != want {
			t.Errorf("nube settle ended with %d, want %d: %s", code, want, out)
		}
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("nube settle does not say %q: %s", w, out)
			}
		}
	}
	settle("60s", 0, "settled at ")

	invoked := make(chan string)
	go func() {
		out, _ := c.nube("invoke", "waiter")
		invoked <- strings.TrimSpace(out)
	}()
	<-there
	settle("100ms", 4, "not settled", "under way: ", "settle-dev-waiter")
	close(open)
	if got := <-invoked; got != "200" {
		t.Errorf("the function answered %s", got)
	}
	settle("60s", 0, "settled at ")

	if out, code := c.nube("clock", "stop"); code != 0 {
		t.Fatal(out)
	}
	_, err := dynamodb.NewFromConfig(c.config()).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("things"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "poison"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	settle("60s", 0, "settled at ", "next: ", "what arn:aws:dynamodb:", "has for arn:aws:lambda:") // it is tried again later, and that lies in the future
	if out, code := c.nube("clock", "advance", "3h"); code != 0 {
		t.Fatal(out)
	}
	settle("60s", 4, "stuck: ", "tried ")
	c.stop()
}
