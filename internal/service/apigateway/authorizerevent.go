package apigateway

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/vtl"
)

// authorizerEvent is the input of an authorizer's function: the token, or the
// request without its body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
func (x *exchange) authorizerEvent(a *authorizer, identity []string) []byte {
	b := append([]byte(`{"type":"`), *a.Type...)
	b = append(b, `","methodArn":`...)
	b = wire.AppendString(b, x.executeARN().String())
	b = append(b, ',')
	if a.token {
		b = append(b, `"authorizationToken":`...)
		return append(wire.AppendString(b, identity[0]), '}')
	}
	return append(x.appendRequest(b), '}')
}

// appendCaller writes what the authorizer said of the caller, into the
// requestContext of an event.
func (x *exchange) appendCaller(b []byte) []byte {
	if x.caller.claims != nil {
		b = append(b, `,"authorizer":{"claims":{`...)
		for i, c := range x.caller.claims {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(wire.AppendString(b, c.name), ':')
			b = wire.AppendString(b, c.value)
		}
		return append(b, "}}"...)
	}
	b = append(b, `,"authorizer":{"principalId":`...)
	b = wire.AppendString(b, x.caller.principal)
	b = append(b, `,"integrationLatency":`...)
	b = strconv.AppendInt(b, x.caller.latency, 10)
	for _, p := range x.caller.context {
		b = append(b, ',')
		b = wire.AppendString(b, p.name)
		b = append(b, ':')
		b = wire.AppendString(b, p.value)
	}
	return append(b, '}')
}

// callerVariables is $context.authorizer.
func (x *exchange) callerVariables() *vtl.Map {
	m := &vtl.Map{Quiet: true}
	if x.caller == nil {
		return m
	}
	if x.caller.claims != nil {
		m.Put("claims", x.caller.claimVariables())
		return m
	}
	m.Put("principalId", x.caller.principal)
	m.Put("integrationLatency", x.caller.latency)
	for _, p := range x.caller.context {
		m.Put(p.name, p.value)
	}
	return m
}

// redact hides a text in a log, all but its last characters.
func redact(s string) string {
	const shown = 6
	if len(s) <= shown {
		return strings.Repeat("*", len(s))
	}
	return strings.Repeat("*", len(s)-shown) + s[len(s)-shown:]
}
