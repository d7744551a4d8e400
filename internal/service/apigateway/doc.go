// Package apigateway is Amazon API Gateway's REST APIs: the control plane
// (APIs, resources, methods, integrations, authorizers, models, validators,
// deployments, stages, gateway responses, API keys, usage plans, domain names)
// and the data plane that answers an application's HTTP requests with Lambda
// functions, mocks and HTTP back ends.
//
// It does not run functions: it declares [Invoker], which service lambda
// implements. It does not listen: package edge gives it requests that were
// addressed to an API and a stage. It has no user pools, no caches of responses
// and no canaries, and enforces no limits that nobody has set: those that an
// account has by default are shown and mean nothing.
//
// Invariants: what a stage serves is the snapshot of its deployment, so a
// change of a resource, a method, an authorizer or a policy shows only after
// the next deployment, as on AWS, while settings of stages, keys and usage plans
// count at once; an API with all that belongs to it is deleted in one
// transaction; a method or integration of a kind that is not built is refused
// when it is defined, never when it is called; what a method asks of requests
// is compiled when its stage is first served, and costs those that ask nothing
// nothing.
//
// https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
package apigateway
