package sample

// proxyEvent is what a REST API sends to a function behind a proxy integration:
// payload version 1.0.
type proxyEvent struct {
	Version         string              `json:"version,omitempty"` // of HTTP APIs alone
	Resource        string              `json:"resource"`
	Path            string              `json:"path"`
	HTTPMethod      string              `json:"httpMethod"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"`
	Query           map[string]string   `json:"queryStringParameters"`
	MultiQuery      map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters  map[string]string   `json:"pathParameters"`
	StageVariables  map[string]string   `json:"stageVariables"`
	RequestContext  proxyContext        `json:"requestContext"`
	Body            *string             `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

type proxyContext struct {
	AccountID         string         `json:"accountId"`
	APIID             string         `json:"apiId"`
	Authorizer        map[string]any `json:"authorizer,omitempty"`
	DomainName        string         `json:"domainName"`
	DomainPrefix      string         `json:"domainPrefix"`
	ExtendedRequestID string         `json:"extendedRequestId"`
	HTTPMethod        string         `json:"httpMethod"`
	Identity          proxyIdentity  `json:"identity"`
	Path              string         `json:"path"`
	Protocol          string         `json:"protocol"`
	RequestID         string         `json:"requestId"`
	RequestTime       string         `json:"requestTime"`
	RequestTimeEpoch  int64          `json:"requestTimeEpoch"`
	ResourceID        string         `json:"resourceId"`
	ResourcePath      string         `json:"resourcePath"`
	Stage             string         `json:"stage"`
}

type proxyIdentity struct {
	AccessKey                     *string `json:"accessKey"`
	AccountID                     *string `json:"accountId"`
	APIKey                        *string `json:"apiKey,omitempty"`
	APIKeyID                      *string `json:"apiKeyId,omitempty"`
	Caller                        *string `json:"caller"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	SourceIP                      string  `json:"sourceIp"`
	User                          *string `json:"user"`
	UserAgent                     string  `json:"userAgent"`
	UserARN                       *string `json:"userArn"`
}

// proxyParams are httpParams with what only a REST API has.
type proxyParams struct {
	Method    string `default:"POST" about:"of the request"`
	Path      string `default:"/path/to/resource" about:"of the request, without its stage"`
	Resource  string `default:"/{proxy+}" about:"the route that the path matches"`
	Query     string `default:"foo=bar" about:"as in a URL"`
	Headers   string `default:"" about:"further ones: name=value,name=value"`
	Body      string `default:"{\"test\":\"body\"}" about:"of the request"`
	Base64    bool   `default:"false" about:"whether the body is in Base64"`
	Stage     string `default:"prod" about:"of the API"`
	Principal string `default:"" about:"whom an authorizer has let in"`
	Params    string `default:"proxy=path/to/resource" about:"parameters of the path: name=value,name=value"`
	Variables string `default:"" about:"of the stage: name=value,name=value"`
}

func (p *proxyParams) http() *httpParams {
	return &httpParams{p.Method, p.Path, p.Query, p.Headers, p.Body, p.Base64, p.Stage}
}

func apiGateway() []Sample {
	return []Sample{
		define("apigateway:proxy", "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html", "a request of a REST API", func(m *maker, p proxyParams) any {
			return m.proxy(p)
		}),
	}
}

// proxy makes a request of a REST API.
func (m *maker) proxy(p proxyParams) proxyEvent {
	api := m.word(10)
	host := api + ".execute-api." + m.Region + ".amazonaws.com"
	h := p.http().request(host)
	h.headers["x-amzn-trace-id"] = m.traceID()
	r := h.titled()
	out := proxyEvent{
		Resource: p.Resource, Path: r.path, HTTPMethod: r.method, Headers: r.headers, MultiHeaders: r.multi(), Query: r.last(), MultiQuery: r.values(),
		PathParameters: orNil(pairs(p.Params)), StageVariables: orNil(pairs(p.Variables)), Body: text(r.body), IsBase64Encoded: r.base64,
		RequestContext: proxyContext{
			AccountID: m.Account, APIID: api, DomainName: host, DomainPrefix: api, ExtendedRequestID: m.word(15) + "=", HTTPMethod: r.method,
			Identity: proxyIdentity{SourceIP: clientIP, UserAgent: userAgent}, Path: "/" + p.Stage + r.path, Protocol: "HTTP/1.1", RequestID: m.uuid(),
			RequestTime: m.clf(), RequestTimeEpoch: m.Time.UnixMilli(), ResourceID: m.word(6), ResourcePath: p.Resource, Stage: p.Stage,
		},
	}
	if p.Principal != "" {
		out.RequestContext.Authorizer = map[string]any{"principalId": p.Principal, "integrationLatency": 12}
	}
	return out
}

// orNil is nil for an empty map, which JSON then writes null.
func orNil(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}
