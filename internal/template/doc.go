// Package template holds CloudFormation templates as values that know where they were written.
//
// A [Value] is one node of a YAML or JSON document: a scalar, a list or an ordered map, with the file, line and column it
// came from. A [Template] is such a document read as CloudFormation's template anatomy. A [Diagnostic] is a complaint about
// a place in a file, printed with the line and a caret. Everything that turns a user's file into resources (the manifest
// readers, the stack engine, the resource types) speaks these three, so that a wrong property is reported where it was
// typed, however far it travelled.
//
// The package does not evaluate anything: intrinsic functions are kept as the one-field maps that they are in JSON
// ({"Ref": "Table"}), whichever of the three YAML spellings they were written in, and Ref targets are not checked.
//
// Invariants:
//   - A Value is immutable once a reader returned it. Values are shared freely; change means a new Value.
//   - Map keys are unique within a map and keep the order in which they were written.
//   - A scalar keeps its text. Its Kind is what YAML 1.2's core schema (and JSON) makes of it; a reader that knows the
//     expected type asks for it ([Value.AsBool], [Value.AsString], ...) and gets CloudFormation's lenient reading.
//
// Anatomy and syntax follow
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html and
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html.
package template
