package sample

// httpEvent is what HTTP APIs and function URLs send: payload version 2.0.
type httpEvent struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  httpContext       `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	StageVariables  map[string]string `json:"stageVariables,omitempty"`
}

type httpContext struct {
	AccountID    string           `json:"accountId"`
	APIID        string           `json:"apiId"`
	Authorizer   map[string]any   `json:"authorizer,omitempty"`
	DomainName   string           `json:"domainName"`
	DomainPrefix string           `json:"domainPrefix"`
	HTTP         httpContextOfURL `json:"http"`
	RequestID    string           `json:"requestId"`
	RouteKey     string           `json:"routeKey"`
	Stage        string           `json:"stage"`
	Time         string           `json:"time"`
	TimeEpoch    int64            `json:"timeEpoch"`
}

type httpContextOfURL struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// httpAPIParams are httpParams with what only an HTTP API has.
type httpAPIParams struct {
	Method    string `default:"POST" about:"of the request"`
	Path      string `default:"/my/path" about:"of the request, without its stage"`
	Route     string `default:"$default" about:"the route, such as GET /users/{id}"`
	Query     string `default:"parameter1=value1&parameter1=value2&parameter2=value" about:"as in a URL"`
	Headers   string `default:"header1=value1" about:"further ones: name=value,name=value"`
	Cookies   string `default:"cookie1=value1" about:"as in the Cookie header"`
	Body      string `default:"{\"test\":\"body\"}" about:"of the request"`
	Base64    bool   `default:"false" about:"whether the body is in Base64"`
	Stage     string `default:"$default" about:"of the API"`
	Params    string `default:"" about:"parameters of the path: name=value,name=value"`
	Variables string `default:"" about:"of the stage: name=value,name=value"`
	Claims    string `default:"" about:"of the token that a JWT authorizer has let in: name=value,name=value"`
}

type urlParams struct {
	Method  string `default:"POST" about:"of the request"`
	Path    string `default:"/my/path" about:"of the request"`
	Query   string `default:"parameter1=value1&parameter1=value2&parameter2=value" about:"as in a URL"`
	Headers string `default:"header1=value1" about:"further ones: name=value,name=value"`
	Cookies string `default:"cookie1=value1" about:"as in the Cookie header"`
	Body    string `default:"Hello from client!" about:"of the request"`
	Base64  bool   `default:"false" about:"whether the body is in Base64"`
}

func httpAPI() []Sample {
	return []Sample{
		define("apigateway:http-v2", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html", "a request of an HTTP API", func(m *maker, p httpAPIParams) any {
			return m.http(m.word(10), ".execute-api."+m.Region+".amazonaws.com", p)
		}),
		define("apigateway:http-v1", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html", "a request of an HTTP API, as payload version 1.0", func(m *maker, p proxyParams) any {
			e := m.proxy(p)
			e.Version = "1.0"
			return e
		}),
		define("lambda:url", "https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html", "a request of a function's URL", func(m *maker, p urlParams) any {
			e := m.http(m.word(32), ".lambda-url."+m.Region+".on.aws", httpAPIParams{
				Method: p.Method, Path: p.Path, Route: "$default", Query: p.Query, Headers: p.Headers, Cookies: p.Cookies, Body: p.Body, Base64: p.Base64, Stage: "$default",
			})
			e.RequestContext.AccountID = "anonymous"
			return e
		}),
	}
}

// http makes a request of payload version 2.0.
func (m *maker) http(id, domain string, p httpAPIParams) httpEvent {
	r := (&httpParams{p.Method, p.Path, p.Query, p.Headers, p.Body, p.Base64, p.Stage}).request(id + domain)
	if p.Cookies != "" {
		r.headers["cookie"] = p.Cookies
	}
	r.headers["x-amzn-trace-id"] = m.traceID()
	out := httpEvent{
		Version: "2.0", RouteKey: p.Route, RawPath: r.path, RawQueryString: r.query, Cookies: r.cookies(), Headers: r.headers, Query: r.joined(), Body: r.body,
		PathParameters: orNil(pairs(p.Params)), IsBase64Encoded: r.base64, StageVariables: orNil(pairs(p.Variables)),
		RequestContext: httpContext{
			AccountID: m.Account, APIID: id, DomainName: id + domain, DomainPrefix: id, RequestID: m.word(15) + "=", RouteKey: p.Route, Stage: p.Stage,
			HTTP: httpContextOfURL{r.method, r.path, "HTTP/1.1", clientIP, userAgent}, Time: m.clf(), TimeEpoch: m.Time.UnixMilli(),
		},
	}
	if p.Stage != "$default" {
		out.RawPath = "/" + p.Stage + r.path
		out.RequestContext.HTTP.Path = out.RawPath
	}
	if p.Claims != "" {
		out.RequestContext.Authorizer = map[string]any{"jwt": map[string]any{"claims": pairs(p.Claims), "scopes": nil}}
	}
	return out
}
