package template

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const everything = `AWSTemplateFormatVersion: 2010-09-09
Description: Everything
Transform: AWS::LanguageExtensions
Metadata: {a: b}
Parameters:
  P: {Type: String, Default: x, NoEcho: true}
Rules: {R: {}}
Mappings:
  M: {a: {b: c}}
Conditions:
  C: !Equals [a, a]
Resources:
  A:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Ref P}
    DependsOn: B
    Condition: C
    DeletionPolicy: Retain
    UpdateReplacePolicy: Snapshot
    CreationPolicy: {x: y}
    UpdatePolicy: {x: y}
    Metadata: {x: y}
  B:
    Type: AWS::SNS::Topic
    DependsOn: [C1, C2]
Outputs:
  O: {Value: !Ref A, Description: about, Export: {Name: !Sub 'x'}, Condition: C}
  Q: {Value: 5}
`

func TestDecode(t *testing.T) {
	tpl, ds := Parse(&File{Name: "t.yml", Text: []byte(everything)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	a, ok := tpl.Resource("A")
	if !ok || a.Type != "AWS::SQS::Queue" || a.Pos.String() != "t.yml:13:3" || a.TypePos.Line != 14 || a.DependsOn[0].Text != "B" || a.Condition.Text != "C" ||
		a.DeletionPolicy != "Retain" || a.UpdateReplacePolicy != "Snapshot" {
		t.Errorf("A is %+v", a)
	}
	if p, ok := tpl.Parameter("P"); !ok || p.Type != "String" || p.Default().Text != "x" {
		t.Errorf("P is %+v", p)
	}
	if _, ok := tpl.Mapping("M"); !ok {
		t.Error("no mapping M")
	}
	if _, ok := tpl.Condition("C"); !ok {
		t.Error("no condition C")
	}
	if _, ok := tpl.Resource("Z"); ok {
		t.Error("a resource Z")
	}
	again, ds := Decode(tpl.Value())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(tpl.Value().AppendJSON(nil)), string(again.Value().AppendJSON(nil))); diff != "" {
		t.Errorf("a round trip (-before +after):\n%s", diff)
	}
}

func TestParseJSONBody(t *testing.T) {
	for _, body := range []string{"{\n\t\"Resources\": {\"A\": {\"Type\": \"X\"}}}", " {Resources: {A: {Type: X}}}"} {
		tpl, ds := Parse(&File{Name: "TemplateBody", Text: []byte(body)})
		if err := ds.Err(); err != nil || len(tpl.Resources) != 1 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"[]", "t.yml:1:1: a template must be a map, and this is a list"},
		{"{}", "t.yml:1:1: at least one Resources member must be defined"},
		{"Resources:", "t.yml:1:11: Resources must be a map, and this is a null"},
		{"AWSTemplateFormatVersion: '2011-01-01'\nResources: {}", `t.yml:1:27: the template format version "2011-01-01" is not supported`},
		{"Resource: {}\nResources: {}", `t.yml:1:1: unknown key "Resource" in the template (did you mean "Resources"?)`},
		{"Resources: {a-b: {Type: X}}", `t.yml:1:13: the name "a-b" in Resources must be alphanumeric`},
		{"Resources: {A: {}}", "t.yml:1:13: the resource A has no Type"},
		{"Resources: {A: x}", "t.yml:1:16: a resource must be a map, and this is a string"},
		{"Resources: {A: {Type: X, Properties: [a]}}", "t.yml:1:38: Properties must be a map, and this is a list"},
		{"Resources: {A: {Type: X, DependsOn: [1]}}", "t.yml:1:38: DependsOn takes logical ids, and this is a number"},
		{"Resources: {A: {Type: X, DeletionPolicy: Retian}}", `t.yml:1:42: DeletionPolicy must be one of Delete, Retain, Snapshot, RetainExceptOnCreate (did you mean "Retain"?)`},
		{"Resources: {A: {Type: X, Propertys: {}}}", `t.yml:1:26: unknown key "Propertys" in a resource (did you mean "Properties"?)`},
		{"Resources: {}\nParameters: {P: {Default: x}}", "t.yml:2:14: the parameter P has no Type"},
		{"Resources: {}\nMappings: {M: {a: b}}", "t.yml:2:19: an entry of a mapping must be a map, and this is a string"},
		{"Resources: {}\nOutputs: {O: {Export: {}}}", "t.yml:2:15: Export has no Name\nt.yml:2:11: the output O has no Value"},
		{"Resources: {'Fn::ForEach::X': [a]}", "t.yml:1:13: Fn::ForEach::X is not supported in Resources"},
	}
	for _, tt := range tests {
		_, ds := Parse(&File{Name: "t.yml", Text: []byte(tt.in)})
		if diff := cmp.Diff(tt.want, ds.Error()); diff != "" {
			t.Errorf("%s\n-want +got:\n%s", tt.in, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{everything, "Resources: {A: {Type: X}}", `{"Resources": {}}`, "Resources: !Ref a", "Parameters: {P: !Sub x}\nResources: {}", "Outputs: {O: {Export: !Ref x}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tpl, ds := Parse(&File{Name: "t.yml", Text: []byte(s)})
		if (tpl == nil) != ds.HasErrors() {
			t.Fatalf("template %v with %v", tpl, ds)
		}
		if tpl == nil {
			return
		}
		again, ds := Decode(tpl.Value())
		if err := ds.Err(); err != nil {
			t.Fatalf("a round trip: %v", err)
		}
		if !Equal(tpl.Value(), again.Value()) {
			t.Fatal("a round trip changed the template")
		}
	})
}
