// Package stack turns templates into resources: it is the engine behind nube
// up and behind the CloudFormation API.
//
// A template is compiled (package eval evaluates its functions, package schema
// knows its types' properties) into a graph of resources. The engine compares
// the graph with what the stack's resources are, calls the [Provider] of each
// type in dependency order, independent ones in parallel, and removes what is
// no longer wanted afterwards. When something fails it takes everything back in
// the reverse order. Statuses, events and the words in them are
// CloudFormation's.
//
// It knows no service and no resource type: types come in as [Type] values
// (package resource makes them), and what they do stands behind their provider.
// It is not the CloudFormation API either; that is package
// service/cloudformation, which calls this one.
//
// # Crashes
//
// An operation is a row in the store, and every step of it is recorded twice:
// the intent before the call of the provider, with the physical id or the name
// it will have, and the result after it. [Engine.Start] goes on with the
// operations that a crash interrupted. A step whose intent has no result is
// called again with the same id and [Request.Again], which tells the provider
// to accept what it finds done. What a step decided is never decided again in a
// different way: the rest follows from the recorded state alone.
//
// # Layout
//
// All keys are in the cell's subspace of the service "cloudformation",
// generation 0, see layout.go and its golden file:
//
//	name/<stack>            id of the stack that has the name
//	stack/<id>              the stack
//	body/<id>/now           its template
//	body/<id>/next          the template of the update under way
//	op/<id>                 the operation under way, or the one whose rollback failed
//	res/<id>/<logical id>   a resource
//	event/<id>/<stamp>      what happened
//	set/<id>/<change set>   a change set
//	active/<id>             an operation is under way
//	export/<name>           an exported value
//	import/<name>/<id>      the stack imports it
//
// # Invariants
//
//   - A template that names an unknown type, property, attribute, parameter or
//     resource is refused before anything is changed.
//   - A stack has at most one operation under way, and one runner: each commit
//     checks the runner's fence, so a runner that was replaced stops.
//   - A replaced resource stays what it is until the update has succeeded.
//   - A resource that is not this stack's is never adopted and never deleted.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/Welcome.html
package stack
