package apigateway

import (
	"fmt"
	"regexp"
	"sync"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// statusPattern finds the status in the request template of a mock. The
// template is JSON only by custom: API Gateway takes {statusCode: 200} as well.
var statusPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`["']?statusCode["']?\s*:\s*["']?(\d{3})["']?`)
})

// mockStatus is the status that a mock's request template chooses, once it is
// executed.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
func mockStatus(text string) (string, error) {
	m := statusPattern().FindStringSubmatch(text)
	if m == nil {
		return "", badRequest("The request template of a MOCK integration must have a statusCode, such as {\"statusCode\": 200}, not %s", text)
	}
	return m[1], nil
}

// mock answers with the integration response of the status that the request
// template chooses.
func (x *exchange) mock(i *shapes.Integration) *failure {
	template, ok := i.RequestTemplates[x.media()]
	if !ok {
		template, ok = i.RequestTemplates["application/json"]
	}
	if !ok {
		return x.internal("mock", fmt.Errorf("no request template for %q", x.media()))
	}
	text, err := x.render(template, string(x.body))
	if err != nil {
		return x.internal("request template", err)
	}
	chosen, err := mockStatus(text)
	if err != nil {
		return x.internal("mock", err)
	}
	return x.respond(i, answer{selects: chosen})
}
