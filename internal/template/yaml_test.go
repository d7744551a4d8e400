package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readYAML parses a text that must be right.
func readYAML(t *testing.T, text string) *Value {
	t.Helper()
	v, ds := ReadYAML(&File{Name: "t.yml", Text: []byte(text)})
	if err := ds.Err(); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return v
}

func TestReadYAML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", `null`},
		{"comment only", "# nothing\n", `null`},
		{"scalars", "[a, 'b', \"c\\n\", ~, null, '', true, False]", `["a","b","c\n",null,null,"",true,false]`},
		{"numbers", "[1, -1, +1, 0x1F, 0o17, 0b11, 012, 1.50, .5, 5., 1e3, -1.5E-2, 12345678901234567890]",
			`[1,-1,1,31,15,3,12,1.5,0.5,5,1000,-0.015,12345678901234567890]`},
		{"no numbers", "[1_000, 0x, 1e, 0o8, '1', 1.2.3, ., 12:30:45, 0x-1]", `["1_000","0x","1e","0o8","1","1.2.3",".","12:30:45","0x-1"]`},
		{"texts of other YAMLs", "[yes, no, on, off, 2010-09-09, 'true']", `["yes","no","on","off","2010-09-09","true"]`},
		{"infinities", "[.inf, -.Inf, .NaN]", `[null,null,null]`},
		{"blocks", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", `{"a":"x\ny\n","b":"x y"}`},
		{"block that looks like a number", "a: |-\n  5\n", `{"a":"5"}`},
		{"explicit tags", "[!!str 5, !!int '7', !!bool \"true\", !!null '', !!float 1]", `["5",7,true,null,1]`},
		{"keys", "{1: a, true: b, 'c d': e, ? f : g}", `{"1":"a","true":"b","c d":"e","f":"g"}`},
		{"anchors", "a: &x {b: 1}\nc: *x\n", `{"a":{"b":1},"c":{"b":1}}`},
		{"merge", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n", `{"a":{"b":1,"c":2},"d":{"c":3,"b":1}}`},
		{"merge of several", "a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne: {<<: [*x, *y]}\n", `{"a":{"b":1},"c":{"b":2,"d":4},"e":{"b":1,"d":4}}`},
		{"alias as key", "&k key: 1\nb: {*k : 2}\n", `{"key":1,"b":{"key":2}}`},
		{"json", "{\"a\": [1, 2.0, null], \"b\": {\"c\": \"d\"}}", `{"a":[1,2,null],"b":{"c":"d"}}`},

		{"Ref", "!Ref a", `{"Ref":"a"}`},
		{"Ref of what looks like a number", "!Ref 0123", `{"Ref":"0123"}`},
		{"GetAtt", "[!GetAtt a.b, !GetAtt a.b.c, !GetAtt [a, b], !GetAtt a]",
			`[{"Fn::GetAtt":["a","b"]},{"Fn::GetAtt":["a","b.c"]},{"Fn::GetAtt":["a","b"]},{"Fn::GetAtt":["a",""]}]`},
		{"Sub", "[!Sub 'a${b}', !Sub ['${x}', {x: !Ref y}]]", `[{"Fn::Sub":"a${b}"},{"Fn::Sub":["${x}",{"x":{"Ref":"y"}}]}]`},
		{"block scalar", "a: !Sub |\n  x\n", `{"a":{"Fn::Sub":"x\n"}}`},
		{"map form", "!Transform {Name: AWS::Include, Parameters: {Location: x}}", `{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":"x"}}}`},
		{"nested", "!If [c, !Join ['-', [a, !Ref b]], !Ref AWS::NoValue]", `{"Fn::If":["c",{"Fn::Join":["-",["a",{"Ref":"b"}]]},{"Ref":"AWS::NoValue"}]}`},
		{"Condition", "!And [!Condition a, !Not [!Condition b]]", `{"Fn::And":[{"Condition":"a"},{"Fn::Not":[{"Condition":"b"}]}]}`},
		{"empty", "!GetAZs ''", `{"Fn::GetAZs":""}`},
		{"block sequence", "!Join\n- ','\n- - a\n  - b\n", `{"Fn::Join":[",",["a","b"]]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, string(readYAML(t, tt.in).AppendJSON(nil))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestReadYAMLErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"duplicate", "a: 1\nb: {c: 1, c: 2}\na: 3\n", "t.yml:2:11: duplicate key \"c\"\nt.yml:3:1: duplicate key \"a\""},
		{"duplicate by another spelling", "{a: 1, 'a': 2}", `t.yml:1:8: duplicate key "a"`},
		{"tag", "a: !Reff b", "t.yml:1:4: unknown tag !Reff (did you mean !Ref?)"},
		{"strange tag", "a: !xyzzy b", "t.yml:1:4: unknown tag !xyzzy (the tags are those of CloudFormation's intrinsic functions: !Ref, !GetAtt, !Sub, !Join, ...)"},
		{"wrong tag", "a: !!int x", `t.yml:1:4: "x" is not a number, which its tag !!int says`},
		{"cycle", "a: &a {b: *a}", "t.yml:1:11: the alias *a contains itself"},
		{"anchor", "a: *a", "t.yml:1:4: not valid YAML: unknown anchor 'a' referenced"},
		{"documents", "a: 1\n---\nb: 1\n", "t.yml:2:1: the file holds more than one YAML document (remove the second '---' and what follows it, or put it into a file of its own)"},
		{"key", "{[a]: b}", "t.yml:1:2: a map key must be a scalar"},
		{"merge", "{<<: a}", "t.yml:1:6: << merges maps, and this is a string"},
		{"zero byte", "a: \x00", "t.yml:1:4: the file contains a zero byte: it is not a text file"},
		{"tab", "a:\n\tb: 1\n", "t.yml:2:1: not valid YAML: found character that cannot start any token, while scanning for the next token (YAML does not allow tabs for indentation: use spaces)"},
		{"at", "a: @b", "t.yml:1:4: not valid YAML: found character that cannot start any token, while scanning for the next token (put the value into quotes)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ds := ReadYAML(&File{Name: "t.yml", Text: []byte(tt.in)})
			if diff := cmp.Diff(tt.want, ds.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for _, c := range "12345678" {
		prev := string(c - 1)
		b.WriteString("a" + string(c) + ": &a" + string(c) + " [" + strings.Repeat("*a"+prev+",", 10) + "]\n")
	}
	_, ds := ReadYAML(&File{Name: "t.yml", Text: []byte(b.String())})
	if len(ds) != 1 || !strings.Contains(ds[0].Message, "grows beyond 1000000 values") {
		t.Errorf("%v", ds)
	}
}

func TestPositions(t *testing.T) {
	v := readYAML(t, "é: x\na:\n  - b: !Ref c\n    'd': |\n      text\n")
	for _, tt := range []struct {
		pos  Pos
		want string
	}{
		{v.Get("é").Pos, "t.yml:1:4"},
		{v.Fields[1].Pos, "t.yml:2:1"},
		{v.Get("a").Items[0].Pos, "t.yml:3:5"},
		{v.Get("a").Items[0].Fields[0].Value.Pos, "t.yml:3:8"},
		{v.Get("a").Items[0].Fields[1].Pos, "t.yml:4:5"},
		{v.Get("a").Items[0].Get("d").Pos, "t.yml:4:10"},
	} {
		if tt.pos.String() != tt.want {
			t.Errorf("got %s, want %s", tt.pos, tt.want)
		}
	}
}

func FuzzReadYAML(f *testing.F) {
	for _, s := range []string{
		"", "a: 1\n", "a: &x [1]\nb: *x\n", "{<<: {a: 1}}", "!GetAtt a.b", "!Sub ['${a}', {a: !Ref b}]", "a: !!int 5", "- |\n x\n", "a: !If\n  - b\n", "\ufeffa: 1",
		"{\n\t\"a\": 1}", "? [a]\n: b", "a: 0x1F", "%YAML 1.1\n---\na: yes", "'", "[", "!Join [',', [a]]", "a: !Condition b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		file := &File{Name: "t.yml", Text: []byte(s)}
		v, ds := ReadYAML(file)
		if (v == nil) != ds.HasErrors() {
			t.Fatalf("value %v with %v", v, ds)
		}
		for _, d := range ds {
			d.Render()
		}
		if v == nil {
			return
		}
		check(t, v)
		// What was read is JSON, and reads as the same value.
		again, ds := ReadJSON(&File{Name: "t.json", Text: v.AppendJSON(nil)})
		if ds.HasErrors() {
			t.Fatalf("%s is not JSON: %v", v.AppendJSON(nil), ds)
		}
		if !Equal(v, again) {
			t.Fatalf("%s reads as %s", v.AppendJSON(nil), again.AppendJSON(nil))
		}
	})
}

// check holds a value to the package's invariants.
func check(t *testing.T, v *Value) {
	t.Helper()
	if v == nil {
		t.Fatal("a nil value")
	}
	if !v.Pos.IsValid() || v.Pos.Column < 1 {
		t.Fatalf("no position: %+v", v)
	}
	if (v.Items != nil && v.Kind != List) || (v.Fields != nil && v.Kind != Map) {
		t.Fatalf("a %s with children", v.Kind)
	}
	for _, item := range v.Items {
		check(t, item)
	}
	seen := map[string]bool{}
	for _, f := range v.Fields {
		if seen[f.Key] {
			t.Fatalf("the key %q twice", f.Key)
		}
		seen[f.Key] = true
		check(t, f.Value)
	}
}
