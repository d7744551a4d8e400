// Package schema says what the values of a manifest must look like, and reads them so.
//
// A [Schema] is a tree of Go literals: an [Object] lists the keys of a map, a [List] its elements, [OneOf] the alternatives.
// [Check] holds a value against it. What does not fit is reported where it was written, with the key that was probably
// meant; what fits after a harmless change ("512" for a number, a single text for a list) is returned changed. The rules of
// those changes are the Framework's, which are Ajv's with coerceTypes "array",
// https://ajv.js.org/coercion.html, so that a manifest means here what it means there.
//
// Nulls in maps fit every schema: an absent value and a null are the same to the formats that this package describes.
package schema
