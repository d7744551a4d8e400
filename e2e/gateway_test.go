package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// TestGateway: authorizers, keys, validators, policies and logs work as the
// manifest of an application asks for them.
//
// Mutation that it finds: a stage that asks nothing of its callers.
func TestGateway(t *testing.T) {
	c := start(t, "memory", "up", "testdata/gateway")
	t.Run("authorizer", func(t *testing.T) { gatewayAuthorizer(t, c) })
	t.Run("key and body", func(t *testing.T) { gatewayKey(t, c) })
	t.Run("policy", func(t *testing.T) {
		r := c.send("GET", "/closed", "")
		if want := "is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********0000:"; r.status != 403 || !strings.Contains(r.body, want) ||
			!strings.HasSuffix(r.body, `/dev/GET/closed with an explicit deny"}`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("async", func(t *testing.T) {
		if r := c.send("POST", "/later", `{"job":7}`, "Content-Type", "application/json"); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		c.settle()
		if out, code := c.nube("logs", "later"); code != 0 || !strings.Contains(out, `done later: {"job":7}`) {
			t.Errorf("nube logs ended with %d: %s", code, out)
		}
	})
	t.Run("logs", func(t *testing.T) {
		out, err := cloudwatchlogs.NewFromConfig(c.config()).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/api-gateway/gateway-dev"),
		})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, e := range out.Events {
			line, _, _ := strings.Cut(*e.Message, `,"id"`)
			lines = append(lines, line)
		}
		for _, want := range []string{`{"path":"/whoami","status":200,"who":"ana"`, `{"path":"/orders","status":403,"who":"-"`, `{"path":"/later","status":200,"who":"-"`} {
			if !strings.Contains(strings.Join(lines, "\n"), want) {
				t.Errorf("no line %s in\n%s", want, strings.Join(lines, "\n"))
			}
		}
	})
	c.settle()
	c.stop()
}

// text is an answer's status and body.
func (r reply) text() string { return fmt.Sprintf("%d %s", r.status, r.body) }

func gatewayAuthorizer(t *testing.T, c *cloud) {
	for token, want := range map[string]string{
		"":               `401 {"message":"Unauthorized","path":"/whoami"}`,
		"Basic ana":      `401 {"message":"Unauthorized","path":"/whoami"}`,
		"Bearer nobody":  `401 {"message":"Unauthorized","path":"/whoami"}`,
		"Bearer trouble": `500 {"message":null}`,
		"Bearer eve":     `403 {"Message":"User is not authorized to access this resource with an explicit deny"}`,
	} {
		r := c.send("GET", "/whoami", "", "Authorization", token)
		if got := strings.TrimSpace(r.text()); got != want {
			t.Errorf("%q: %s, want %s", token, got, want)
		}
		if r.status == 401 && r.header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%q: headers %v", token, r.header)
		}
	}
	first := c.send("GET", "/whoami", "", "Authorization", "Bearer ana")
	second := c.send("GET", "/whoami", "", "Authorization", "Bearer ana")
	if first.status != 200 || first.object(t)["who"] != "ana" || first.object(t)["plan"] != "gold" || first.body != second.body {
		t.Errorf("%s, then %s", first.text(), second.text())
	}
	if r := c.send("GET", "/lambda", "", "Authorization", "Bearer ana"); r.text() != `200 {"who":"ana","plan":"gold"}` {
		t.Errorf("behind the integration lambda: %s", r.text())
	}
}

func gatewayKey(t *testing.T, c *cloud) {
	order := func(target, body string, header ...string) reply {
		return c.send("POST", target, body, append([]string{"Content-Type", "application/json"}, header...)...)
	}
	key := []string{"X-Api-Key", "ana-ana-ana-ana-ana-ana"}
	if got := order("/orders?team=red", `{"item":"tea"}`).text(); got != `403 {"message":"Forbidden"}` {
		t.Errorf("without a key: %s", got)
	}
	if got := order("/orders", `{"item":"tea"}`, key...).text(); got != `400 {"message":"Missing required request parameters: [team]"}` {
		t.Errorf("without a parameter: %s", got)
	}
	if got := order("/orders?team=red", `{"item":"tea","n":0}`, key...).text(); got != `400 {"message":"Invalid request body"}` {
		t.Errorf("a wrong body: %s", got)
	}
	// The client takes gzip, and unpacks it without being told.
	if r := order("/orders?team=red", `{"item":"tea"}`, key...); r.status != 201 || r.object(t)["key"] != key[1] {
		t.Errorf("all there: %s", r.text())
	}
	if got := order("/orders?team=red", `{"item":"tea"}`, key...).text(); got != `429 {"message":"Limit Exceeded"}` {
		t.Errorf("more than the quota: %s", got)
	}
	if r := c.send("OPTIONS", "/orders", ""); r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the preflight needs no key: %s", r.text())
	}
}
