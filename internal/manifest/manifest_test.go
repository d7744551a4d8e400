package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

// project writes empty files into a new directory.
func project(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindCode(t *testing.T) {
	dir := project(t, "functions/hello/main.go", "functions/only_tests/x_test.go", "bin/tool", "bootstrap", "packed/bootstrap", "packed/x.go",
		"src/a.js", "src/b.mjs", "src/c/index.ts", "pkg/h.py", "mod/__init__.py", "docs/readme.txt", "app.v2.js")
	tests := []struct {
		runtime, handler string
		want             Code
		fails            bool
	}{
		{"provided.al2023", "./functions/hello", Code{Kind: GoPackage, Path: "functions/hello"}, false},
		{"provided.al2", "functions/hello/", Code{Kind: GoPackage, Path: "functions/hello"}, false},
		{"go1.x", "functions/hello/main.go", Code{Kind: GoPackage, Path: "functions/hello"}, false},
		{"go1.x", "bin/tool", Code{Kind: Binary, Path: "bin/tool"}, false},
		{"provided.al2023", "bootstrap", Code{Kind: Binary, Path: "bootstrap"}, false},
		{"provided.al2023", "packed", Code{Kind: Directory, Path: "packed"}, false},
		{"provided.al2023", "docs", Code{}, true},
		{"provided.al2023", "functions/only_tests", Code{}, true},
		{"provided.al2023", "nowhere", Code{}, true},
		{"provided.al2023", "../x", Code{}, true},
		{"provided.al2023", "/bin/sh", Code{}, true},
		{"nodejs22.x", "src/a.handler", Code{Kind: Directory, Path: "."}, false},
		{"nodejs22.x", "src/b.handler", Code{Kind: Directory, Path: "."}, false},
		{"nodejs22.x", "src/c.handler", Code{Kind: Directory, Path: "."}, false},
		{"nodejs22.x", "app.v2.handler", Code{Kind: Directory, Path: "."}, false},
		{"nodejs22.x", "src/d.handler", Code{}, true},
		{"nodejs22.x", "handler", Code{}, true},
		{"nodejs22.x", "../a.handler", Code{}, true},
		{"python3.12", "pkg/h.main", Code{Kind: Directory, Path: "."}, false},
		{"python3.12", "pkg.h.main", Code{Kind: Directory, Path: "."}, false},
		{"python3.12", "mod.main", Code{Kind: Directory, Path: "."}, false},
		{"python3.12", "pkg/none.main", Code{}, true},
		{"dotnet8", "A::B", Code{}, true},
	}
	for _, tt := range tests {
		got, err := FindCode(dir, tt.runtime, tt.handler)
		var ce *CodeError
		if tt.fails {
			if !errors.As(err, &ce) {
				t.Errorf("%s %s: %v, want a CodeError", tt.runtime, tt.handler, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", tt.runtime, tt.handler, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s -want +got:\n%s", tt.runtime, tt.handler, diff)
		}
	}
}

func TestDeployable(t *testing.T) {
	tpl, ds := template.Parse(&template.File{Name: "t.yml", Text: []byte(`Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Code: {nube:Path: functions/f}, Handler: x}}
  V: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}
  L: {Type: AWS::Lambda::LayerVersion, Properties: {Content: {nube:Path: layer}}}
  Q: {Type: AWS::SQS::Queue}
`)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	p := &Project{Template: tpl, Functions: []Function{{Key: "f", LogicalID: "F", VersionID: "V"}}, Layers: []Layer{{Key: "l", LogicalID: "L"}}}
	built := func(key string) (Artifact, bool) {
		return Artifact{Digest: "digest-" + key, SHA256: "sha-" + key}, true
	}
	got, err := p.Deployable(built, built)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"nube:Artifact":"digest-f"},"Handler":"x"}},` +
		`"V":{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"F"},"CodeSha256":"sha-f"}},` +
		`"L":{"Type":"AWS::Lambda::LayerVersion","Properties":{"Content":{"nube:Artifact":"digest-l"}}},"Q":{"Type":"AWS::SQS::Queue"}}}`
	if diff := cmp.Diff(want, string(got.Value().AppendJSON(nil))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f, _ := tpl.Resource("F"); f.Properties.Get("Code", CodePath) == nil {
		t.Error("the project's own template was changed")
	}
	none := func(string) (Artifact, bool) { return Artifact{}, false }
	if _, err := p.Deployable(none, built); err == nil || err.Error() != "the function f has not been built" {
		t.Errorf("without an artifact: %v", err)
	}
	if _, err := p.Deployable(built, none); err == nil || err.Error() != "the layer l has not been built" {
		t.Errorf("without a layer: %v", err)
	}
}
