package apigateway

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/regex"
	"github.com/nube-run/nube/internal/vtl"
)

// answer is what a back end answered, before it is mapped to a response.
type answer struct {
	selects string // what selection patterns are matched against
	header  http.Header
	body    string
}

// media is the request's media type, which chooses the request's template.
func (x *exchange) media() string {
	media, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	if media = strings.ToLower(strings.TrimSpace(media)); media == "" {
		return "application/json"
	}
	return media
}

// respond maps the answer of a back end to the response of the method.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
func (x *exchange) respond(i *shapes.Integration, a answer) *failure {
	resp, ok, err := x.plan.selectResponse(i, a.selects)
	if err != nil {
		return x.internal("integration response", err)
	}
	if !ok {
		return x.internal("integration response", fmt.Errorf("none for %q, and no default one", a.selects))
	}
	status, err := strconv.Atoi(value(resp.StatusCode))
	if err != nil {
		return x.internal("integration response", err)
	}
	head := http.Header{"Content-Type": {"application/json"}}
	for name, expr := range resp.ResponseParameters {
		v, err := x.mappedResponse(expr, a)
		if err != nil {
			return x.internal("mapping "+name, err)
		}
		if v != "" {
			head.Set(strings.TrimPrefix(name, "method.response.header."), v)
		}
	}
	body := a.body
	if media, text, ok := x.responseTemplate(resp.ResponseTemplates); ok {
		if body, err = x.render(text, a.body); err != nil {
			return x.internal("response template for "+media, err)
		}
		if head.Get("Content-Type") == "application/json" {
			head.Set("Content-Type", media)
		}
	}
	if value(resp.ContentHandling) == toBinary {
		if body, err = decoded(body); err != nil {
			return x.internal("integration response", err)
		}
	}
	for k, v := range x.overrides("responseOverride", "header") {
		head.Set(k, v)
	}
	if status, err = x.overriddenStatus(status); err != nil {
		return x.internal("response", err)
	}
	maps.Copy(x.w.Header(), head)
	x.identify(x.w.Header())
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.w.Write([]byte(body))
	}
	return nil
}

// overriddenStatus is the status that a template set, if one did.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
func (x *exchange) overriddenStatus(status int) (int, error) {
	if x.context == nil {
		return status, nil
	}
	v, err := find(x.context, "$.responseOverride.status")
	if err != nil || v == nil {
		return status, err
	}
	text, err := vtl.Text(v)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 || n > 599 {
		return 0, fmt.Errorf("a template set the status %q", text)
	}
	return n, nil
}

// responseTemplate is the template for what the caller accepts, else the one
// for JSON, else the first.
func (x *exchange) responseTemplate(templates map[string]string) (media, text string, ok bool) {
	if len(templates) == 0 {
		return "", "", false
	}
	accepted, _, _ := strings.Cut(firstMedia(x.r.Header.Get("Accept")), ";")
	for _, media := range []string{accepted, "application/json", slices.Min(slices.Collect(maps.Keys(templates)))} {
		if text, ok := templates[media]; ok {
			return media, text, true
		}
	}
	return "", "", false
}

// selectResponse picks the integration response whose selection pattern
// matches, else the default one, which has no pattern.
func (p *plan) selectResponse(i *shapes.Integration, selects string) (resp shapes.IntegrationResponse, ok bool, err error) {
	for _, code := range slices.Sorted(maps.Keys(i.IntegrationResponses)) {
		r := i.IntegrationResponses[code]
		if value(r.SelectionPattern) == "" {
			if !ok || value(r.StatusCode) == selects {
				resp, ok = r, true
			}
			continue
		}
		re, err := p.pattern(*r.SelectionPattern)
		if err != nil {
			return resp, false, err
		}
		if re.MatchString(selects) {
			return r, true, nil
		}
	}
	return resp, ok, nil
}

// pattern is a compiled selection pattern; a stage compiles each once.
func (p *plan) pattern(text string) (*regex.Regexp, error) {
	if re, ok := p.patterns.Load(text); ok {
		return re.(*regex.Regexp), nil
	}
	re, err := regex.CompileWhole(text)
	if err == nil {
		p.patterns.Store(text, re)
	}
	return re, err
}

// mappedResponse is the value of a header mapping of an integration response.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html#mapping-response-parameters
func (x *exchange) mappedResponse(expr string, a answer) (string, error) {
	if name, ok := strings.CutPrefix(expr, "integration.response.header."); ok {
		return a.header.Get(name), nil
	}
	if name, ok := strings.CutPrefix(expr, "integration.response.multivalueheader."); ok {
		return strings.Join(a.header.Values(name), ","), nil
	}
	if expr == "integration.response.body" {
		return a.body, nil
	}
	if path, ok := strings.CutPrefix(expr, "integration.response.body."); ok {
		return bodyText(a.body, path)
	}
	return x.mappedCommon(expr)
}

// mappedRequest is the value of a mapping of a request's parameter.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html#mapping-request-parameters
func (x *exchange) mappedRequest(expr string) (string, error) {
	if name, ok := strings.CutPrefix(expr, "method.request.header."); ok {
		return x.header(name), nil
	}
	if name, ok := strings.CutPrefix(expr, "method.request.querystring."); ok {
		vs := x.r.URL.Query()[name]
		return strings.Join(vs[max(len(vs)-1, 0):], ""), nil
	}
	if name, ok := strings.CutPrefix(expr, "method.request.multivalueheader."); ok {
		return strings.Join(x.r.Header.Values(name), ","), nil
	}
	if name, ok := strings.CutPrefix(expr, "method.request.multivaluequerystring."); ok {
		return strings.Join(x.r.URL.Query()[name], ","), nil
	}
	if name, ok := strings.CutPrefix(expr, "method.request.path."); ok {
		return x.params[name], nil
	}
	if expr == "method.request.body" {
		return string(x.body), nil
	}
	if path, ok := strings.CutPrefix(expr, "method.request.body."); ok {
		return bodyText(string(x.body), path)
	}
	return x.mappedCommon(expr)
}

// mappedCommon is a literal, or a variable of the context or the stage.
func (x *exchange) mappedCommon(expr string) (string, error) {
	if path, ok := strings.CutPrefix(expr, "context."); ok {
		if x.context == nil {
			x.context = x.contextVariables()
		}
		v, err := find(x.context, "$."+path)
		if err != nil || v == nil {
			return "", err
		}
		return vtl.Text(v)
	}
	if name, ok := strings.CutPrefix(expr, "stageVariables."); ok {
		return x.plan.stage.Variables[name], nil
	}
	return strings.Trim(expr, "'"), nil
}

// bodyText is a value of a JSON body as text: strings as they are, all else as
// JSON.
func bodyText(body, path string) (string, error) {
	if !strings.HasPrefix(path, "$") {
		path = "$." + path
	}
	v, err := find(payload(body), path)
	if err != nil || v == nil {
		return "", err
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return vtl.JSON(v)
}

// checkMapped refuses sources of a mapping that are not known. The literals
// true and false need no quotes.
func checkMapped(expr string, prefixes ...string) error {
	if len(expr) >= 2 && expr[0] == '\'' && expr[len(expr)-1] == '\'' || expr == "true" || expr == "false" {
		return nil
	}
	for _, prefix := range append(prefixes, "context.", "stageVariables.") {
		if rest, ok := strings.CutPrefix(expr, prefix); ok && rest != "" {
			return nil
		}
	}
	return badRequest("Invalid mapping expression specified: %s", expr)
}
