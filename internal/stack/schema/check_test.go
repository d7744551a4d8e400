package schema

import (
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/template"
)

func testTable() *Table {
	return &Table{
		Shapes: []Shape{
			0: {Kind: String}, 1: {Kind: Integer}, 2: {Kind: Number}, 3: {Kind: Boolean}, 4: {Kind: JSON},
			5: {Kind: List, Elem: 0}, 6: {Kind: Map, Elem: 1},
			7: {Name: "Tree", Kind: Object, Properties: []Property{{Name: "Children", Shape: 8}, {Name: "Name", Shape: 0, Required: true}}},
			8: {Kind: List, Elem: 7},
		},
		Types: []Type{
			{Name: "Test::Empty"},
			{Name: "Test::Full", Attributes: []string{"Arn", "Endpoint.Port"}, Properties: []Property{
				{Name: "Bool", Shape: 3}, {Name: "Doc", Shape: 4}, {Name: "Float", Shape: 2}, {Name: "Int", Shape: 1},
				{Name: "List", Shape: 5}, {Name: "Map", Shape: 6}, {Name: "Text", Shape: 0}, {Name: "Tree", Shape: 7},
			}},
		},
	}
}

func TestCheck(t *testing.T) {
	table := testTable()
	for _, c := range []struct{ typ, in, want string }{
		// Scalars become what the property is.
		{"Test::Full", `{Int: "5", Float: "1.50", Bool: "true", Text: 5}`, `{"Int":5,"Float":1.5,"Bool":true,"Text":"5"}`},
		{"Test::Full", `{Int: 5.0, Float: 1e3, Bool: yes, Text: true}`, `{"Int":5,"Float":1000,"Bool":true,"Text":"true"}`},
		{"Test::Full", `{Text: 012, Doc: {A: [1, "2"]}}`, `{"Text":"012","Doc":{"A":[1,"2"]}}`},
		{"Test::Full", `{Doc: "{}"}`, `{"Doc":"{}"}`},
		{"Test::Full", `{List: [a, 1], Map: {a: "1", b: 2}}`, `{"List":["a","1"],"Map":{"a":1,"b":2}}`},
		{"Test::Full", `{Tree: {Name: a, Children: [{Name: 1, Children: []}]}}`, `{"Tree":{"Name":"a","Children":[{"Name":"1","Children":[]}]}}`},
		// What is not evaluated yet passes, wherever it stands.
		{"Test::Full", `{Int: !Ref A, List: [!GetAtt A.B, b], Tree: {Name: !Sub "${A}"}, Map: !Ref M}`,
			`{"Int":{"Ref":"A"},"List":[{"Fn::GetAtt":["A","B"]},"b"],"Tree":{"Name":{"Fn::Sub":"${A}"}},"Map":{"Ref":"M"}}`},
		{"Test::Empty", `{}`, `{}`},

		{"Test::Full", `{Txt: a}`, "1:2 Encountered unsupported property Txt (did you mean Text?)"},
		{"Test::Full", `{Zebra: a}`, "1:2 Encountered unsupported property Zebra (Test::Full has Bool, Doc, Float, Int, List, Map, Text, Tree)"},
		{"Test::Empty", `{A: b}`, "1:2 Encountered unsupported property A (Test::Empty has no properties)"},
		{"Test::Full", `{Tree: {Children: [{Nam: a}]}}`,
			"1:21 Encountered unsupported property Nam (did you mean Name?)\n1:20 Property Name cannot be empty.\n1:8 Property Name cannot be empty."},
		{"Test::Full", `{Int: 1.5}`, `1:7 Value of property Int must be a whole number, and "1.5" is none`},
		{"Test::Full", `{Int: [1]}`, `1:7 Value of property Int must be a whole number, and this is a list`},
		{"Test::Full", `{Bool: 1, Float: x}`, "1:8 Value of property Bool must be a boolean, and \"1\" is none\n1:18 Value of property Float must be a number, and \"x\" is none"},
		{"Test::Full", `{Text: {a: b}}`, `1:8 Value of property Text must be a string, and this is a map`},
		{"Test::Full", `{Map: {a: x}}`, `1:11 Value of property a must be a whole number, and "x" is none`},
		{"Test::Full", `{Tree: [a]}`, `1:8 Value of property Tree must be a map, and this is a list`},
		{"Test::Full", `{Text: }`, `1:2 'null' values are not allowed in templates: Text`},
	} {
		v, ds := template.ReadYAML(&template.File{Name: "p", Text: []byte(c.in)})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		got, ds := table.Check(table.Type(c.typ), v, template.Pos{File: &template.File{Name: "p"}, Line: 9, Column: 9})
		text := string(got.AppendJSON(nil))
		if ds.HasErrors() {
			var lines []string
			for _, d := range ds {
				lines = append(lines, strings.Replace(strings.TrimPrefix(d.Error(), "p:"), ": ", " ", 1))
			}
			text = strings.Join(lines, "\n")
		}
		if text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, text, c.want)
		}
	}
}

func TestCheckNoProperties(t *testing.T) {
	table := testTable()
	got, ds := table.Check(table.Type("Test::Full"), nil, template.Pos{})
	if ds.HasErrors() || string(got.AppendJSON(nil)) != "{}" {
		t.Errorf("%s %v", got.AppendJSON(nil), ds)
	}
}

// TestCheckAgain: what was checked once passes unchanged.
func TestCheckAgain(t *testing.T) {
	table := testTable()
	v, _ := template.ReadYAML(&template.File{Text: []byte(`{Int: "5", Text: 1, Tree: {Name: true}, Doc: [!Ref A]}`)})
	once, _ := table.Check(table.Type("Test::Full"), v, template.Pos{})
	twice, ds := table.Check(table.Type("Test::Full"), once, template.Pos{})
	if a, b := once.AppendJSON(nil), twice.AppendJSON(nil); ds.HasErrors() || string(a) != string(b) {
		t.Errorf("%s becomes %s: %v", a, b, ds)
	}
}

func TestLookups(t *testing.T) {
	table := testTable()
	full := table.Type("Test::Full")
	if full == nil || table.Type("Test::Nothing") != nil || table.Type("") != nil {
		t.Fatal("types are not found by their names")
	}
	if p := full.Property("Map"); p == nil || p.Name != "Map" || full.Property("Mop") != nil {
		t.Error("properties are not found by their names")
	}
	if !full.HasAttribute("Endpoint.Port") || full.HasAttribute("Endpoint") {
		t.Error("attributes are not found by their names")
	}
}
