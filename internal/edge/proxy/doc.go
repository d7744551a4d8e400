// Package proxy turns HTTP requests into the events of functions and what
// functions answer into HTTP responses, in the payload formats 1.0 and 2.0 that
// HTTP APIs and function URLs have in common, and answers for CORS in the way
// that both do.
//
// It knows neither routes nor functions: who calls it has found both, and says
// in a [Request] what it has found. REST APIs have a format of their own, which
// is service apigateway's.
//
// Invariants: names of headers are lower case in every event; a body is given as
// text exactly when its media type is text and it is not compressed, and in
// base64 otherwise, so that no byte is lost; an answer that is not in the format
// is an error, never half a response.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
package proxy
