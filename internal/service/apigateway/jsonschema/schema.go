package jsonschema

import (
	"encoding/json"
	"math/big"

	"github.com/nube-run/nube/internal/regex"
)

// Schema is a compiled schema.
type Schema struct {
	ref  *Schema // all else is ignored beside $ref
	enum []any

	types []string

	multipleOf, minimum, maximum       *bound
	exclusiveMinimum, exclusiveMaximum bool

	minLength, maxLength *int
	pattern              *regex.Regexp
	patternText          string
	format               string

	minItems, maxItems *int
	uniqueItems        bool
	items              *Schema // of all items
	tuple              []*Schema
	moreItems          *Schema // after a tuple
	noMoreItems        bool

	minProperties, maxProperties *int
	required                     []string
	properties                   map[string]*Schema
	patterns                     []patternProperty
	more                         *Schema // of properties that are not named
	noMore                       bool
	dependencies                 map[string]dependency

	allOf, anyOf, oneOf []*Schema
	not                 *Schema
}

// bound is a number of a schema, and how it was written.
type bound struct {
	value *big.Rat
	text  json.Number
}

// patternProperty is the schema of properties whose names match.
type patternProperty struct {
	name   *regex.Regexp
	schema *Schema
}

// dependency is what a property brings with it: names, or a schema.
type dependency struct {
	names  []string
	schema *Schema
}
