package sample

// tokenEvent is what a REST API sends to an authorizer of type TOKEN.
type tokenEvent struct {
	Type      string `json:"type"`
	Token     string `json:"authorizationToken"`
	MethodARN string `json:"methodArn"`
}

// requestEvent is what a REST API sends to an authorizer of type REQUEST.
type requestEvent struct {
	Type           string              `json:"type"`
	MethodARN      string              `json:"methodArn"`
	Resource       string              `json:"resource"`
	Path           string              `json:"path"`
	HTTPMethod     string              `json:"httpMethod"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters map[string]string   `json:"pathParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	RequestContext requestContext      `json:"requestContext"`
}

type requestContext struct {
	Path         string          `json:"path"`
	AccountID    string          `json:"accountId"`
	ResourceID   string          `json:"resourceId"`
	Stage        string          `json:"stage"`
	RequestID    string          `json:"requestId"`
	Identity     requestIdentity `json:"identity"`
	ResourcePath string          `json:"resourcePath"`
	HTTPMethod   string          `json:"httpMethod"`
	APIID        string          `json:"apiId"`
}

type requestIdentity struct {
	APIKey   string `json:"apiKey,omitempty"`
	SourceIP string `json:"sourceIp"`
}

// httpAuthorizerEvent is what an HTTP API sends to an authorizer whose payload
// has version 2.0.
type httpAuthorizerEvent struct {
	Version        string            `json:"version"`
	Type           string            `json:"type"`
	RouteARN       string            `json:"routeArn"`
	IdentitySource []string          `json:"identitySource"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext httpContext       `json:"requestContext"`
	PathParameters map[string]string `json:"pathParameters,omitempty"`
	StageVariables map[string]string `json:"stageVariables,omitempty"`
}

type tokenParams struct {
	Token  string `default:"Bearer incoming-client-token" about:"of the request"`
	Method string `default:"GET" about:"of the request"`
	Path   string `default:"/request" about:"of the request, without its stage"`
	Stage  string `default:"prod" about:"of the API"`
}

type requestParams struct {
	Token  string `default:"Bearer incoming-client-token" about:"in the header Authorization"`
	Method string `default:"GET" about:"of the request"`
	Path   string `default:"/request" about:"of the request, without its stage"`
	Query  string `default:"QueryString1=queryValue1" about:"as in a URL"`
	Stage  string `default:"prod" about:"of the API"`
}

func authorizers() []Sample {
	const page = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html"
	return []Sample{
		define("apigateway:authorizer-token", page, "a REST API asks an authorizer of type TOKEN", func(m *maker, p tokenParams) any {
			return tokenEvent{"TOKEN", p.Token, m.arn("execute-api", m.word(10)+"/"+p.Stage+"/"+p.Method+p.Path)}
		}),
		define("apigateway:authorizer-request", page, "a REST API asks an authorizer of type REQUEST", func(m *maker, p requestParams) any {
			e := m.proxy(proxyParams{Method: p.Method, Path: p.Path, Resource: p.Path, Query: p.Query, Headers: "authorization=" + p.Token, Stage: p.Stage})
			c := e.RequestContext
			return requestEvent{
				Type: "REQUEST", MethodARN: m.arn("execute-api", c.APIID+"/"+p.Stage+"/"+e.HTTPMethod+e.Path), Resource: e.Resource, Path: e.Path, HTTPMethod: e.HTTPMethod,
				Headers: e.Headers, MultiHeaders: e.MultiHeaders, Query: e.Query, MultiQuery: e.MultiQuery, PathParameters: map[string]string{}, StageVariables: map[string]string{},
				RequestContext: requestContext{
					Path: c.Path, AccountID: c.AccountID, ResourceID: c.ResourceID, Stage: c.Stage, RequestID: c.RequestID, Identity: requestIdentity{SourceIP: clientIP},
					ResourcePath: c.ResourcePath, HTTPMethod: c.HTTPMethod, APIID: c.APIID,
				},
			}
		}),
		define("apigateway:authorizer-http-v2", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html", "an HTTP API asks a Lambda authorizer", func(m *maker, p requestParams) any {
			route := p.Method + " " + p.Path
			e := m.http(m.word(10), ".execute-api."+m.Region+".amazonaws.com", httpAPIParams{
				Method: p.Method, Path: p.Path, Route: route, Query: p.Query, Headers: "authorization=" + p.Token, Cookies: "cookie1=value1", Stage: p.Stage,
			})
			return httpAuthorizerEvent{
				Version: "2.0", Type: "REQUEST", RouteARN: m.arn("execute-api", e.RequestContext.APIID+"/"+p.Stage+"/"+p.Method+p.Path), IdentitySource: []string{p.Token},
				RouteKey: route, RawPath: e.RawPath, RawQueryString: e.RawQueryString, Cookies: e.Cookies, Headers: e.Headers, Query: e.Query, RequestContext: e.RequestContext,
			}
		}),
	}
}
