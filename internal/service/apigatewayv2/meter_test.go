package apigatewayv2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
)

// served notes what a meter is told.
type served struct {
	stage string
	lines []string
}

func (s *served) HTTPStage(scope arn.Scope, api, stage string) apigatewayv2.StageMeter {
	s.stage = scope.Region + " " + api + " " + stage
	return s
}

func (s *served) Served(status int, took, integration time.Duration, bytes int) {
	s.lines = append(s.lines, fmt.Sprintf("%d integrated:%t within:%t %d", status, integration > 0, integration <= took && took > 0, bytes))
}

// A stage's requests are measured, what API Gateway answers itself as well.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func TestRequestsAreMeasured(t *testing.T) {
	b := open(t)
	m := &served{}
	b.s.Meter = m
	b.route("POST /items")
	b.request("POST", "/items", "four")
	b.request("GET", "/nothing", "")
	b.answer = func([]byte) (apigatewayv2.Outcome, error) {
		return apigatewayv2.Outcome{Failed: true, Payload: []byte(`{}`)}, nil
	}
	b.request("POST", "/items", "")
	if want := "eu-central-1 " + b.api + " $default"; m.stage != want {
		t.Errorf("measured as %q, want %q", m.stage, want)
	}
	const refusal = len(`{"message":"Internal Server Error"}`)
	want := fmt.Sprintf("200 integrated:true within:true 6; 404 integrated:false within:true %d; 500 integrated:true within:true %d", len(`{"message":"Not Found"}`), refusal)
	if got := strings.Join(m.lines, "; "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	// Nobody asked for this stage.
	do(b, shapes.DeleteStage, &shapes.DeleteStageRequest{ApiId: &b.api, StageName: ptr("$default")})
	b.request("GET", "/", "")
	if len(m.lines) != 3 {
		t.Errorf("a request of no stage is measured: %q", m.lines[3:])
	}
}
