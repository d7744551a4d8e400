package compile

import (
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/vtl"
)

// gateway is as much of $input and $util as the templates use.
type gateway struct{ body any }

func (gateway) Get(string) (any, bool) { return nil, false }

func (g gateway) Call(name string, args []any) (any, error) {
	switch name {
	case "json":
		return vtl.JSON(g.body)
	case "path":
		return g.body, nil
	case "params":
		return vtl.FromJSON(`{"header":{"X-Tag":"it's"},"querystring":{"a":"1","b":"2"},"path":{}}`)
	case "escapeJavaScript":
		return strings.ReplaceAll(args[0].(string), "'", `\'`), nil
	}
	return args[0], nil
}

// TestTemplates executes the templates of the integration lambda: what they
// make is JSON, whatever the request has and lacks.
func TestTemplates(t *testing.T) {
	const rest = `,"cognitoPoolClaims":{"sub":""},"enhancedAuthContext":{},"headers":{"X-Tag":"it's"},"identity":{"sourceIp":"192.0.2.7"},` +
		`"method":"GET","path":{},"principalId":"","query":{"a":"1","b":"2"},"requestPath":"/x","stage":"dev","stageVariables":{}}`
	object, err := vtl.FromJSON(`{"n":1}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text string
		body       any
		want       string
	}{
		{"json", jsonRequestTemplate, object, `{"body":{"n":1}` + rest},
		{"form", formRequestTemplate, "a=1&b&c=x'y", `{"body":{"a":"1","b":"","c":"x'y"}` + rest},
	} {
		tmpl, err := vtl.Parse(strings.Replace(tt.text, claimsPlace, "", 1))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		context, err := vtl.FromJSON(`{"httpMethod":"GET","stage":"dev","resourcePath":"/x","identity":{"sourceIp":"192.0.2.7"}}`)
		if err != nil {
			t.Fatal(err)
		}
		text, err := tmpl.Execute(vtl.Vars{"input": gateway{tt.body}, "util": gateway{}, "context": context, "stageVariables": &vtl.Map{}})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var v any
		if err := stdjson.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%s: %v in %s", tt.name, err, text)
		}
		got, err := stdjson.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, string(got)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

// TestOriginTemplate is the preflight of several origins.
func TestOriginTemplate(t *testing.T) {
	tmpl, err := vtl.Parse(originTemplate([]string{"https://a.example", "https://*.b.example"}))
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]string{"https://a.example": "https://a.example", "https://x.b.example": "https://x.b.example", "https://axexample": ""} {
		context, err := vtl.FromJSON(`{"responseOverride":{"header":{}}}`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmpl.Execute(vtl.Vars{"context": context, "input": origined(origin)}); err != nil {
			t.Fatal(err)
		}
		if got, err := vtl.JSON(context); err != nil || strings.Contains(got, "Allow-Origin") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, %v", origin, got, err)
		}
	}
}

// origined is $input of a request with an origin.
type origined string

func (origined) Get(string) (any, bool) { return nil, false }

func (o origined) Call(string, []any) (any, error) { return string(o), nil }
