package apigateway

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// statusPattern finds the status in the request template of a mock. The
// template is JSON only by custom: API Gateway takes {statusCode: 200} as well.
var statusPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`["']?statusCode["']?\s*:\s*["']?(\d{3})["']?`)
})

// mockStatus is the status that a mock's request template chooses.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
func mockStatus(template string) (int, error) {
	m := statusPattern().FindStringSubmatch(template)
	if m == nil {
		return 0, badRequest("The request template of a MOCK integration must have a statusCode, such as {\"statusCode\": 200}, not %s", template)
	}
	return strconv.Atoi(m[1])
}

// mock answers with the integration response of the status that the request
// template chooses.
func (x *exchange) mock(i *shapes.Integration) *failure {
	media, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	template, ok := i.RequestTemplates[strings.TrimSpace(media)]
	if !ok {
		template, ok = i.RequestTemplates["application/json"]
	}
	if !ok {
		return x.internal("mock", fmt.Errorf("no request template for %q", media))
	}
	chosen, err := mockStatus(template)
	if err != nil {
		return x.internal("mock", err)
	}
	resp, ok := selectResponse(i, chosen)
	if !ok {
		return x.internal("mock", fmt.Errorf("no integration response for status %d", chosen))
	}
	status, err := strconv.Atoi(value(resp.StatusCode))
	if err != nil {
		return x.internal("mock", err)
	}
	head := x.w.Header()
	head.Set("Content-Type", "application/json")
	for name, expr := range resp.ResponseParameters {
		head.Set(strings.TrimPrefix(name, "method.response.header."), x.mapped(expr))
	}
	body := resp.ResponseTemplates["application/json"]
	x.identify(head)
	if status != http.StatusNoContent {
		head.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.w.Write([]byte(body))
	}
	return nil
}

// selectResponse picks the integration response whose selection pattern
// matches the status, else the default one, which has no pattern.
func selectResponse(i *shapes.Integration, status int) (shapes.IntegrationResponse, bool) {
	var def *shapes.IntegrationResponse
	for _, r := range i.IntegrationResponses {
		if value(r.SelectionPattern) == "" {
			if def == nil || value(r.StatusCode) == strconv.Itoa(status) {
				def = &r
			}
			continue
		}
		if ok, err := regexp.MatchString("^(?:"+*r.SelectionPattern+")$", strconv.Itoa(status)); err == nil && ok {
			return r, true
		}
	}
	if def == nil {
		return shapes.IntegrationResponse{}, false
	}
	return *def, true
}
