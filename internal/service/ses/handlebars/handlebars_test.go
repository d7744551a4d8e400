package handlebars

import (
	"errors"
	"strings"
	"testing"
)

// contact is the data of most cases.
const contact = `{
	"name": "Ana", "age": 30, "vip": true, "none": null, "empty": "", "zero": 0, "html": "<b>&</b>",
	"address": {"city": "Bengaluru", "post code": "560052"},
	"interests": [{"name": "Sports"}, {"name": "Travel"}], "tags": ["a", "b"], "nothing": [],
	"prices": {"tea": 2.50, "bread": 1e2}, "key": "tea"
}`

func TestRender(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"Hello {{name}}!", "Hello Ana!"},
		{"{{ name }}{{{name}}}{{& name}}{{~name~}} x", "AnaAnaAnaAnax"},
		{"{{html}} {{{html}}}", "<b>&</b> <b>&</b>"},
		{"{{age}} {{vip}} {{zero}}", "30 true 0"},
		{"{{address.city}} {{address/city}} {{this.name}} {{./name}}", "Bengaluru Bengaluru Ana Ana"},
		{"{{address.[post code]}} {{tags.1}} {{interests.0.name}} {{tags.length}}", "560052 b Sports 2"},
		{`{{"text"}} {{42}}`, "text 42"},
		{"{{address}} {{tags}}", `{"city":"Bengaluru","post code":"560052"} ["a","b"]`},

		{"{{#if vip}}yes{{/if}}", "yes"},
		{"{{#if zero}}yes{{else}}no{{/if}}", "no"},
		{"{{#if empty}}1{{else if none}}2{{else if nothing}}3{{else if vip}}4{{else}}5{{/if}}", "4"},
		{"{{#if absent}}yes{{/if}}{{#if address.street}}yes{{/if}}{{#if name.first}}yes{{/if}}.", "."},
		{"{{#unless absent}}no {{name}}{{/unless}}", "no Ana"},
		{"{{#unless vip}}a{{else}}b{{/unless}}", "b"},
		{"{{#if vip}}{{#if age}}both{{/if}}{{/if}}", "both"},

		{"{{#each interests}}<li>{{name}}</li>{{/each}}", "<li>Sports</li><li>Travel</li>"},
		{"{{#each tags}}{{@index}}={{this}}{{#unless @last}}, {{/unless}}{{/each}}", "0=a, 1=b"},
		{"{{#each tags}}{{#if @first}}first: {{/if}}{{.}} {{../name}} {{@root.age}};{{/each}}", "first: a Ana 30;b Ana 30;"},
		{"{{#each prices}}{{@key}}: {{this}} {{/each}}", "tea: 2.50 bread: 1e2 "},
		{"{{#each nothing}}x{{else}}none{{/each}} {{#each absent}}x{{else}}none{{/each}}", "none none"},
		{"{{#each interests as |i n|}}{{n}}:{{i.name}} {{/each}}", "0:Sports 1:Travel "},
		{"{{#each interests}}{{#each ../tags}}{{../name}}{{this}} {{/each}}{{/each}}", "Sportsa Sportsb Travela Travelb "},
		{"{{#each interests}}{{#if name}}{{../name}}{{/if}}{{/each}}", "AnaAna"},

		{"{{#with address}}{{city}} {{../name}}{{/with}}", "Bengaluru Ana"},
		{"{{#with absent}}x{{else}}no{{/with}}", "no"},
		{"{{#with address as |a|}}{{a.city}}{{/with}}", "Bengaluru"},
		{"{{#address}}{{city}}{{/address}}{{#tags}}{{.}}{{/tags}}{{#vip}}!{{/vip}}{{^absent}}-{{/absent}}{{^vip}}x{{else}}y{{/vip}}", "Bengaluruab!-y"},

		{"{{lookup prices key}} {{#if (lookup tags 1)}}b{{/if}} {{lookup (lookup interests 0) \"name\"}}", "2.50 b Sports"},

		{`{{#* inline "full"}}{{name}}, {{age}}{{/inline}}a {{> full}}`, "a Ana, 30"},
		{`{{#* inline "city"}}{{city}}{{/inline}}{{> city address}}`, "Bengaluru"},
		{`{{#* inline "hi"}}{{greeting}} {{name}}{{/inline}}{{> hi greeting="Hola"}}`, "Hola Ana"},
		{`{{#* inline "li"}}<{{name}}>{{/inline}}{{#each interests}}{{> li}}{{/each}}`, "<Sports><Travel>"},

		{"a{{! nothing }}b{{!-- not {{name}} --}}c{{!-- --~}}  d", "abcd"},
		{"a  {{~name~}}  b \n {{~{name}~}} c", "aAnabAnac"},
		{`\{{name}} {{name}}`, "{{name}} Ana"},
		{"} }} { {", "} }} { {"},
		{`{{#if "}}"}}x{{/if}}`, "x"},
		{"", ""},
	} {
		t.Run(c.template, func(t *testing.T) {
			if got := render(t, c.template, contact); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func render(t *testing.T, template, data string) string {
	t.Helper()
	tm, err := Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tm.Execute(d)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestMissing holds templates to data that has what they want.
func TestMissing(t *testing.T) {
	for template, name := range map[string]string{
		"{{absent}}":                           "absent",
		"{{none}}":                             "none",
		"{{address.street}}":                   "address.street",
		"{{#each interests}}{{city}}{{/each}}": "city",
		"{{../name}}":                          "../name",
		"{{@index}}":                           "@index",
		"{{lookup prices name}}":               "lookup prices name",
		`{{#* inline "p"}}{{/inline}}{{> p absent}}`: "absent",
	} {
		tm, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseData(contact)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tm.Execute(d)
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Name != name {
			t.Errorf("%s: %v, want that %s is missing", template, err, name)
		}
	}
}

func TestSyntax(t *testing.T) {
	for template, want := range map[string]string{
		"{{name":                         "line 1, column 1: the expression does not end with }}",
		"a\n {{#if x}}":                  "line 2, column 2: the block if does not end with {{/if}}",
		"{{/if}}":                        "{{/if}} ends no block",
		"{{else}}":                       "{{else}} ends no block",
		"{{#if x}}{{/each}}":             "{{/each}} does not end the block if",
		"{{#if x}}{{else}}{{else}}a":     "{{else}} does not end the block if",
		"{{#if x}}{{else nope x}}a":      "after else only if, unless, each and with are known",
		"{{}}":                           "the expression is empty",
		"{{#if}}{{/if}}":                 "a value is missing",
		"{{upper name}}":                 "there is no helper upper",
		"{{#each a b}}{{/each}}":         "there is no helper a",
		"{{a..b}}":                       "a..b is no path",
		"{{a.[b}}":                       "does not end",
		"{{@}}":                          "@ is no path",
		"{{@this}}":                      "",
		"{{'x}}":                         "does not end",
		"{{>}}":                          "names no partial",
		"{{#* block \"x\"}}{{/block}}":   "is not {{#* inline",
		`{{#* inline "x"}}`:              "the partial x does not end",
		"{{!-- x":                        "the comment does not end",
		"{{1x}}":                         "1x is no number",
		strings.Repeat("{{#if a}}", 200): "more than 100 deep",
	} {
		_, err := Parse(template)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", template, err)
			}
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", template, err, want)
		}
	}
}

// TestBounds stops templates that would never end.
func TestBounds(t *testing.T) {
	d, err := ParseData(`{"a":[` + strings.Repeat("1,", 999) + `1]}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, template := range map[string]string{
		"recursion": `{{#* inline "x"}}{{> x}}{{/inline}}{{> x}}`,
		"output":    "{{#each a}}{{#each ../a}}" + strings.Repeat("x", 100) + "{{/each}}{{/each}}",
		"loops":     "{{#each a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}",
	} {
		tm, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tm.Execute(d); err == nil {
			t.Errorf("%s has no end", name)
		}
	}
}

func TestData(t *testing.T) {
	for _, text := range []string{"", "[]", `"x"`, "null", "{", `{"a":}`, "{} {}", "{'a':1}"} {
		if _, err := ParseData(text); err == nil {
			t.Errorf("%q is data", text)
		}
	}
	a, err := ParseData(`{"name":"friend","city":"Lima"}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseData(`{"name":"Ana"}`)
	if err != nil {
		t.Fatal(err)
	}
	tm, err := Parse("{{name}} {{city}} {{#each this}}{{@key}} {{/each}}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tm.Execute(a.Merge(b)); err != nil || got != "Ana Lima name city " {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"{{name}}", "{{#if a}}b{{else if c}}d{{/if}}", "{{#each interests as |i n|}}{{i.name}}{{/each}}", `{{#* inline "x"}}{{> x y=1}}{{/inline}}{{> x}}`,
		"{{~{a}~}}", "{{!-- --~}}", `\{{`, "{{@this}}", "{{a.[b c].0}}", "{{lookup (lookup a b) c}}", "{{^}}", "{{../..}}",
	} {
		f.Add(s)
	}
	d, err := ParseData(contact)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tm, err := Parse(src)
		if err != nil {
			return
		}
		got, err := tm.Execute(d)
		if err == nil && !strings.Contains(src, "{{") && got != src {
			t.Fatalf("text %q became %q", src, got)
		}
	})
}
