// Package apigatewayv2 is Amazon API Gateway's HTTP APIs: the control plane
// (APIs, routes, integrations, authorizers, stages, deployments, models, domain
// names and their mappings) and the data plane that answers an application's
// HTTP requests with Lambda functions and HTTP back ends.
//
// It is not WebSocket APIs, private integrations, integrations with services of
// AWS other than Lambda, or mutual TLS: they are refused, in words that say so,
// when they are defined. REST APIs are service apigateway. It does not run
// functions: it declares [Invoker], which service lambda implements. It does not
// listen: package edge gives it the requests that are addressed to its APIs.
//
// Invariants: what a stage serves is the snapshot of its deployment; a stage
// that deploys by itself has a new one in the transaction of every change, so
// that nobody sees a change half done; an API is deleted in one transaction with
// all that belongs to it.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
package apigatewayv2
