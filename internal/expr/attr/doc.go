// Package attr is DynamoDB's AttributeValue: a value, and an item (a map of names to values), each held as one string in
// the compact encoding that is also what the store keeps.
//
// A request's JSON is scanned once, straight into that encoding; a put stores the bytes, a get appends JSON from them,
// and a condition looks only at the attributes that it names. Nothing is reflected upon and nothing is boxed.
//
// Invariants:
//
//   - The encoding is canonical: map entries are sorted by name, set members by value, numbers are normalised. Two values
//     are equal in DynamoDB's sense exactly when they are == in Go's.
//   - Values are immutable; parts of a value are substrings of it and share its memory.
//   - The zero Value and the zero Item mean "absent". An empty map or an empty item is not absent.
//   - A value that is well-formed JSON but that DynamoDB refuses (two types at once, an empty set, a bad number) is kept as
//     an invalid value that carries AWS's message: the service reports it in the order in which AWS checks a request, and
//     with the prefix of the parameter that it arrived in. No other function of this package accepts an invalid value
//     as anything but a leaf.
//
// The package knows nothing of tables, keys or expressions. The encoding is stored on disk: changing it needs a new
// version in the store's key layout, and the golden test says so.
//
// Facts: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
package attr
