package jsonschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate returns what is wrong with a value, as [Parse] reads it; nothing when
// it is valid.
func (s *Schema) Validate(v any) []string {
	c := &checker{}
	c.check(s, v)
	return c.found
}

// valid reports whether a value is valid.
func (s *Schema) valid(v any) bool { return len(s.Validate(v)) == 0 }

type checker struct{ found []string }

func (c *checker) say(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) check(s *Schema, v any) {
	for s.ref != nil {
		s = s.ref
	}
	kind := kindOf(v)
	if len(s.types) > 0 && !slices.Contains(s.types, kind) && !(kind == "integer" && slices.Contains(s.types, "number")) {
		c.say("instance type (%s) does not match any allowed primitive type (allowed: [%s])", kind, list(s.types))
		return // the rest would say the same in other words
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, func(e any) bool { return equal(e, v) }) {
		c.say("instance value (%s) not found in enum (possible values: %s)", show(v), show(s.enum))
	}
	switch v := v.(type) {
	case json.Number:
		c.number(s, v)
	case string:
		c.text(s, v)
	case []any:
		c.array(s, v)
	case map[string]any:
		c.object(s, v)
	}
	c.combined(s, v)
}

func (c *checker) number(s *Schema, v json.Number) {
	if s.multipleOf == nil && s.minimum == nil && s.maximum == nil {
		return
	}
	n, ok := number(v)
	if !ok {
		c.say("numeric instance %s cannot be compared: its exponent is too large", v)
		return
	}
	if b := s.multipleOf; b != nil {
		if !new(big.Rat).Quo(n, b.value).IsInt() {
			c.say("remainder of division is not zero (%s / %s)", v, b.text)
		}
	}
	if b := s.minimum; b != nil {
		switch d := n.Cmp(b.value); {
		case d < 0:
			c.say("numeric instance is lower than the required minimum (minimum: %s, found: %s)", b.text, v)
		case d == 0 && s.exclusiveMinimum:
			c.say("numeric instance is not strictly greater than the required minimum %s", b.text)
		}
	}
	if b := s.maximum; b != nil {
		switch d := n.Cmp(b.value); {
		case d > 0:
			c.say("numeric instance is greater than the required maximum (maximum: %s, found: %s)", b.text, v)
		case d == 0 && s.exclusiveMaximum:
			c.say("numeric instance is not strictly lower than the required maximum %s", b.text)
		}
	}
}

func (c *checker) text(s *Schema, v string) {
	if s.minLength != nil || s.maxLength != nil {
		n := utf8.RuneCountInString(v)
		if s.minLength != nil && n < *s.minLength {
			c.say("string %q is too short (length: %d, required minimum: %d)", v, n, *s.minLength)
		}
		if s.maxLength != nil && n > *s.maxLength {
			c.say("string %q is too long (length: %d, maximum allowed: %d)", v, n, *s.maxLength)
		}
	}
	if s.pattern != nil && !s.pattern.MatchString(v) {
		c.say("ECMA 262 regex %q does not match input string %q", s.patternText, v)
	}
	if s.format != "" && !fits(s.format, v) {
		c.say("string %q is not a valid %s", v, s.format)
	}
}

func (c *checker) array(s *Schema, v []any) {
	if s.minItems != nil && len(v) < *s.minItems {
		c.say("array is too short: must have at least %d elements but instance has %d elements", *s.minItems, len(v))
	}
	if s.maxItems != nil && len(v) > *s.maxItems {
		c.say("array is too long: must have at most %d elements but instance has %d elements", *s.maxItems, len(v))
	}
	if s.uniqueItems && repeats(v) {
		c.say("array must not contain duplicate elements")
	}
	if s.noMoreItems && len(v) > len(s.tuple) {
		c.say("array only allows %d elements but instance has %d elements", len(s.tuple), len(v))
	}
	for i, item := range v {
		switch {
		case s.items != nil:
			c.check(s.items, item)
		case i < len(s.tuple):
			c.check(s.tuple[i], item)
		case s.moreItems != nil:
			c.check(s.moreItems, item)
		}
	}
}

// repeats reports whether two items are equal.
func repeats(v []any) bool {
	seen := make(map[string]bool, len(v))
	for _, item := range v {
		key := string(appendCanonical(nil, item))
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

func (c *checker) object(s *Schema, v map[string]any) {
	if s.minProperties != nil && len(v) < *s.minProperties {
		c.say("object has too few properties (found %d but schema requires at least %d)", len(v), *s.minProperties)
	}
	if s.maxProperties != nil && len(v) > *s.maxProperties {
		c.say("object has too many properties (found %d but schema requires at most %d)", len(v), *s.maxProperties)
	}
	var missing, extra []string
	for _, name := range s.required {
		if _, ok := v[name]; !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		c.say("object has missing required properties ([%s])", list(missing))
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		known := false
		if p := s.properties[name]; p != nil {
			known = true
			c.check(p, v[name])
		}
		for _, p := range s.patterns {
			if p.name.MatchString(name) {
				known = true
				c.check(p.schema, v[name])
			}
		}
		switch {
		case known:
		case s.noMore:
			extra = append(extra, name)
		case s.more != nil:
			c.check(s.more, v[name])
		}
	}
	if extra != nil {
		c.say("object instance has properties which are not allowed by the schema: [%s]", list(extra))
	}
	for _, name := range slices.Sorted(maps.Keys(s.dependencies)) {
		if _, ok := v[name]; !ok {
			continue
		}
		d := s.dependencies[name]
		if d.schema != nil {
			c.check(d.schema, v)
			continue
		}
		without := slices.DeleteFunc(slices.Clone(d.names), func(n string) bool { _, ok := v[n]; return ok })
		if len(without) > 0 {
			c.say("property %q of object has missing property dependencies (schema requires [%s]; missing: [%s])", name, list(d.names), list(without))
		}
	}
}

func (c *checker) combined(s *Schema, v any) {
	count := func(of []*Schema) (n int) {
		for _, sub := range of {
			if sub.valid(v) {
				n++
			}
		}
		return n
	}
	if of := s.allOf; of != nil {
		if n := count(of); n < len(of) {
			c.say("instance failed to match all required schemas (matched only %d out of %d)", n, len(of))
		}
	}
	if of := s.anyOf; of != nil && !slices.ContainsFunc(of, func(sub *Schema) bool { return sub.valid(v) }) {
		c.say("instance failed to match at least one required schema among %d", len(of))
	}
	if of := s.oneOf; of != nil {
		if n := count(of); n != 1 {
			c.say("instance failed to match exactly one schema (matched %d out of %d)", n, len(of))
		}
	}
	if s.not != nil && s.not.valid(v) {
		c.say("instance matched a schema which it should not have")
	}
}

// Report is what is wrong in one line, as $context.error.validationErrorString
// has it.
func Report(found []string) string { return "[" + strings.Join(found, ", ") + "]" }
