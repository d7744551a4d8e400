package serverless

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/template"
)

// write makes a directory of files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestShop loads the guideline's own service, as it stands, with a Go handler.
func TestShop(t *testing.T) {
	p, ds := Load(context.Background(), "testdata/oracle/shop", Options{Env: os.LookupEnv, Account: "000000000000"})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if p.Name != "my-serverless-app" || p.Stage != "dev" || p.Region != "us-east-1" || p.StackName != "my-serverless-app-dev" || p.File != "serverless.yml" {
		t.Errorf("%+v", p)
	}
	want := []manifest.Function{{
		Key: "userApi", Name: "my-serverless-app-dev-userApi", LogicalID: "UserApiLambdaFunction", Runtime: "provided.al2023",
		Handler: "./functions/userapi", Architecture: "x86_64", Code: manifest.Code{Kind: manifest.GoPackage, Path: "functions/userapi"},
	}}
	got := append([]manifest.Function(nil), p.Functions...)
	if at := got[0].Pos.String(); at != "serverless.yml:34:14" {
		t.Errorf("the handler is at %s", at)
	}
	got[0].Pos, got[0].VersionID = template.Pos{}, ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	table, ok := p.Template.Resource("UsersTable")
	if !ok || table.Properties.Get("TableName").Text != "users-dev" {
		t.Errorf("the table is %+v", table)
	}
	if at := table.Properties.Get("KeySchema").Pos; at.Line != 60 {
		t.Errorf("the table's key schema is at %s", at)
	}
	fn, _ := p.Template.Resource("UserApiLambdaFunction")
	if got := string(fn.Properties.Get("Environment").AppendJSON(nil)); got != `{"Variables":{"STAGE":"dev","REGION":"us-east-1","TABLE_NAME":"users-dev"}}` {
		t.Errorf("the environment is %s", got)
	}
	if got := fn.Properties.Get("Code", manifest.CodePath).Text; got != "functions/userapi" {
		t.Errorf("the code is at %s", got)
	}
	for _, id := range []string{"ApiGatewayMethodUsersAny", "ApiGatewayMethodUsersProxyVarAny", "ApiGatewayMethodUsersOptions", "ApiGatewayRestApi"} {
		if _, ok := p.Template.Resource(id); !ok {
			t.Errorf("no resource %s", id)
		}
	}
	version := p.Functions[0].VersionID
	deployable, err := p.Deployable(func(string) (manifest.Artifact, bool) { return manifest.Artifact{Digest: "d", SHA256: "s"}, true }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := deployable.Resource(version); !ok || v.Properties.Get("CodeSha256").Text != "s" {
		t.Errorf("the version is %+v", v)
	}
}

// TestSameTwice: the same input makes the same template, to the byte.
func TestSameTwice(t *testing.T) {
	load := func() string {
		p, ds := Load(context.Background(), "testdata/oracle/event-httpapi", Options{MissingCode: true})
		if err := ds.Err(); err != nil {
			t.Fatal(err)
		}
		return string(p.Template.Value().AppendJSON(nil))
	}
	if a, b := load(), load(); a != b {
		t.Errorf("two templates of one manifest (-first +second):\n%s", cmp.Diff(a, b))
	}
}

func TestInputs(t *testing.T) {
	dir := write(t, map[string]string{
		"serverless.yaml": "service: shop\nuseDotenv: true\nprovider: {name: aws, runtime: nodejs22.x, tags: '${file(tags.yml)}'}\n" +
			"custom: {none: \"${file(sub/none.json), 'x'}\"}\nfunctions: {f: {handler: a.b, package: {artifact: f.zip}}}\n",
		"tags.yml": "a: b\n", ".env": "A=b\n", "f.zip": "",
	})
	p, ds := Load(context.Background(), dir, Options{})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range p.Inputs {
		rel, err := filepath.Rel(p.Dir, name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(rel))
	}
	want := []string{".env", ".env.dev", "f.zip", "serverless.yaml", "serverless.yml", "sub/none.json", "tags.yml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	dir := write(t, map[string]string{"other.yml": `service: shop
provider:
  name: aws
  runtime: python3.12
  architecture: arm64
  stackTags: {a: b, n: 5}
  stackParameters:
    - {ParameterKey: P, ParameterValue: v}
functions:
  f:
    handler: pkg/m.main
    description: ${opt:color, 'red'} ${param:size} ${sls:instanceId}
    package: {patterns: ['!a/**']}
package: {patterns: ['b/**']}
layers:
  tools: {path: ./layer}
resources:
  Parameters: {P: {Type: String}}
`, "pkg/m.py": ""})
	p, ds := Load(context.Background(), dir, Options{
		File: "other.yml", Stage: "prod", Region: "eu-west-1", Params: map[string]string{"size": "big"}, Options: map[string]string{"color": "blue"}, InstanceID: "i-1",
	})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	fn, _ := p.Template.Resource("FLambdaFunction")
	if got := fn.Properties.Get("Description").Text; got != "blue big i-1" {
		t.Errorf("the description is %q", got)
	}
	if p.Stage != "prod" || p.Region != "eu-west-1" || p.StackName != "shop-prod" || p.File != "other.yml" {
		t.Errorf("%+v", p)
	}
	f, ok := p.Function("f")
	if want := (manifest.Code{Kind: manifest.Directory, Path: ".", Patterns: []string{"b/**", "!a/**"}}); !ok || !cmp.Equal(want, f.Code) || f.Architecture != "arm64" {
		t.Errorf("the function is %+v", f)
	}
	if len(p.Layers) != 1 || p.Layers[0].Code.Path != "layer" || p.Layers[0].LogicalID != "ToolsLambdaLayer" {
		t.Errorf("the layers are %+v", p.Layers)
	}
	if diff := cmp.Diff([]manifest.Tag{{Key: "a", Value: "b"}, {Key: "n", Value: "5"}}, p.StackTags); diff != "" {
		t.Errorf("stack tags (-want +got):\n%s", diff)
	}
	if len(p.Params) != 1 || p.Params[0].Name != "P" || p.Params[0].Value != "v" || p.Params[0].Pos.Line != 8 {
		t.Errorf("stack parameters are %+v", p.Params)
	}
}

func TestProviderFromVariable(t *testing.T) {
	dir := write(t, map[string]string{"serverless.yml": "service: shop\nprovider: ${self:custom.p}\ncustom: {p: aws}\n"})
	if _, ds := Load(context.Background(), dir, Options{}); ds.HasErrors() {
		t.Error(ds)
	}
	dir = write(t, map[string]string{"serverless.yml": "service: shop\nprovider: {name: '${self:custom.p}', strange: 1}\ncustom: {p: google}\n"})
	if _, ds := Load(context.Background(), dir, Options{}); ds.Error() != `serverless.yml:3:13: the provider "google" is not supported (nube runs services whose provider is aws)` {
		t.Error(ds)
	}
}

func TestNoManifest(t *testing.T) {
	for _, tt := range []struct {
		files map[string]string
		file  string
		want  string
	}{
		{nil, "", "there is no manifest in "},
		{map[string]string{"serverless.ts": ""}, "", "serverless.ts: serverless.ts is a program"},
		{map[string]string{"x.js": ""}, "x.js", "x.js: x.js is a program"},
		{nil, "mine.yml", "there is no manifest in "},
	} {
		_, ds := Load(context.Background(), write(t, tt.files), Options{File: tt.file})
		if got := ds.Error(); len(got) < len(tt.want) || got[:len(tt.want)] != tt.want {
			t.Errorf("got %q, want %q...", got, tt.want)
		}
	}
}

func TestVersionRange(t *testing.T) {
	for s, want := range map[string]bool{
		"3": true, "^3.0.0": true, ">=2.0.0 <4.0.0": true, "~3.38": true, "3.x || 4.x": true, "*": true, "1.2.3 - 2.3.4": true, "3.40.0-beta.1": true, "v3": true, ">= 3": true, "": true,
		"newest": false, "3.": false, "1.2.3.4": false, "a.b": false, "not a version": false,
	} {
		if got := isVersionRange(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestDotenv(t *testing.T) {
	text := "A=1\nexport B = two words # comment\nC: colon\nD=\"a\\nb # no comment\"\nE='$A ${X:-y}'\nF=`back\ntick`\nnot a line\nG=\nH=${A}-${NONE}\nI=\\$A\nJ=\"open\n" +
		"K=${Z+set}${A:+set}\r\nL=${SELF}\nM=http://x/#y\n"
	env := func(name string) (string, bool) {
		if name == "SELF" {
			return "self", true
		}
		return "", false
	}
	want := map[string]string{
		"A": "1", "B": "two words", "C": "colon", "D": "a\nb # no comment", "E": "1 y", "F": "back\ntick", "G": "", "H": "1-", "I": "$A", "J": "\"open", "K": "set", "L": "self", "M": "http://x/",
	}
	if diff := cmp.Diff(want, expandDotenv(parseDotenv(text), env)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzDotenv(f *testing.F) {
	for _, s := range []string{"A=1", "A=\"", "A=$A", "A=${B:-$A}\nB=${A}", "export A: 'x'", "A=`", "=x", "A=${", "A=\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		settings := parseDotenv(s)
		for _, x := range settings {
			if x.key == "" {
				t.Fatal("a setting without a key")
			}
		}
		expandDotenv(settings, func(string) (string, bool) { return "", false })
	})
}

// FuzzLoad loads arbitrary manifests: whatever they hold, there is a project or a reason.
func FuzzLoad(f *testing.F) {
	manifests, err := filepath.Glob("testdata/oracle/*/serverless.yml")
	if err != nil || len(manifests) == 0 {
		f.Fatalf("no manifests: %v", err)
	}
	for i, name := range manifests {
		if i%4 != 0 {
			continue // enough of each kind
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		p, ds := Load(context.Background(), dir, Options{MissingCode: true})
		if (p.Template == nil) != ds.HasErrors() {
			t.Fatalf("project %v with %v", p, ds)
		}
		for _, d := range ds {
			d.Render()
		}
	})
}

// BenchmarkLoad loads the guideline's own service.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, ds := Load(context.Background(), "testdata/oracle/shop", Options{}); ds.HasErrors() {
			b.Fatal(ds)
		}
	}
}
