package sample

// albEvent is what a load balancer sends to a function in a target group.
type albEvent struct {
	RequestContext  albContext        `json:"requestContext"`
	HTTPMethod      string            `json:"httpMethod"`
	Path            string            `json:"path"`
	Query           map[string]string `json:"queryStringParameters"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type albContext struct {
	ELB albTarget `json:"elb"`
}

type albTarget struct {
	TargetGroupARN string `json:"targetGroupArn"`
}

type albParams struct {
	Method  string `default:"GET" about:"of the request"`
	Path    string `default:"/lambda" about:"of the request"`
	Query   string `default:"query=1234ABCD" about:"as in a URL"`
	Headers string `default:"" about:"further ones: name=value,name=value"`
	Body    string `default:"" about:"of the request"`
	Base64  bool   `default:"false" about:"whether the body is in Base64"`
	Group   string `default:"my-target-group" about:"the target group's name"`
}

func loadBalancer() []Sample {
	return []Sample{define("alb:request", "https://docs.aws.amazon.com/lambda/latest/dg/services-alb.html", "a request of a load balancer", func(m *maker, p albParams) any {
		r := (&httpParams{Method: p.Method, Path: p.Path, Query: p.Query, Headers: p.Headers, Body: p.Body, Base64: p.Base64}).request("my-load-balancer-1234567890." + m.Region + ".elb.amazonaws.com")
		r.headers["x-amzn-trace-id"] = m.traceID()
		query := r.last()
		if query == nil {
			query = map[string]string{}
		}
		return albEvent{
			RequestContext: albContext{albTarget{m.arn("elasticloadbalancing", "targetgroup/"+p.Group+"/"+m.hex(16))}}, HTTPMethod: r.method, Path: r.path, Query: query,
			Headers: r.headers, Body: r.body, IsBase64Encoded: r.base64,
		}
	})}
}
