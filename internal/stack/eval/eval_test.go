package eval

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/template"
)

const header = `
Transform: AWS::LanguageExtensions
Parameters:
  Stage: {Type: String, Default: dev}
  Empty: {Type: String, Default: ""}
  Size: {Type: Number, Default: 5}
  Zones: {Type: CommaDelimitedList, Default: "a, b,c"}
  Numbers: {Type: List<Number>, Default: "1,2"}
Mappings:
  Regions:
    eu-central-1: {Image: ami-1, List: [x, y]}
Conditions:
  Dev: !Equals [!Ref Stage, dev]
  Prod: !Not [!Condition Dev]
  Both: !And [!Condition Dev, !Condition Prod]
  One: !Or [!Condition Dev, !Condition Prod]
  Nested: !Equals [!Join ["", [!Ref Stage, !FindInMap [Regions, !Ref "AWS::Region", Image]]], devami-1]
Resources:
  Known: {Type: T}
  Later: {Type: T}
  Other: {Type: T}
  Gone: {Type: T, Condition: Prod}
`

// environment is the one of all tests: of the resources only Known exists.
func environment(t testing.TB) *Env {
	t.Helper()
	tmpl, ds := template.Parse(&template.File{Name: "t.yaml", Text: []byte(header)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	params, ds := Bind(tmpl, nil)
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	env, ds := New(tmpl, params, Stack{Name: "app", ID: "arn:stack", Scope: arn.In("eu-central-1", "123456789012")})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	env.Attribute = func(id, attr string) (*template.Value, bool, error) {
		switch {
		case id != "Known":
			return nil, false, nil
		case attr == "":
			return template.New(template.Pos{}, "known-1"), true, nil
		case attr == "List":
			return template.New(template.Pos{}, []string{"p", "q"}), true, nil
		case attr == "Trick":
			return template.New(template.Pos{}, "${Stage}"), true, nil
		case attr == "None":
			return nil, true, errors.New("Attribute 'None' does not exist")
		}
		return template.New(template.Pos{}, "known."+attr), true, nil
	}
	env.Import = func(name string) (string, bool) { return "value of " + name, name == "net-vpc" }
	return env
}

// evaluate evaluates YAML and returns JSON, or the messages of what is wrong.
func evaluate(t testing.TB, env *Env, text string) string {
	t.Helper()
	v, ds := template.ReadYAML(&template.File{Name: "v.yaml", Text: []byte(text)})
	if err := ds.Err(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	got, ds := env.Value("Resources", v)
	if ds.HasErrors() {
		var msgs []string
		for _, d := range ds {
			msgs = append(msgs, d.Message)
		}
		return "! " + strings.Join(msgs, " | ")
	}
	if got == nil {
		return "nothing"
	}
	return string(got.AppendJSON(nil))
}

func TestValue(t *testing.T) {
	env := environment(t)
	for _, c := range []struct{ in, want string }{
		{`plain`, `"plain"`},
		{`{a: [1, true, null], b: {c: d}}`, `{"a":[1,true,null],"b":{"c":"d"}}`},

		{`!Ref Stage`, `"dev"`},
		{`!Ref Size`, `"5"`},
		{`!Ref Zones`, `["a","b","c"]`},
		{`!Ref Numbers`, `["1","2"]`},
		{`!Ref Known`, `"known-1"`},
		{`!Ref Later`, `{"Ref":"Later"}`},
		{`!Ref Nope`, `! Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template`},
		{`!Ref Gone`, `! Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template`},
		{`!Ref AWS::Region`, `"eu-central-1"`},
		{`!Ref AWS::AccountId`, `"123456789012"`},
		{`!Ref AWS::Partition`, `"aws"`},
		{`!Ref AWS::StackName`, `"app"`},
		{`!Ref AWS::StackId`, `"arn:stack"`},
		{`!Ref AWS::URLSuffix`, `"amazonaws.com"`},
		{`!Ref AWS::NotificationARNs`, `[]`},
		{`!Ref AWS::NoValue`, `nothing`},
		{`!Ref AWS::Nope`, `! Template format error: Unresolved resource dependencies [AWS::Nope] in the Resources block of the template`},
		{`{a: !Ref AWS::NoValue, b: 1}`, `{"b":1}`},
		{`[a, !Ref AWS::NoValue, b]`, `["a","b"]`},
		{`{Ref: [a]}`, `! Template error: Ref takes the name of a parameter or a resource`},

		{`!GetAtt Known.Arn`, `"known.Arn"`},
		{`!GetAtt Known.Endpoint.Port`, `"known.Endpoint.Port"`},
		{`{"Fn::GetAtt": Known.Arn}`, `"known.Arn"`},
		{`{"Fn::GetAtt": [Known, !Ref Stage]}`, `"known.dev"`},
		{`!GetAtt Later.Arn`, `{"Fn::GetAtt":["Later","Arn"]}`},
		{`!GetAtt Known.None`, `! Attribute 'None' does not exist`},
		{`!GetAtt Nope.Arn`, `! Template error: instance of Fn::GetAtt references undefined resource Nope`},
		{`!GetAtt Known`, `! Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute`},

		{`!Sub "${Stage}-${AWS::Region}-${Known}-${Known.Arn}"`, `"dev-eu-central-1-known-1-known.Arn"`},
		{`!Sub "${!Literal} ${Stage} $ { } ${"`, `"${Literal} dev $ { } ${"`},
		{`!Sub ["${x}/${Stage}", {x: !Ref Known}]`, `"known-1/dev"`},
		{`!Sub ["${Stage}", {Stage: mine}]`, `"mine"`},
		{`!Sub "a-${Stage}-${Later}-${Later.Arn}-${Size}-b"`, `{"Fn::Join":["",["a-dev-",{"Ref":"Later"},"-",{"Fn::GetAtt":["Later","Arn"]},"-5-b"]]}`},
		{`!Sub "${Known.Trick}"`, `"${Stage}"`}, // what a resource returns is not a template
		{`!Sub ["${x}", {x: "${Stage}"}]`, `"${Stage}"`},
		{`!Sub ""`, `""`},
		{`!Sub "${Nope}"`, `! Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template`},
		{`!Sub "${Nope.Arn}"`, `! Template error: instance of Fn::Sub references invalid resource attribute Nope.Arn`},
		{`!Sub "${Known List}"`, `! Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons`},
		{`!Sub "${Known.List}"`, `! Template error: a list cannot be joined into a text`},
		{`!Sub [a]`, `! Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string`},

		{`!Join ["-", [a, !Ref Stage, 5]]`, `"a-dev-5"`},
		{`!Join [",", !Ref Zones]`, `"a,b,c"`},
		{`!Join ["", []]`, `""`},
		{`!Join ["-", [a, !Ref AWS::NoValue, b]]`, `"a-b"`},
		{`!Join ["-", [a, b, !Ref Later, c, d]]`, `{"Fn::Join":["-",["a-b",{"Ref":"Later"},"c-d"]]}`},
		{`!Join ["-", !GetAtt Later.List]`, `{"Fn::Join":["-",{"Fn::GetAtt":["Later","List"]}]}`},
		{`!Join ["-", !GetAtt Known.List]`, `"p-q"`},
		{`!Join ["-", [[a]]]`, `! Template error: a list cannot be joined into a text`},

		{`!Split [",", "a,b,,c"]`, `["a","b","","c"]`},
		{`!Split ["|", !Ref Later]`, `{"Fn::Split":["|",{"Ref":"Later"}]}`},
		{`!Split ["", a]`, `! Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.`},
		{`!Select [1, !Split [",", "a,b"]]`, `"b"`},
		{`!Select ["0", !Ref Zones]`, `"a"`},
		{`!Select [0, [a, !Ref Later]]`, `"a"`},
		{`!Select [1, [a, !Ref Later]]`, `{"Ref":"Later"}`},
		{`!Select [1, !Split [",", !Ref Later]]`, `{"Fn::Select":[1,{"Fn::Split":[",",{"Ref":"Later"}]}]}`},
		{`!Select [3, !Ref Zones]`, `! Template error: Fn::Select cannot select nonexistent value at index 3`},
		{`!Select [-1, !Ref Zones]`, `! Template error: Fn::Select cannot select nonexistent value at index -1`},

		{`!If [Dev, a, b]`, `"a"`},
		{`!If [Prod, !Ref Nope, b]`, `"b"`}, // the other branch is not looked at
		{`!If [Both, a, !If [One, c, d]]`, `"c"`},
		{`!If [Nested, a, b]`, `"a"`},
		{`!If [Nope, a, b]`, `! Template error: unresolved condition dependency Nope in Fn::If`},
		{`{a: !If [Prod, x, !Ref AWS::NoValue]}`, `{}`},
		{`!Equals [a, a]`, `! Fn::Equals can be used in the Conditions section only`},

		{`!FindInMap [Regions, !Ref AWS::Region, Image]`, `"ami-1"`},
		{`!FindInMap [Regions, eu-central-1, List]`, `["x","y"]`},
		{`!FindInMap [Regions, us-east-1, Image, {DefaultValue: !Ref Stage}]`, `"dev"`},
		{`!FindInMap [Nope, a, b, {DefaultValue: c}]`, `"c"`},
		{`!FindInMap [Regions, us-east-1, Image]`, `! Template error: Unable to get mapping for Regions::us-east-1::Image`},
		{`!FindInMap [Regions, !Ref Later, Image]`, `! Template error: Fn::FindInMap cannot depend on resources`},

		{`!Base64 hello`, `"aGVsbG8="`},
		{`{"Fn::Base64": !Sub "${Later}"}`, `{"Fn::Base64":{"Fn::Join":["",[{"Ref":"Later"}]]}}`},
		{`!Cidr [10.0.0.0/16, 3, 8]`, `["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"]`},
		{`!Cidr ["10.0.255.0/23", 2]`, `["10.0.254.0/24","10.0.255.0/24"]`},
		{`!Cidr ["2001:db8::/48", 2, 64]`, `["2001:db8::/64","2001:db8:0:1::/64"]`},
		{`!Cidr [10.0.0.0/24, 3, 7]`, `! Template error: 10.0.0.0/24 does not hold 3 subnets with 7 bits`},
		{`!Cidr [10.0.0.0/24, 1, 16]`, `! Template error: 10.0.0.0/24 has no subnets with 16 bits`},
		{`!GetAZs ""`, `["eu-central-1a","eu-central-1b","eu-central-1c"]`},
		{`!Select [0, !GetAZs {Ref: "AWS::Region"}]`, `"eu-central-1a"`},
		{`!ImportValue net-vpc`, `"value of net-vpc"`},
		{`{"Fn::ImportValue": !Sub "net-${Stage}"}`, `! No export named net-dev found.`},
		{`{"Fn::ImportValue": !Ref Later}`, `! Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs`},
		{`!Length [[a, b]]`, `1`},
		{`{"Fn::Length": !Ref Zones}`, `3`},
		{`{"Fn::Length": !GetAtt Later.List}`, `{"Fn::Length":{"Fn::GetAtt":["Later","List"]}}`},
		{`!ToJsonString {b: 1, a: [!Ref Stage, true]}`, `"{\"b\":1,\"a\":[\"dev\",true]}"`},
		{`!ToJsonString {a: !Ref Later}`, `{"Fn::ToJsonString":{"a":{"Ref":"Later"}}}`},

		{`{Statement: {Condition: {StringEquals: {a: b}}}}`, `{"Statement":{"Condition":{"StringEquals":{"a":"b"}}}}`},
		{`{Condition: {StringEquals: {a: !Ref Stage}}}`, `{"Condition":{"StringEquals":{"a":"dev"}}}`},
		{`{"Fn::Sub": a, b: c}`, `! Fn::Sub must be the only key of its map`},
		{`{"Fn::Nope": a}`, `! Template error: Fn::Nope is not a function`},
		{`"{{resolve:ssm:/x}}"`, `"{{resolve:ssm:/x}}"`},
		{`!Sub "{{resolve:ssm:/${Stage}}}"`, `"{{resolve:ssm:/dev}}"`},
		{`"{{resolve:s3:/x}}"`, `! "s3" is not what a dynamic reference can read`},
	} {
		if got := evaluate(t, env, c.in); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestAgain evaluates what remained when more is known.
func TestAgain(t *testing.T) {
	env := environment(t)
	v, _ := template.ReadYAML(&template.File{Text: []byte(
		`{a: !Sub "${Later}/${Stage}/${Later.Arn}", b: !Select [1, !Split ["-", !Ref Other]], c: !ToJsonString {x: !Ref Later}, d: [!Ref Other, !Base64 {Ref: Later}]}`)})
	rest, ds := env.Value("Resources", v)
	if ds.HasErrors() || Known(rest) {
		t.Fatalf("rest %s: %v", rest.AppendJSON(nil), ds)
	}
	var refs []string
	for _, r := range References(rest) {
		refs = append(refs, strings.TrimSuffix(r.LogicalID+"."+r.Attribute, "."))
	}
	if got, want := strings.Join(refs, " "), "Later Later.Arn Other Later Other Later"; got != want {
		t.Errorf("references: %s, want %s", got, want)
	}
	next := *env
	next.Attribute = func(id, attr string) (*template.Value, bool, error) {
		return template.New(template.Pos{}, strings.ToLower(id)+"-"+attr+"-${Stage}"), true, nil
	}
	got, ds := next.Value("Resources", rest)
	want := `{"a":"later--${Stage}/dev/later-Arn-${Stage}","b":"","c":"{\"x\":\"later--${Stage}\"}","d":["other--${Stage}","bGF0ZXItLSR7U3RhZ2V9"]}`
	if ds.HasErrors() || string(got.AppendJSON(nil)) != want {
		t.Errorf("got %s, want %s: %v", got.AppendJSON(nil), want, ds)
	}
}

func TestExtensionsNeedTheirTransform(t *testing.T) {
	tmpl, _ := template.Parse(&template.File{Text: []byte("Mappings: {M: {a: {b: c}}}\nResources: {A: {Type: T}}")})
	env, ds := New(tmpl, nil, Stack{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	for _, in := range []string{`!Length [a]`, `!ToJsonString {a: b}`, `!FindInMap [M, a, x, {DefaultValue: d}]`} {
		if got := evaluate(t, env, in); !strings.Contains(got, "needs the transform AWS::LanguageExtensions") {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestBind(t *testing.T) {
	const body = `
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z]+", MinLength: 2, MaxLength: 4}
  Size: {Type: Number, Default: 3, MinValue: 1, MaxValue: 10}
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Secret: {Type: String, Default: abc, NoEcho: true, AllowedPattern: "[a-z]*", ConstraintDescription: lower case only}
  List: {Type: CommaDelimitedList, Default: "", AllowedValues: [x, y]}
  Ports: {Type: List<Number>, Default: "80"}
  Password: {Type: String, Default: aB3, AllowedPattern: '(?=.*[A-Z])(?=.*\d)\w+'}
Resources: {A: {Type: T}}
`
	tmpl, ds := template.Parse(&template.File{Name: "t.yaml", Text: []byte(body)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ given, want string }{
		{"Name=abc", ""},
		{"", "Parameters: [Name] must have values"},
		{"Name=abc Other=1 More=2", "Parameters: [More, Other] do not exist in the template"},
		{"Name=Abc", "Parameter 'Name' must match pattern [a-z]+"},
		{"Name=abc1", "Parameter 'Name' must match pattern [a-z]+"},
		{"Name=a", "Parameter 'Name' must contain at least 2 characters"},
		{"Name=abcde", "Parameter 'Name' must contain at most 4 characters"},
		{"Name=abc Size=x", "Parameter 'Size' must be a number"},
		{"Name=abc Size=NaN", "Parameter 'Size' must be a number"},
		{"Name=abc Size=0x1p2", "Parameter 'Size' must be a number"},
		{"Name=abc Size=0", "Parameter 'Size' must be a number not less than 1"},
		{"Name=abc Size=10.5", "Parameter 'Size' must be a number not greater than 10"},
		{"Name=abc Stage=test", "Parameter 'Stage' must be one of AllowedValues"},
		{"Name=abc Secret=A", "Parameter Secret failed to satisfy constraint: lower case only"},
		{"Name=abc List=x,y", ""},
		{"Name=abc List=x,z", "Parameter 'List' must be one of AllowedValues"},
		{"Name=abc Password=Secret1", ""},
		{"Name=abc Password=secret1", `Parameter 'Password' must match pattern (?=.*[A-Z])(?=.*\d)\w+`},
		{"Name=abc Ports=80,x", "Parameter 'Ports' must be a number"},
	} {
		given := map[string]string{}
		for _, p := range strings.Fields(c.given) {
			k, v, _ := strings.Cut(p, "=")
			given[k] = v
		}
		_, ds := Bind(tmpl, given)
		got := ""
		for _, d := range ds {
			got = d.Message
			if strings.Contains(d.Hint, "A") && strings.Contains(c.given, "Secret=A") {
				t.Errorf("%s: the hint shows a secret: %s", c.given, d.Hint)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.given, got, c.want)
		}
	}
}

// FuzzValue evaluates arbitrary values: it must end, blame a place for every
// error, and leave nothing to do for a second evaluation.
func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`!Sub "${Stage}-${Later.Arn}"`, `!Join ["-", [a, !Ref Later]]`, `!Select [0, !Split [",", !Ref Later]]`, `!If [Dev, !Ref AWS::NoValue, b]`,
		`!FindInMap [Regions, !Ref AWS::Region, Image, {DefaultValue: x}]`, `!Cidr [10.0.0.0/8, 256, 8]`, `{"Fn::GetAtt": [Known, {Ref: Stage}]}`,
		`!ToJsonString {a: [1, !GetAtt Later.X]}`, `!Length {"Fn::Split": [a, bab]}`, `{"Fn::If": [Dev]}`, `[!Ref AWS::NotificationARNs, !GetAZs ""]`,
		`!Sub ["${a}", {a: !Sub ["${b}", {b: !Ref Later}]}]`, `{"Fn::Sub": {"Ref": x}}`, `{"Fn::Base64": null}`, `{"Ref": null}`,
	} {
		f.Add(s)
	}
	env := environment(f)
	f.Fuzz(func(t *testing.T, text string) {
		file := &template.File{Name: "v.yaml", Text: []byte(text)}
		v, ds := template.ReadYAML(file)
		if ds.HasErrors() {
			return // not a value: nothing to evaluate
		}
		got, ds := env.Value("Resources", v)
		for _, d := range ds {
			if !d.Pos.IsValid() {
				t.Errorf("no place for %q", d.Message)
			}
		}
		if ds.HasErrors() {
			return
		}
		if got == nil {
			return
		}
		again, ds := env.Value("Resources", got)
		if ds.HasErrors() {
			return // what a parameter held may look like a dynamic reference
		}
		if a, b := string(got.AppendJSON(nil)), string(again.AppendJSON(nil)); a != b {
			t.Errorf("%s becomes %s when evaluated again", a, b)
		}
		if Known(got) != (len(References(got)) == 0) {
			t.Errorf("%s: known %v with references %v", got.AppendJSON(nil), Known(got), References(got))
		}
	})
}

func BenchmarkValue(b *testing.B) {
	env := environment(b)
	v, _ := template.ReadYAML(&template.File{Text: []byte(`{a: !Sub "arn:${AWS::Partition}:x:${AWS::Region}:${Known}/${Stage}", b: [!Ref Later, {c: !GetAtt Known.Arn}], d: plain}`)})
	for b.Loop() {
		env.Value("Resources", v)
	}
}

func ExampleEnv_Value() {
	t, _ := template.Parse(&template.File{Name: "t.yaml", Text: []byte("Resources: {Table: {Type: T}}")})
	env, _ := New(t, nil, Stack{Scope: arn.In("eu-central-1", "123456789012")})
	v, _ := template.ReadYAML(&template.File{Text: []byte(`!Sub "arn:aws:dynamodb:${AWS::Region}:table/${Table}/index"`)})
	got, _ := env.Value("Resources", v)
	fmt.Println(string(got.AppendJSON(nil)))
	// Output: {"Fn::Join":["",["arn:aws:dynamodb:eu-central-1:table/",{"Ref":"Table"},"/index"]]}
}
