// Package expr is DynamoDB's expression language: condition, filter, key condition, projection and update expressions,
// and the legacy parameters that came before them, which become the same trees.
//
// An expression is parsed once (ParseCondition, ParseUpdate, ParseProjection; a [Cache] keeps the results), bound to the
// names and values of a request with [Bindings], and then evaluated against items without further checks. Errors are
// DynamoDB's own messages, in the order in which DynamoDB finds them; they are the text of a ValidationException.
//
// The package knows no tables: what depends on a key schema (key attributes in an update, filters on keys) the service
// asks about the bound expression's paths.
//
// Invariants: parsed and bound expressions are immutable and safe for concurrent use, and evaluation is pure. The depth of
// recursion is bounded, by the size limit of 4 KB and by the depth limit of values.
//
// Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html; limits:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
package expr
