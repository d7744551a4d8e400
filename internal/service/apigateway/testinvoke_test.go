package apigateway_test

import (
	"strings"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestTestInvoke calls a method that was never deployed.
func TestTestInvoke(t *testing.T) {
	b := open(t)
	b.route("PUT", "/users/{id}")
	b.function.says(`{"statusCode":202,"headers":{"X-Id":"7"},"body":"tested"}`)
	out := do(b, shapes.TestInvokeMethod, &shapes.TestInvokeMethodRequest{
		RestApiId: &b.api, ResourceId: b.at("/users/{id}"), HttpMethod: ptr("PUT"), PathWithQueryString: ptr("/users/7?a=1"), Body: ptr("new"),
		StageVariables: map[string]string{"color": "red"},
	})
	if *out.Status != 202 || *out.Body != "tested" || out.Headers["X-Id"] != "7" {
		t.Errorf("%d %q %v", *out.Status, *out.Body, out.Headers)
	}
	for _, want := range []string{
		`"resource":"/users/{id}"`, `"pathParameters":{"id":"7"}`, `"queryStringParameters":{"a":"1"}`, `"stageVariables":{"color":"red"}`,
		`"stage":"test-invoke-stage"`, `"body":"new"`,
	} {
		if !strings.Contains(b.function.events[0], want) {
			t.Errorf("the event has no %s: %s", want, b.function.events[0])
		}
	}
}
