package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

func read(t *testing.T, text string) *template.Value {
	t.Helper()
	v, ds := template.ReadYAML(&template.File{Name: "m.yml", Text: []byte(text)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCheck holds the changes that make a value fit to those of Ajv with coerceTypes "array".
func TestCheck(t *testing.T) {
	arn := func(s string) bool { return strings.HasPrefix(s, "arn:") }
	tests := []struct {
		name string
		is   Schema
		in   string
		want string // the value, or the errors
	}{
		{"text", String{}, "x", `"x"`},
		{"number as text", String{}, "5", `"5"`},
		{"hexadecimal as text", String{}, "0x10", `"16"`},
		{"boolean as text", String{}, "true", `"true"`},
		{"list of one as text", String{}, "[x]", `"x"`},
		{"list as text", String{}, "[x, y]", `m.yml:1:1: the value must be a text, and this is a list`},
		{"map as text", String{}, "{a: b}", `m.yml:1:1: the value must be a text, and this is a map`},
		{"text too long", String{Max: 3}, "abcd", `m.yml:1:1: the value must be a text of at most 3 characters, and this is "abcd"`},
		{"text too short", String{Min: 1}, "''", `m.yml:1:1: the value must be a text that is not empty, and this is ""`},
		{"form", String{Match: arn, Form: "an ARN"}, "x", `m.yml:1:1: the value must be an ARN, and this is "x"`},

		{"number", Int{Min: 1, Max: 5}, "5", `5`},
		{"text as number", Int{}, "'12'", `12`},
		{"float as number", Int{}, "12.0", `12`},
		{"boolean as number", Int{}, "true", `1`},
		{"not whole", Int{}, "1.5", `m.yml:1:1: the value must be a whole number, and this is 1.5`},
		{"too small", Int{Min: 2, Max: 5}, "1", `m.yml:1:1: the value must be a whole number from 2 to 5, and this is 1`},
		{"too big", Int{Min: 2, Max: 5}, "6", `m.yml:1:1: the value must be a whole number from 2 to 5, and this is 6`},
		{"no number", Int{Min: 2}, "soon", `m.yml:1:1: the value must be a whole number of at least 2, and this is "soon"`},
		{"one of numbers", Numbers{1, 3}, "'3'", `3`},
		{"none of numbers", Numbers{1, 3}, "2", `m.yml:1:1: the value must be one of 1, 3, and this is 2`},
		{"float", Number{}, "'1.5'", `1.5`},

		{"boolean", Bool{}, "false", `false`},
		{"text as boolean", Bool{}, "'true'", `true`},
		{"number as boolean", Bool{}, "0", `false`},
		{"no boolean", Bool{}, "yes", `m.yml:1:1: the value must be true or false, and this is "yes"`},

		{"enum", Enum{"a", "b"}, "b", `"b"`},
		{"not of the enum", Enum{"Allow", "Deny"}, "allow", `m.yml:1:1: the value must be one of Allow, Deny, and this is "allow" (did you mean "Allow"?)`},
		{"fold", Fold{"EDGE"}, "Edge", `"Edge"`},
		{"const", Const{true}, "true", `true`},
		{"not the const", Const{true}, "false", `m.yml:1:1: the value must be true, and this is false`},

		{"list", List{Of: Int{}}, "[1, '2']", `[1,2]`},
		{"one as list", List{Of: Int{}}, "'7'", `[7]`},
		{"map as list", List{Of: Any{}}, "{a: b}", `m.yml:1:1: the value must be a list, and this is a map`},
		{"too long", List{Of: Any{}, Max: 1}, "[1, 2]", `m.yml:1:1: the value must be a list of at most 1 elements, and this is a list`},
		{"element", List{Of: Int{}}, "[1, x]", `m.yml:1:5: 1 must be a whole number, and this is "x"`},

		{"map", Map{Of: String{}}, "{a: 1, b: ~}", `{"a":"1","b":null}`},
		{"key", Map{Of: Any{}, Key: arn, Form: "ARNs"}, "{a: 1}", `m.yml:1:2: the key "a" in the value must be made of ARNs`},

		{"object", Object{Fields: []Field{{"a", Int{}}, {"b", String{}}}}, "{a: '1', b: ~}", `{"a":1,"b":null}`},
		{"unknown key", Object{What: "a thing", Fields: []Field{{"alpha", Any{}}}}, "{alhpa: 1}", `m.yml:1:2: unknown key "alhpa" in a thing (did you mean "alpha"?)`},
		{"unlike any key", Object{What: "a thing", Fields: []Field{{"a", Any{}}, {"b", Any{}}}}, "{xyz: 1}", `m.yml:1:2: unknown key "xyz" in a thing (its keys are a, b)`},
		{"required", Object{What: "a thing", Required: []string{"a"}, Fields: []Field{{"a", Any{}}}}, "{a: ~}", `m.yml:1:1: a thing has no "a"`},
		{"any of", Object{What: "a thing", AnyOf: []string{"a", "b"}, Rest: Any{}}, "{c: 1}", `m.yml:1:1: a thing needs "a" or "b"`},
		{"none of each", Object{What: "a thing", OneEach: [][]string{{"a", "b"}}, Rest: Any{}}, "{c: 1}", `m.yml:1:1: a thing needs "a" or "b"`},
		{"both of each", Object{What: "a thing", OneEach: [][]string{{"a", "b"}}, Rest: Any{}}, "{a: 1, b: 2}", `m.yml:1:8: a thing takes either "a" or "b", and it has both`},
		{"nested", Object{Fields: []Field{{"a", Object{Fields: []Field{{"b", Int{}}}}}}}, "{a: {b: x}}", `m.yml:1:9: a.b must be a whole number, and this is "x"`},
		{"refused", Object{Fields: []Field{{"a", Refuse{Why: "no", Hint: "yes"}}}}, "{a: 1}", `m.yml:1:2: a is not supported: no (yes)`},

		{"tagged", Tagged{What: "an event", Of: []Field{{"a", Int{}}}}, "{a: 1}", `{"a":1}`},
		{"tagged text", Tagged{What: "an event", Of: []Field{{"a", Int{}}}}, "a", `m.yml:1:1: an event must be a map of one key, and this is a text`},
		{"tagged twice", Tagged{What: "an event", Of: []Field{{"a", Int{}}}}, "{a: 1, b: 2}",
			`m.yml:1:8: an event has one key, and "b" is one more (indent it to make it a part of "a", or begin a new element of the list with a dash)`},
		{"tagged empty", Tagged{What: "an event", Of: []Field{{"a", Int{}}}}, "{a: }", `m.yml:1:2: "a" of an event is empty`},

		{"first that fits", OneOf{Int{}, String{}}, "5", `5`},
		{"second that fits", OneOf{Int{}, String{}}, "x", `"x"`},
		{"list of one becomes its element", OneOf{String{Match: arn}, List{Of: String{}}}, "['arn:x']", `"arn:x"`},
		{"list of one that does not fit stays", OneOf{String{Match: arn}, List{Of: String{}}}, "[x]", `["x"]`},
		{"the alternative that was meant", OneOf{Bool{}, Object{What: "cors", Fields: []Field{{"origin", String{}}}}}, "{orgin: x}", `m.yml:1:2: unknown key "orgin" in cors (did you mean "origin"?)`},
		{"no alternative", OneOf{Bool{}, Int{}}, "x", `m.yml:1:1: the value must be true or false or a whole number, and this is "x"`},
		{"call", OneOf{String{}, Intrinsic{"Ref"}}, "!Ref a", `{"Ref":"a"}`},
		{"another call", OneOf{String{Min: 1}, Intrinsic{"Ref"}}, "!Sub a", `m.yml:1:1: the value must be Ref, and this is Fn::Sub`},
		{"a map that is no call", OneOf{OneOf{String{}, Intrinsic{"Ref"}}, Object{What: "the role", Fields: []Field{{"name", Any{}}}}}, "{nme: x}",
			`m.yml:1:2: unknown key "nme" in the role (did you mean "name"?)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, ds := Check(read(t, tt.in), tt.is)
			got := ds.Error()
			if !ds.HasErrors() {
				got = string(v.AppendJSON(nil))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestIsUnknownKey(t *testing.T) {
	_, ds := Check(read(t, "{a: 1, b: x}"), Object{Fields: []Field{{"b", Int{}}}})
	if len(ds) != 2 || !IsUnknownKey(ds[0]) || IsUnknownKey(ds[1]) {
		t.Errorf("%v", ds)
	}
}

func TestInputIsNotChanged(t *testing.T) {
	in := read(t, "{a: '1', b: [x], c: {d: 2}}")
	before := string(in.AppendJSON(nil))
	out, ds := Check(in, Object{Fields: []Field{{"a", Int{}}, {"b", String{}}, {"c", Map{Of: String{}}}}})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if got := string(in.AppendJSON(nil)); got != before {
		t.Errorf("%s became %s", before, got)
	}
	if got := string(out.AppendJSON(nil)); got != `{"a":1,"b":"x","c":{"d":"2"}}` {
		t.Errorf("read as %s", got)
	}
}
