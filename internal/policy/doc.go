// Package policy is the IAM policy language: it reads policy documents,
// compiles them once, decides requests, and says why.
//
// [Parse] turns a document into an immutable [Doc], or into an [Error] with
// the message that IAM itself gives. A [Set] gathers the documents that apply
// to one request, by the part that they play; [Set.Evaluate] combines them as
// AWS documents and returns a [Decision], which names the statement that
// decided and renders AWS's access denied message. [Set.Explain] goes the same
// way slowly and keeps a trace for people; [GrantFor] renders the smallest
// statement that would have allowed the request.
//
// The package does not know where policies are stored, which policies a
// principal has, nor what a service's actions are called: it is handed a
// request and the documents. It keeps no state and does no I/O.
//
// Invariants:
//   - A Doc never changes after Parse and may be used by any number of
//     goroutines.
//   - An explicit deny in any document wins; without an allow the answer is no.
//   - Context keys are asked for only when a statement that otherwise matches
//     needs them.
//   - Evaluation allocates nothing unless a policy variable is expanded, and
//     no pattern, however hostile, takes more than O(pattern · value) steps.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html
package policy
