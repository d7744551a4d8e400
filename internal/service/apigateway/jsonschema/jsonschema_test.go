package jsonschema

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidate(t *testing.T) {
	tests := []struct{ name, schema, value, want string }{
		{"nothing said", `{}`, `{"a":[1,"x",null]}`, ""},
		{"type", `{"type":"object"}`, `"x"`, `[instance type (string) does not match any allowed primitive type (allowed: ["object"])]`},
		{"types", `{"type":["string","null"]}`, `null`, ""},
		{"an integer is a number", `{"type":"number"}`, `1`, ""},
		{"1.0 is no integer", `{"type":"integer"}`, `1.0`, `[instance type (number) does not match any allowed primitive type (allowed: ["integer"])]`},
		{"required", `{"required":["b","a","c"]}`, `{"c":1}`, `[object has missing required properties (["a","b"])]`},
		{"required of what is no object", `{"required":["a"]}`, `[]`, ""},
		{"enum", `{"enum":["a",1]}`, `"b"`, `[instance value ("b") not found in enum (possible values: ["a",1])]`},
		{"enum of numbers", `{"enum":[1]}`, `1.0`, ""},
		{"minimum", `{"minimum":0.5}`, `0.4`, `[numeric instance is lower than the required minimum (minimum: 0.5, found: 0.4)]`},
		{"exclusive minimum", `{"minimum":1,"exclusiveMinimum":true}`, `1`, `[numeric instance is not strictly greater than the required minimum 1]`},
		{"maximum", `{"maximum":9007199254740992}`, `9007199254740993`, `[numeric instance is greater than the required maximum (maximum: 9007199254740992, found: 9007199254740993)]`},
		{"exclusive maximum", `{"maximum":1,"exclusiveMaximum":true}`, `1`, `[numeric instance is not strictly lower than the required maximum 1]`},
		{"multiple", `{"multipleOf":0.01}`, `1.13`, ""},
		{"no multiple", `{"multipleOf":0.01}`, `1.131`, `[remainder of division is not zero (1.131 / 0.01)]`},
		{"a number out of all reason", `{"minimum":0}`, `1e999999999`, `[numeric instance 1e999999999 cannot be compared: its exponent is too large]`},
		{"minLength counts characters", `{"minLength":3}`, `"äö"`, `[string "äö" is too short (length: 2, required minimum: 3)]`},
		{"maxLength", `{"maxLength":2}`, `"äöü"`, `[string "äöü" is too long (length: 3, maximum allowed: 2)]`},
		{"pattern is not anchored", `{"pattern":"b"}`, `"abc"`, ""},
		{"pattern", `{"pattern":"^b"}`, `"abc"`, `[ECMA 262 regex "^b" does not match input string "abc"]`},
		{"a pattern that looks ahead", `{"pattern":"^(?=.*[0-9])[a-z0-9]+$"}`, `"abc"`, `[ECMA 262 regex "^(?=.*[0-9])[a-z0-9]+$" does not match input string "abc"]`},
		{"format", `{"format":"email"}`, `"x"`, `[string "x" is not a valid email]`},
		{"formats", `{"properties":{"a":{"format":"date-time"},"b":{"format":"ipv4"},"c":{"format":"ipv6"},"d":{"format":"hostname"},"e":{"format":"uri"},"f":{"format":"mine"}}}`,
			`{"a":"2026-03-01T12:00:00Z","b":"192.0.2.1","c":"::1","d":"a.example","e":"https://a.example/","f":"?"}`, ""},
		{"wrong formats", `{"properties":{"a":{"format":"date-time"},"b":{"format":"ipv4"},"c":{"format":"ipv6"},"d":{"format":"hostname"}}}`,
			`{"a":"today","b":"::1","c":"192.0.2.1","d":"-a"}`,
			`[string "today" is not a valid date-time, string "::1" is not a valid ipv4, string "192.0.2.1" is not a valid ipv6, string "-a" is not a valid hostname]`},
		{"minItems", `{"minItems":2}`, `[1]`, `[array is too short: must have at least 2 elements but instance has 1 elements]`},
		{"maxItems", `{"maxItems":1}`, `[1,2]`, `[array is too long: must have at most 1 elements but instance has 2 elements]`},
		{"unique", `{"uniqueItems":true}`, `[{"a":1},{"a":2},"1",1]`, ""},
		{"not unique", `{"uniqueItems":true}`, `[{"a":1},{"a":1.0}]`, `[array must not contain duplicate elements]`},
		{"items", `{"items":{"type":"integer"}}`, `[1,"x"]`, `[instance type (string) does not match any allowed primitive type (allowed: ["integer"])]`},
		{"tuple", `{"items":[{"type":"integer"}],"additionalItems":{"type":"string"}}`, `[1,2]`, `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`},
		{"closed tuple", `{"items":[{}],"additionalItems":false}`, `[1,2]`, `[array only allows 1 elements but instance has 2 elements]`},
		{"properties", `{"properties":{"a":{"type":"string"}}}`, `{"a":1,"b":2}`, `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`},
		{"no more properties", `{"properties":{"a":{}},"patternProperties":{"^x-":{}},"additionalProperties":false}`, `{"a":1,"x-b":2,"c":3}`,
			`[object instance has properties which are not allowed by the schema: ["c"]]`},
		{"more properties", `{"additionalProperties":{"type":"string"}}`, `{"a":1}`, `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`},
		{"minProperties", `{"minProperties":1}`, `{}`, `[object has too few properties (found 0 but schema requires at least 1)]`},
		{"maxProperties", `{"maxProperties":0}`, `{"a":1}`, `[object has too many properties (found 1 but schema requires at most 0)]`},
		{"dependencies", `{"dependencies":{"a":["b"],"c":{"required":["d"]}}}`, `{"a":1,"c":1}`,
			`[property "a" of object has missing property dependencies (schema requires ["b"]; missing: ["b"]), object has missing required properties (["d"])]`},
		{"allOf", `{"allOf":[{"minimum":1},{"minimum":3}]}`, `2`, `[instance failed to match all required schemas (matched only 1 out of 2)]`},
		{"anyOf", `{"anyOf":[{"type":"string"},{"minimum":3}]}`, `2`, `[instance failed to match at least one required schema among 2]`},
		{"oneOf", `{"oneOf":[{"minimum":1},{"minimum":2}]}`, `2`, `[instance failed to match exactly one schema (matched 2 out of 2)]`},
		{"not", `{"not":{"type":"null"}}`, `null`, `[instance matched a schema which it should not have]`},
		{"a list of itself", `{"properties":{"next":{"$ref":"#"}},"required":["n"]}`, `{"n":1,"next":{"n":2,"next":{}}}`, `[object has missing required properties (["n"])]`},
		{"definitions", `{"$ref":"#/definitions/a~1b","definitions":{"a/b":{"type":"string"}}}`, `1`, `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`},
		{"another model", `{"items":{"$ref":"models/item"}}`, `[{}]`, `[object has missing required properties (["id"])]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Compile([]byte(tt.schema), func(uri string) ([]byte, error) {
				if uri != "models/item" {
					return nil, errors.New("no " + uri)
				}
				return []byte(`{"required":["id"]}`), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			v, err := Parse([]byte(tt.value))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if found := s.Validate(v); found != nil {
				got = Report(found)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusedSchemas(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:                                   "not JSON",
		`{} {}`:                               "there is more after the value",
		`[]`:                                  "a schema is an object",
		`{"type":"text"}`:                     `type must be one of array, boolean`,
		`{"type":[]}`:                         "type must be an array of different strings",
		`{"minimum":"1"}`:                     "minimum must be a number",
		`{"minimum":1e999999999}`:             "minimum must be a number",
		`{"multipleOf":0}`:                    "multipleOf must be a number above 0",
		`{"minLength":-1}`:                    "minLength must be a whole number",
		`{"pattern":"("}`:                     "the regular expression of pattern",
		`{"uniqueItems":"yes"}`:               "uniqueItems must be true or false",
		`{"required":["a","a"]}`:              "required must be an array of different strings",
		`{"allOf":[]}`:                        "allOf must be an array of schemas",
		`{"properties":[]}`:                   "properties must be an object",
		`{"properties":{"a":true}}`:           "/properties/a: a schema is an object",
		`{"$ref":"#"}`:                        "a $ref leads to itself",
		`{"allOf":[{"$ref":"#"}]}`:            "a $ref leads to itself",
		`{"dependencies":{"a":{"$ref":"#"}}}`: "a $ref leads to itself",
		`{"$ref":"#/definitions/none"}`:       "leads to nothing",
		`{"$ref":"other"}`:                    "leads out of the schema",
		strings.Repeat(`{"not":`, 300) + `{}` + strings.Repeat("}", 300): "nested too deep",
	} {
		if _, err := Compile([]byte(schema), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", schema, err, want)
		}
	}
}

// FuzzValidate: no schema and no value makes the validator fail or go on
// without end.
func FuzzValidate(f *testing.F) {
	f.Add(`{"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}}`, `{"a":{}}`)
	f.Add(`{"items":[{"minimum":1}],"additionalItems":false,"uniqueItems":true}`, `[1,1.0,"x"]`)
	f.Add(`{"oneOf":[{"not":{}},{"enum":[1e3]}]}`, `1000`)
	f.Add(`{"patternProperties":{"^a":{"format":"date-time"}},"dependencies":{"a":["b"]}}`, `{"ab":"x"}`)
	f.Fuzz(func(t *testing.T, schema, value string) {
		s, err := Compile([]byte(schema), nil)
		if err != nil {
			return
		}
		v, err := Parse([]byte(value))
		if err != nil {
			return
		}
		first, second := s.Validate(v), s.Validate(v)
		if d := cmp.Diff(first, second); d != "" {
			t.Errorf("the same value is judged in two ways: %s", d)
		}
	})
}
