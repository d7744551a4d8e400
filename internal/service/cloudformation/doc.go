// Package cloudformation is AWS CloudFormation's API: the other door of the
// stack engine, through which existing deploy tools work.
//
// It reads requests, checks what the API asks for besides the template
// (capabilities, roles, tokens), and shows what the engine knows in the API's
// shapes. What a template means and how it is applied is package stack's.
//
// What is not built is refused by name: templates in S3, stack policies,
// rollback triggers, notifications, imports of existing resources, nested
// stacks, stack sets, drift detection.
//
// Invariants: the caller of an operation on a stack, or the service role that
// it passes, is the one for whom the stack's resources are made; a value that a
// template declares NoEcho is never shown.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
package cloudformation
