// Package jsonschema validates JSON against schemas of JSON Schema draft 4, the
// language of API Gateway's models.
//
// It is not a general implementation: references lead into the document itself
// or to what [Compile]'s caller resolves, never over the network, and a keyword
// that draft 4 does not have is ignored, as the draft says. What is wrong with
// an instance is said in the words of the validator that API Gateway uses, which
// $context.error.validationErrorString shows.
//
// Invariants: a compiled schema is immutable and safe for concurrent use;
// validation ends for every instance, because references to themselves without
// a step into the instance are refused when the schema is compiled.
//
// https://datatracker.ietf.org/doc/html/draft-fge-json-schema-validation-00
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
package jsonschema
