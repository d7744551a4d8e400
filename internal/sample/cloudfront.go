package sample

import "strings"

// edgeEvent is what CloudFront sends to a function at its edge.
type edgeEvent struct{ Records []edgeRecord }

type edgeRecord struct {
	CF edgeDetail `json:"cf"`
}

type edgeDetail struct {
	Config   edgeConfig    `json:"config"`
	Request  edgeRequest   `json:"request"`
	Response *edgeResponse `json:"response,omitempty"`
}

type edgeConfig struct {
	DistributionDomainName string `json:"distributionDomainName"`
	DistributionID         string `json:"distributionId"`
	EventType              string `json:"eventType"`
	RequestID              string `json:"requestId"`
}

type edgeRequest struct {
	ClientIP    string                  `json:"clientIp"`
	Headers     map[string][]edgeHeader `json:"headers"`
	Method      string                  `json:"method"`
	QueryString string                  `json:"querystring"`
	URI         string                  `json:"uri"`
}

type edgeResponse struct {
	Headers           map[string][]edgeHeader `json:"headers"`
	Status            string                  `json:"status"`
	StatusDescription string                  `json:"statusDescription"`
}

type edgeHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type edgeParams struct {
	Method string `default:"GET" about:"of the request"`
	URI    string `default:"/picture.jpg" about:"of the request, without its query"`
	Query  string `default:"size=large" about:"as in a URL"`
	Host   string `default:"d123.cf.net" about:"the distribution's name"`
}

func cloudFront() []Sample {
	const page = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html"
	headers := func(pairs ...string) map[string][]edgeHeader {
		out := map[string][]edgeHeader{}
		for i := 0; i < len(pairs); i += 2 {
			out[strings.ToLower(pairs[i])] = []edgeHeader{{pairs[i], pairs[i+1]}}
		}
		return out
	}
	event := func(kind string) func(*maker, edgeParams) any {
		return func(m *maker, p edgeParams) any {
			d := edgeDetail{
				Config:  edgeConfig{p.Host, "E" + strings.ToUpper(m.word(13)), kind, m.word(54) + "=="},
				Request: edgeRequest{clientIP, headers("Host", p.Host, "User-Agent", userAgent, "Accept", "*/*"), p.Method, p.Query, p.URI},
			}
			if strings.HasSuffix(kind, "response") {
				d.Response = &edgeResponse{headers("Content-Type", "text/html; charset=utf-8", "Server", "CustomOriginServer", "Date", m.Time.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")), "200", "OK"}
			}
			return edgeEvent{[]edgeRecord{{d}}}
		}
	}
	return []Sample{
		define("cloudfront:viewer-request", page, "a viewer asks CloudFront", event("viewer-request")),
		define("cloudfront:origin-request", page, "CloudFront asks the origin", event("origin-request")),
		define("cloudfront:origin-response", page, "the origin has answered CloudFront", event("origin-response")),
		define("cloudfront:viewer-response", page, "CloudFront answers a viewer", event("viewer-response")),
	}
}
