// Package arn holds Amazon Resource Names: the one way in which everything on
// the platform names everything else.
//
// An [ARN] is the text itself, so it is comparable, a map key, a JSON string
// and a store key without conversion; its parts are cut out on demand, which
// costs a few nanoseconds and never allocates. [Scope] builds the names of the
// resources that the platform offers, so that no service spells out a format
// of its own. [Match] and [Glob] are IAM's wildcards.
//
// It is not a registry of resource types (that is iamdata) and it resolves
// nothing: whether a resource exists is the business of its service.
//
// Invariants:
//   - A value that came from [Parse], [New] or a constructor has six
//     colon-separated parts of which partition, service and resource are not
//     empty, and String returns exactly what was parsed.
//   - The zero ARN is "no resource"; its parts are all empty.
//
// Format: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
package arn
