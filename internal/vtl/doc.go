// Package vtl is the part of Apache Velocity's template language that Amazon
// API Gateway's mapping templates are written in: references, #set, #if,
// #foreach, #define, comments and expressions, with the methods of Java's
// strings, lists and maps that templates call.
//
// [Parse] makes an immutable [Template], [Template.Execute] runs it with a set
// of variables. The package knows nothing of API Gateway: $input, $context and
// $util are variables that a caller gives. It has no macros, and it reads no
// files: #macro, #parse, #include and #evaluate are errors of [Parse].
//
// Velocity's version is 1.7, as far as AWS's documentation lets one tell:
// names may contain hyphens, strings have no escape sequences, only null and
// false are false, and a reference to nothing prints itself.
//
// Invariants: a template may be executed by any number of goroutines at the
// same time; every execution ends, and neither it nor its result can grow
// beyond fixed limits, whatever the template says; every error has a line and
// a column.
//
// https://velocity.apache.org/engine/1.7/vtl-reference.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html
package vtl
