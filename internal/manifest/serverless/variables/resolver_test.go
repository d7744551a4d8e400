package variables

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

// config is a configuration over files in memory, in the directory /p.
func config(files map[string]string) Config {
	env := map[string]string{"HOME": "/home/u", "NESTED": "${self:custom.name}-env", "LOOP": "${env:LOOP}", "NUMBER": "12"}
	return Config{
		Dir: "/p",
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Read: func(path string) ([]byte, error) {
			rel, err := filepath.Rel("/p", path)
			if err != nil {
				return nil, err
			}
			text, ok := files[filepath.ToSlash(rel)]
			if !ok {
				return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
			}
			return []byte(text), nil
		},
		Name: func(path string) string { return strings.TrimPrefix(path, "/p/") },
	}
}

func parse(t *testing.T, text string) *template.Value {
	t.Helper()
	v, ds := template.ReadYAML(&template.File{Name: "m.yml", Text: []byte(text)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestResolve(t *testing.T) {
	tests := []struct {
		name, manifest string
		files          map[string]string
		change         func(*Config)
		want           string // of "out", as JSON
	}{
		{name: "typed", manifest: "{n: 5, b: true, l: [1, x], m: {a: 1}, out: {n: '${self:n}', b: '${self:b}', l: '${self:l}', m: '${self:m}'}}",
			want: `{"n":5,"b":true,"l":[1,"x"],"m":{"a":1}}`},
		{name: "in a text", manifest: "{n: 0x10, f: 1.50, l: [1, [2, x], ~], out: '${self:n} ${self:f} ${self:l}'}", want: `"16 1.5 1,2,x,"`},
		{name: "a list with variables in a text", manifest: "{a: x, l: ['${self:a}', y], out: 'l=${self:l}'}", want: `"l=x,y"`},
		{name: "into what a variable yields", manifest: "{a: '${self:b}', b: {c: {d: '${self:e}'}}, e: deep, out: '${self:a.c.d}'}", want: `"deep"`},
		{name: "sideways", manifest: "{m: {a: 1, b: '${self:m.a}'}, out: '${self:m}'}", want: `{"a":1,"b":1}`},
		{name: "of a list", manifest: "{l: [a, {b: c}], out: '${self:l.1.b}'}", want: `"c"`},
		{name: "address from a variable", manifest: "{s: prod, prod: {x: 1}, out: '${self:${self:s}.x}'}", want: `1`},
		{name: "value that holds a variable", manifest: "{custom: {name: n}, out: '${env:NESTED}'}", want: `"n-env"`},
		{name: "text that holds a variable", manifest: "{custom: {name: n}, out: '<${env:NESTED}>'}", want: `"<n-env>"`},
		{name: "no accidental variables", manifest: "{a: '$', out: '${self:a}{self:b}'}", want: `"${self:b}"`},
		{name: "escape", manifest: `{out: '\${self:a} \\${env:HOME}'}`, want: `"${self:a} \\/home/u"`},
		{name: "foreign", manifest: `{out: '${AWS::Region}/${Table}/${env:HOME}'}`, want: `"${AWS::Region}/${Table}//home/u"`},
		{name: "fallback to a literal", manifest: "{out: ['${opt:x, 1.5}', '${opt:x, true}', '${opt:x, null}', \"${opt:x, 'a b'}\", '${self:no, opt:y, self:z.z, -3}']}",
			want: `[1.5,true,null,"a b",-3]`},
		{name: "null is no value", manifest: "{a: ~, out: \"${self:a, 'b'}\"}", want: `"b"`},
		{name: "false and empty are values", manifest: "{a: false, b: '', c: 0, out: [\"${self:a, 'x'}\", \"${self:b, 'x'}\", \"${self:c, 'x'}\"]}", want: `[false,"",0]`},
		{name: "stage and region", manifest: "{out: ['${sls:stage}', '${self:provider.stage}', '${aws:region}', '${self:provider.region}']}",
			want: `["dev","dev","us-east-1","us-east-1"]`},
		{name: "stage and region of the manifest", manifest: "{provider: {stage: qa, region: '${self:r}'}, r: eu-west-1, out: ['${sls:stage}', '${self:provider.stage}', '${aws:region}']}",
			want: `["qa","qa","eu-west-1"]`},
		{name: "stage and region of the command line", manifest: "{provider: {stage: qa}, out: ['${sls:stage}', '${self:provider.stage}', '${opt:stage}', '${aws:region}', '${opt:}']}",
			change: func(c *Config) { c.Stage, c.Region, c.Options = "prod", "eu-west-1", map[string]string{"x": "y"} },
			want:   `["prod","qa","prod","eu-west-1",{"region":"eu-west-1","stage":"prod","x":"y"}]`},
		{name: "parameters", manifest: "{params: {default: {a: 1, b: 2, c: 3}, dev: {a: '${sls:stage}', c: ~}, prod: {a: '${nonsense:x}'}}, out: ['${param:a}', '${param:b}', '${param:c}', '${param:d}']}",
			change: func(c *Config) { c.Params = map[string]string{"d": "cli"} },
			want:   `["dev",2,3,"cli"]`},
		{name: "file", manifest: "{x: 7, out: ['${file(a.yml)}', '${file(a.yml):k.v}', '${file(a.json):l.0}', '${file(./t.txt)}', '${file(no.yml), 4}', '${file(a.yml):no, 5}', '${file(a.yml):k.v.deeper, 6}']}",
			files: map[string]string{"a.yml": "k: {v: '${self:x}'}", "a.json": `{"l": ["${self:x}"]}`, "t.txt": "text\n"},
			want:  `[{"k":{"v":7}},7,7,"text\n",4,5,6]`},
		{name: "file through a variable in a file", manifest: "{out: '${file(a.yml):x.y}'}",
			files: map[string]string{"a.yml": "x: '${file(b.yml)}'", "b.yml": "y: '${file(a.yml):z}'\n", "c": ""}, want: ``},
		{name: "tags in a file", manifest: "{out: '${file(a.yml)}'}", files: map[string]string{"a.yml": "!Sub '${AWS::Region}-${env:NUMBER}'"},
			want: `{"Fn::Sub":"${AWS::Region}-12"}`},
		{name: "strToBool", manifest: "{out: ['${strToBool(1)}', \"${strToBool('False')}\", '${strToBool(${self:t})}'], t: ' TRUE '}", want: `[true,false,true]`},
		{name: "other stages are left alone", manifest: "{out: 1, params: {prod: {a: '${env:NOT_THERE}'}}}", want: `1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(tt.files)
			if tt.change != nil {
				tt.change(&c)
			}
			v, ds := New(parse(t, tt.manifest), c).All(context.Background())
			if tt.want == "" {
				if !ds.HasErrors() {
					t.Fatalf("no error: %s", v.AppendJSON(nil))
				}
				return
			}
			if err := ds.Err(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(v.Get("out").AppendJSON(nil))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name, manifest string
		files          map[string]string
		want           []string
	}{
		{name: "cycle", manifest: "a: ${self:b}\nb: x${self:c}\nc: ${self:a}\n",
			want: []string{"m.yml:3:4: circular reference: a → b → c → a"}},
		{name: "itself", manifest: "a:\n  b: ${self:a}\n", want: []string{"m.yml:2:6: circular reference: a.b → a.b"}},
		{name: "everything", manifest: "a: ${self:}\n", want: []string{"m.yml:1:4: circular reference: a → a"}},
		{name: "once for all who depend on it", manifest: "a: ${self:b}\nb: ${env:NO}\nc: [\"${self:b}\", \"x${self:a}\"]\n",
			want: []string{"m.yml:2:6: the environment variable NO is not set (set it, or give a fallback: ${env:NO, 'value'})"}},
		{name: "two in a row", manifest: "a: ${env:NO1}\nb: ${env:NO2}\n", want: []string{
			"m.yml:1:6: the environment variable NO1 is not set (set it, or give a fallback: ${env:NO1, 'value'})",
			"m.yml:2:6: the environment variable NO2 is not set (set it, or give a fallback: ${env:NO2, 'value'})",
		}},
		{name: "the last source is the reason", manifest: "a: ${opt:x, env:NO}\n",
			want: []string{"m.yml:1:13: the environment variable NO is not set (set it, or give a fallback: ${env:NO, 'value'})"}},
		{name: "an error is not a missing value", manifest: "a: ${file(a.js), 'x'}\n", want: []string{
			"m.yml:1:6: a.js is a program, and nube does not run programs to read a manifest " +
				"(write its result into a .json or .yml file, or pass the values as parameters: ${param:name} and --param)"}},
		{name: "in a quoted text", manifest: "a: 'é ${env:NO}'\n",
			want: []string{"m.yml:1:9: the environment variable NO is not set (set it, or give a fallback: ${env:NO, 'value'})"}},
		{name: "in a block", manifest: "a: |\n  x\n  ${env:NO}\n",
			want: []string{"m.yml:1:4: the environment variable NO is not set (set it, or give a fallback: ${env:NO, 'value'})"}},
		{name: "in a file", manifest: "a: ${file(f.yml)}\n", files: map[string]string{"f.yml": "b:\n  - ${env:NO}\n"},
			want: []string{"f.yml:2:7: the environment variable NO is not set (set it, or give a fallback: ${env:NO, 'value'})"}},
		{name: "a broken file, once", manifest: "a: ${file(f.yml):x}\nb: ${file(f.yml):y}\n", files: map[string]string{"f.yml": "a: 1\na: 2\n"},
			want: []string{"f.yml:2:1: duplicate key \"a\""}},
		{name: "a file in itself", manifest: "a: ${file(f.yml)}\n", files: map[string]string{"f.yml": "a: ${file(f.yml)}\n"},
			want: []string{"f.yml:1:4: a.a.a.a.a.a.a.a.a.a.a: values that variables yield hold variables, deeper than 10 levels"}},
		{name: "an environment without end", manifest: "a: ${env:LOOP}\n",
			want: []string{"m.yml:1:6: variables that yield variables are nested deeper than 10 levels"}},
		{name: "syntax in what a variable yields", manifest: "a: ${self:b}\nb: \"\\\\${self:x \"\n",
			want: []string{`m.yml:2:4: invalid variable: a variable is not closed: "}" is missing`}},
		{name: "similar", manifest: "custom: {tables: {users: x}}\na: ${self:custom.table.users}\n",
			want: []string{`m.yml:2:6: nothing is set at "custom.table.users" (did you mean ${self:custom.tables.users}?)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ds := New(parse(t, tt.manifest), config(tt.files)).All(context.Background())
			var got []string
			for _, d := range ds {
				got = append(got, d.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestGrowth refers to lists of lists, ten times each, ten levels deep.
func TestGrowth(t *testing.T) {
	var b strings.Builder
	b.WriteString("l0: [1]\n")
	for i := 1; i <= 10; i++ {
		fmt.Fprintf(&b, "l%d: [%s]\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("'${self:l%d}',", i-1), 10), ","))
	}
	_, ds := New(parse(t, b.String()), config(nil)).All(context.Background())
	if len(ds) != 1 || !strings.Contains(ds[0].Message, "l6 grows beyond 1000000 values") {
		t.Errorf("%v", ds)
	}
}

func TestLookupIsLazy(t *testing.T) {
	r := New(parse(t, "useDotenv: ${self:a}\na: true\nbroken: ${env:NOT_YET}\n"), config(nil))
	if v := r.Lookup(context.Background(), "useDotenv"); v == nil || v.Kind != template.Bool {
		t.Fatalf("useDotenv is %v", v)
	}
	if len(r.MissingEnv) != 0 {
		t.Errorf("looked for %v", r.MissingEnv)
	}
	r.SetEnv(func(string) (string, bool) { return "now", true })
	v, ds := r.All(context.Background())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if s, _ := v.Get("broken").AsString(); s != "now" {
		t.Errorf("broken is %q", s)
	}
}

func TestPositionsSurvive(t *testing.T) {
	v, ds := New(parse(t, "a:\n  b: 5\nout: ${self:a}\ntext: x${self:a.b}\n"), config(nil)).All(context.Background())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if at := v.Get("out", "b").Pos.String(); at != "m.yml:2:6" {
		t.Errorf("a value through a reference is at %s", at)
	}
	if at := v.Get("text").Pos.String(); at != "m.yml:4:7" {
		t.Errorf("a composed text is at %s", at)
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{
		"a: ${self:b}\nb: 1\n", "a: ${file(f.yml)}\n", "a: ${self:a.b}\n", "params: {dev: {x: '${param:x}'}}\na: ${param:x}\n", "a: [\"${self:a.0}\"]\n",
		"provider: {stage: '${self:provider.stage}'}\n", "a: '${self:${self:b}}'\nb: '${env:HOME}'\n", "a: ${strToBool(${self:b})}\nb: yes\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ds := template.ReadYAML(&template.File{Name: "m.yml", Text: []byte(s)})
		if ds.HasErrors() {
			return
		}
		out, ds := New(v, config(map[string]string{"f.yml": "a: ${self:a}\nb: ${file(f.yml):a}\n"})).All(context.Background())
		if !ds.HasErrors() && out == nil {
			t.Fatal("neither a value nor an error")
		}
	})
}
