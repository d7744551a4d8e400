// Package apigateway is Amazon API Gateway's REST APIs: the control plane
// (APIs, resources, methods, integrations, deployments, stages, gateway
// responses) and the data plane that answers an application's HTTP requests
// with Lambda functions, mocks and HTTP back ends.
//
// It does not run functions: it declares [Invoker], which service lambda
// implements. It does not listen: package edge gives it requests that were
// addressed to an API and a stage.
//
// Invariants: what a stage serves is the snapshot of its deployment, so a
// change of a resource or method shows only after the next deployment, as on
// AWS; an API with all that belongs to it is deleted in one transaction; a
// method or integration of a kind that is not built is refused when it is
// defined, never when it is called.
//
// https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
package apigateway
