// Package oidc verifies JSON Web Tokens of issuers of OpenID Connect: it finds
// an issuer's keys by its configuration, keeps them, and checks signature,
// issuer, audience and times of tokens, as JWT authorizers of HTTP APIs do.
//
// It issues nothing and knows no scopes: what a token may do is its caller's to
// decide.
//
// Invariants: a token whose algorithm is not one of those with a public key is
// never valid; claims are returned only of tokens that are valid in everything;
// keys are asked for again when a token names one that is not known, but not
// more often than every few seconds.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
// RFC 7515, RFC 7517, RFC 7518, RFC 7519; OpenID Connect Discovery 1.0
package oidc
