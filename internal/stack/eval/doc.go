// Package eval evaluates the functions of a CloudFormation template: it turns
// a value with Ref, Fn::Sub, Fn::If and the others in it into the value that
// they stand for.
//
// Evaluation is partial. What depends on a resource that does not exist yet
// stays in the result as the function call that it is, with everything around
// it already reduced: {"Fn::Join": ["", ["arn:...:", {"Ref": "Table"}]]}. Such a
// result can be evaluated again when more is known, compared with another one,
// and asked which resources it waits for ([References]). Thus one function
// serves to check a template, to find the order of its resources, to plan a
// change and to apply it.
//
// It is pure: it knows no store, no service and no clock. What resources and
// other stacks have to say comes in through the functions of [Env].
//
// Invariants: a value without calls evaluates to itself; a call that remains
// mentions at least one resource that Env.Attribute did not know; what a
// parameter, a resource or another stack returned is never evaluated itself.
//
// The functions are those of
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
package eval
