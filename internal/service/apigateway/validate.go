package apigateway

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/service/apigateway/jsonschema"
)

// requestParameter reads the name of a parameter of a method's request, such as
// method.request.querystring.page.
func requestParameter(name string) (place, parameter string, ok bool) {
	rest, ok := strings.CutPrefix(name, "method.request.")
	place, parameter, cut := strings.Cut(rest, ".")
	switch place {
	case "header", "path", "querystring", "multivalueheader", "multivaluequerystring":
		return place, parameter, ok && cut && parameter != ""
	}
	return "", "", false
}

// validate holds a request to what its method wants of parameters and body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
func (x *exchange) validate(g *gate) *failure {
	var missing []string
	for _, name := range g.required {
		if place, parameter, _ := requestParameter(name); !x.given(place, parameter) {
			missing = append(missing, parameter)
		}
	}
	if missing != nil {
		return &failure{"BAD_REQUEST_PARAMETERS", http.StatusBadRequest, "BadRequestException", "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"}
	}
	if !g.body {
		return nil
	}
	return x.validateBody(g)
}

// given reports whether a request has a parameter, and something in it.
func (x *exchange) given(place, name string) bool {
	v := ""
	switch place {
	case "path":
		v = x.params[name]
	case "header", "multivalueheader":
		v = x.header(name)
	default:
		v = strings.Join(x.r.URL.Query()[name], "")
	}
	return strings.TrimSpace(v) != ""
}

// validateBody holds the body to the model of its media type. A body whose type
// has no model passes: what becomes of it is the integration's pass-through
// behaviour to say. No body at all is an empty object.
func (x *exchange) validateBody(g *gate) *failure {
	schema := g.bodies[x.media()]
	if schema == nil {
		return nil
	}
	body := x.body
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	v, err := jsonschema.Parse(body)
	if err != nil {
		return x.invalidBody([]string{"the body is " + err.Error()})
	}
	if found := schema.Validate(v); found != nil {
		return x.invalidBody(found)
	}
	return nil
}

func (x *exchange) invalidBody(found []string) *failure {
	x.invalid = jsonschema.Report(found)
	x.say(levelError, "Request body does not match model schema for content type %s: %s", x.media(), x.invalid)
	return &failure{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Invalid request body"}
}
