// Package pattern matches JSON events against event patterns: the rules of an
// EventBridge bus, the filters of Lambda's event source mappings and of pipes,
// and SNS filter policies, which are one language with small differences
// ([Dialect]).
//
// A pattern is an object whose leaves are arrays of alternatives. An event
// matches when each leaf of the pattern has a value in the event that one of its
// alternatives accepts. An event is seen as fields: paths of names joined by
// dots, each with its values. An array of values is many values of one path, and
// one that matches is enough. Of an array of objects, the fields that match must
// be those of one object. A path that leads to an object, or to an empty array,
// is no field: it exists as little as one that is not there. The names of a
// pattern may be joined by dots as well.
//
// $or, an array of at least two objects, makes alternatives of whole parts of a
// pattern. Compile multiplies them out, so a pattern is a number of
// combinations, each a set of fields, and limits are on those.
//
// [Set] finds those of many patterns that match one event, in a time that
// depends on how many come into question and hardly on how many there are: each
// combination is filed under the values of one of its fields, and only what is
// filed under the values of the event is looked at.
//
// It is not a query language over stored data (package expr is) and knows no
// service: who asks makes the JSON.
//
// Invariants: a compiled pattern is immutable and safe for concurrent use; what
// is not JSON matches nothing; a Set answers as its patterns would one by one.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
package pattern
