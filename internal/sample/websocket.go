package sample

// socketEvent is what a WebSocket API sends.
type socketEvent struct {
	Headers         map[string]string   `json:"headers,omitempty"` // of what opens the connection
	MultiHeaders    map[string][]string `json:"multiValueHeaders,omitempty"`
	Query           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiQuery      map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	RequestContext  socketContext       `json:"requestContext"`
	Body            string              `json:"body,omitempty"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

type socketContext struct {
	RouteKey             string         `json:"routeKey"`
	MessageID            string         `json:"messageId,omitempty"`
	DisconnectStatusCode int64          `json:"disconnectStatusCode,omitempty"`
	DisconnectReason     *string        `json:"disconnectReason,omitempty"`
	EventType            string         `json:"eventType"`
	ExtendedRequestID    string         `json:"extendedRequestId"`
	RequestTime          string         `json:"requestTime"`
	MessageDirection     string         `json:"messageDirection"`
	Stage                string         `json:"stage"`
	ConnectedAt          int64          `json:"connectedAt"`
	RequestTimeEpoch     int64          `json:"requestTimeEpoch"`
	Identity             socketIdentity `json:"identity"`
	RequestID            string         `json:"requestId"`
	DomainName           string         `json:"domainName"`
	ConnectionID         string         `json:"connectionId"`
	APIID                string         `json:"apiId"`
}

type socketIdentity struct {
	UserAgent string `json:"userAgent"`
	SourceIP  string `json:"sourceIp"`
}

type socketParams struct {
	Route      string `default:"" about:"the route (default $connect, $disconnect or $default)"`
	Connection string `default:"" about:"the connection's id"`
	Query      string `default:"" about:"of what opens the connection, as in a URL"`
	Body       string `default:"{\"action\":\"sendMessage\",\"data\":\"Hello!\"}" about:"of the message"`
	Stage      string `default:"prod" about:"of the API"`
}

func webSocket() []Sample {
	const page = "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html"
	event := func(kind, route string) func(*maker, socketParams) any {
		return func(m *maker, p socketParams) any {
			api := m.word(10)
			id := m.word(15) + "="
			c := socketContext{
				RouteKey: p.Route, EventType: kind, ExtendedRequestID: id, RequestTime: m.clf(), MessageDirection: "IN", Stage: p.Stage, ConnectedAt: m.Time.UnixMilli() - 1000,
				RequestTimeEpoch: m.Time.UnixMilli(), Identity: socketIdentity{userAgent, clientIP}, RequestID: id, DomainName: api + ".execute-api." + m.Region + ".amazonaws.com",
				ConnectionID: p.Connection, APIID: api,
			}
			if c.RouteKey == "" {
				c.RouteKey = route
			}
			if c.ConnectionID == "" {
				c.ConnectionID = m.word(15) + "="
			}
			out := socketEvent{RequestContext: c}
			switch kind {
			case "CONNECT":
				r := (&httpParams{Method: "GET", Path: "/", Query: p.Query}).request(c.DomainName)
				r.headers["sec-websocket-key"], r.headers["sec-websocket-version"] = m.word(22)+"==", "13"
				t := r.titled()
				out.Headers, out.MultiHeaders, out.Query, out.MultiQuery = t.headers, t.multi(), r.last(), r.values()
			case "MESSAGE":
				out.RequestContext.MessageID, out.Body = m.word(15)+"=", p.Body
			case "DISCONNECT":
				reason := "Client-side close frame status not set"
				out.RequestContext.DisconnectStatusCode, out.RequestContext.DisconnectReason = 1005, &reason
			}
			return out
		}
	}
	return []Sample{
		define("apigateway:websocket-connect", page, "a connection of a WebSocket API is opened", event("CONNECT", "$connect")),
		define("apigateway:websocket-message", page, "a message of a WebSocket API", event("MESSAGE", "$default")),
		define("apigateway:websocket-disconnect", page, "a connection of a WebSocket API was closed", event("DISCONNECT", "$disconnect")),
	}
}
