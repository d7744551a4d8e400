package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/regex"
)

// Resolver returns the document that a reference outside of its own document
// names.
type Resolver func(uri string) ([]byte, error)

// maxDepth bounds how deep a schema nests.
const maxDepth = 200

// Compile compiles a schema. Where resolve is nil, references stay within the
// document.
func Compile(text []byte, resolve Resolver) (*Schema, error) {
	c := &compiler{resolve: resolve, docs: map[string]any{}, made: map[string]*Schema{}}
	root, err := Parse(text)
	if err != nil {
		return nil, err
	}
	c.docs[""] = root
	s, err := c.at("", "")
	if err != nil {
		return nil, err
	}
	walk := walk{}
	for _, made := range c.made {
		if walk.circles(made) {
			return nil, errors.New("a $ref leads to itself")
		}
	}
	return s, nil
}

type compiler struct {
	resolve Resolver
	docs    map[string]any     // by URI; "" is the document itself
	made    map[string]*Schema // by URI#pointer, so that a schema may contain itself
	depth   int
}

// walk is which schemas a walk has come by: true while it is below them.
type walk map[*Schema]bool

// circles reports whether following what a schema says of the same value comes
// back to it, without a step into the value.
func (w walk) circles(s *Schema) bool {
	if s == nil {
		return false
	}
	if below, seen := w[s]; seen {
		return below
	}
	w[s] = true
	defer func() { w[s] = false }()
	next := slices.Concat([]*Schema{s.ref, s.not}, s.allOf, s.anyOf, s.oneOf)
	for _, d := range s.dependencies {
		next = append(next, d.schema)
	}
	return slices.ContainsFunc(next, w.circles)
}

// at compiles the schema at a JSON pointer of a document.
func (c *compiler) at(doc, pointer string) (*Schema, error) {
	key := doc + "#" + pointer
	if s, ok := c.made[key]; ok {
		return s, nil
	}
	v, ok := lookup(c.docs[doc], pointer)
	if !ok {
		return nil, fmt.Errorf("the reference %s leads to nothing", key)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: a schema is an object, not %s", place(pointer), show(v))
	}
	if c.depth++; c.depth > maxDepth {
		return nil, errors.New("the schema is nested too deep")
	}
	defer func() { c.depth-- }()
	s := &Schema{}
	c.made[key] = s
	return s, c.fill(s, m, doc, pointer)
}

// lookup follows a JSON pointer, RFC 6901.
func lookup(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch o := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = o[part]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(o) {
				return nil, false
			}
			v = o[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func place(pointer string) string {
	if pointer == "" {
		return "the schema"
	}
	return pointer
}

// follow finds what a $ref names.
func (c *compiler) follow(ref, doc string) (*Schema, error) {
	uri, pointer, _ := strings.Cut(ref, "#")
	if uri == "" {
		uri = doc
	}
	if _, ok := c.docs[uri]; !ok {
		if c.resolve == nil {
			return nil, fmt.Errorf("the reference %s leads out of the schema", ref)
		}
		text, err := c.resolve(uri)
		if err != nil {
			return nil, err
		}
		v, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", uri, err)
		}
		c.docs[uri] = v
	}
	return c.at(uri, pointer)
}

// fill reads the keywords of a schema.
func (c *compiler) fill(s *Schema, m map[string]any, doc, pointer string) (err error) {
	if ref, ok := m["$ref"]; ok {
		text, ok := ref.(string)
		if !ok {
			return fmt.Errorf("%s: $ref is not a string", place(pointer))
		}
		s.ref, err = c.follow(text, doc)
		return err
	}
	k := keywords{c: c, m: m, doc: doc, pointer: pointer}
	k.scalars(s)
	k.arrays(s)
	k.objects(s)
	s.allOf, s.anyOf, s.oneOf, s.not = k.schemas("allOf"), k.schemas("anyOf"), k.schemas("oneOf"), k.schema("not")
	return k.err
}

// keywords reads the keywords of one schema; the first error stays.
type keywords struct {
	c            *compiler
	m            map[string]any
	doc, pointer string
	err          error
}

func (k *keywords) wrong(name, want string) {
	if k.err == nil {
		k.err = fmt.Errorf("%s: %s must be %s, not %s", place(k.pointer), name, want, show(k.m[name]))
	}
}

func (k *keywords) sub(parts ...string) *Schema {
	pointer := k.pointer
	for _, p := range parts {
		pointer += "/" + escape(p)
	}
	s, err := k.c.at(k.doc, pointer)
	if err != nil && k.err == nil {
		k.err = err
	}
	return s
}

func (k *keywords) schema(name string) *Schema {
	if _, ok := k.m[name]; !ok {
		return nil
	}
	return k.sub(name)
}

func (k *keywords) schemas(name string) []*Schema {
	v, ok := k.m[name]
	if !ok {
		return nil
	}
	items, ok := v.([]any)
	if !ok || len(items) == 0 {
		k.wrong(name, "an array of schemas with at least one")
		return nil
	}
	out := make([]*Schema, len(items))
	for i := range items {
		out[i] = k.sub(name, strconv.Itoa(i))
	}
	return out
}

func (k *keywords) count(name string) *int {
	v, ok := k.m[name]
	if !ok {
		return nil
	}
	n, _ := v.(json.Number)
	i, err := strconv.Atoi(n.String())
	if err != nil || i < 0 {
		k.wrong(name, "a whole number, not below 0")
		return nil
	}
	return &i
}

func (k *keywords) number(name string) *bound {
	v, ok := k.m[name]
	if !ok {
		return nil
	}
	text, _ := v.(json.Number)
	n, ok := number(text)
	if !ok {
		k.wrong(name, "a number")
		return nil
	}
	return &bound{n, text}
}

func (k *keywords) flag(name string) bool {
	v, ok := k.m[name]
	b, isBool := v.(bool)
	if ok && !isBool {
		k.wrong(name, "true or false")
	}
	return b
}

func (k *keywords) names(name string, v any) []string {
	items, ok := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		text, isText := item.(string)
		ok = ok && isText && !slices.Contains(out, text)
		out = append(out, text)
	}
	if !ok || len(out) == 0 {
		k.wrong(name, "an array of different strings with at least one")
	}
	return out
}

func (k *keywords) regexp(name, text string) *regex.Regexp {
	re, err := regex.Compile(text)
	if err != nil && k.err == nil {
		k.err = fmt.Errorf("%s: the regular expression of %s: %w", place(k.pointer), name, err)
	}
	return re
}

// scalars reads what is said of types, numbers and strings.
func (k *keywords) scalars(s *Schema) {
	switch v := k.m["type"].(type) {
	case nil:
	case string:
		s.types = []string{v}
	default:
		s.types = k.names("type", v)
	}
	for _, t := range s.types {
		switch t {
		case "array", "boolean", "integer", "null", "number", "object", "string":
		default:
			k.wrong("type", "one of array, boolean, integer, null, number, object and string")
		}
	}
	if v, ok := k.m["enum"]; ok {
		if s.enum, ok = v.([]any); !ok || len(s.enum) == 0 {
			k.wrong("enum", "an array with at least one value")
		}
	}
	s.multipleOf, s.minimum, s.maximum = k.number("multipleOf"), k.number("minimum"), k.number("maximum")
	if s.multipleOf != nil && s.multipleOf.value.Sign() <= 0 {
		k.wrong("multipleOf", "a number above 0")
	}
	s.exclusiveMinimum, s.exclusiveMaximum = k.flag("exclusiveMinimum"), k.flag("exclusiveMaximum")
	s.minLength, s.maxLength = k.count("minLength"), k.count("maxLength")
	if v, ok := k.m["pattern"]; ok {
		if s.patternText, ok = v.(string); !ok {
			k.wrong("pattern", "a string")
		}
		s.pattern = k.regexp("pattern", s.patternText)
	}
	if v, ok := k.m["format"]; ok {
		if s.format, ok = v.(string); !ok {
			k.wrong("format", "a string")
		}
	}
}

// arrays reads what is said of arrays.
func (k *keywords) arrays(s *Schema) {
	s.minItems, s.maxItems, s.uniqueItems = k.count("minItems"), k.count("maxItems"), k.flag("uniqueItems")
	switch v := k.m["items"].(type) {
	case nil:
	case []any:
		for i := range v {
			s.tuple = append(s.tuple, k.sub("items", strconv.Itoa(i)))
		}
		switch more := k.m["additionalItems"].(type) {
		case nil:
		case bool:
			s.noMoreItems = !more
		default:
			s.moreItems = k.schema("additionalItems")
		}
	default:
		s.items = k.schema("items")
	}
}

// objects reads what is said of objects.
func (k *keywords) objects(s *Schema) {
	s.minProperties, s.maxProperties = k.count("minProperties"), k.count("maxProperties")
	if v, ok := k.m["required"]; ok {
		s.required = k.names("required", v)
	}
	named := func(name string) []string {
		v, ok := k.m[name]
		m, isMap := v.(map[string]any)
		if ok && !isMap {
			k.wrong(name, "an object")
		}
		return slices.Sorted(maps.Keys(m))
	}
	for _, name := range named("properties") {
		if s.properties == nil {
			s.properties = map[string]*Schema{}
		}
		s.properties[name] = k.sub("properties", name)
	}
	for _, text := range named("patternProperties") {
		s.patterns = append(s.patterns, patternProperty{k.regexp("patternProperties", text), k.sub("patternProperties", text)})
	}
	switch more := k.m["additionalProperties"].(type) {
	case nil:
	case bool:
		s.noMore = !more
	default:
		s.more = k.schema("additionalProperties")
	}
	for _, name := range named("dependencies") {
		if s.dependencies == nil {
			s.dependencies = map[string]dependency{}
		}
		v, _ := lookup(k.m["dependencies"], "/"+escape(name))
		if _, isList := v.([]any); isList {
			s.dependencies[name] = dependency{names: k.names("dependencies", v)}
		} else {
			s.dependencies[name] = dependency{schema: k.sub("dependencies", name)}
		}
	}
}
