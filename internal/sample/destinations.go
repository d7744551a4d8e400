package sample

import "encoding/json"

// destinationEvent is what Lambda sends to the destination of an asynchronous
// invocation.
type destinationEvent struct {
	Version         string              `json:"version"`
	Timestamp       string              `json:"timestamp"`
	RequestContext  destinationRequest  `json:"requestContext"`
	RequestPayload  json.RawMessage     `json:"requestPayload"`
	ResponseContext destinationResponse `json:"responseContext"`
	ResponsePayload any                 `json:"responsePayload"`
}

type destinationRequest struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int64  `json:"approximateInvokeCount"`
}

type destinationResponse struct {
	StatusCode      int64  `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

type destinationParams struct {
	Function string `default:"my-function" about:"the function's name"`
	Payload  string `default:"{\"ORDER_IDS\":[\"9e07af03-ce31-4ff3-xmpl-36dce652cb4f\"]}" about:"the event of the invocation, JSON"`
	Response string `default:"{\"status\":\"ok\"}" about:"what the function has answered, JSON"`
	Error    string `default:"something went wrong" about:"the error's message, of a failure"`
}

func destinations() []Sample {
	const page = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
	event := func(condition string) func(*maker, destinationParams) any {
		return func(m *maker, p destinationParams) any {
			e := destinationEvent{
				Version: "1.0", Timestamp: m.iso(), RequestPayload: parsed[json.RawMessage](m, "payload", p.Payload),
				RequestContext:  destinationRequest{m.uuid(), m.arn("lambda", "function:"+p.Function+":$LATEST"), condition, 1},
				ResponseContext: destinationResponse{StatusCode: 200, ExecutedVersion: "$LATEST"}, ResponsePayload: parsed[json.RawMessage](m, "response", p.Response),
			}
			if condition == "RetriesExhausted" {
				e.RequestContext.ApproximateInvokeCount, e.ResponseContext.FunctionError = 3, "Unhandled"
				e.ResponsePayload = struct {
					Message string `json:"errorMessage"`
				}{p.Error}
			}
			return e
		}
	}
	return []Sample{
		define("lambda:destination-success", page, "an asynchronous invocation has succeeded", event("Success")),
		define("lambda:destination-failure", page, "an asynchronous invocation has failed for good", event("RetriesExhausted")),
	}
}
