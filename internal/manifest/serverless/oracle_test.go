package serverless

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/manifest/serverless/variables"
)

// oracleCase is case.json of a case, see tools/oracle/osls.sh.
type oracleCase struct {
	Args    []string
	Env     map[string]string
	Cloud   fakeCloud
	Replace [][2]string
}

// fakeCloud answers what case.json says a running cloud would.
type fakeCloud struct {
	Outputs    map[string]map[string]string
	Parameters map[string]struct{ Type, Value string }
	Objects    map[string]string
}

func (c fakeCloud) StackOutput(_ context.Context, _, stack, output string) (string, bool, error) {
	v, ok := c.Outputs[stack][output]
	return v, ok, nil
}

func (c fakeCloud) Parameter(_ context.Context, _, name string, _ bool) (variables.Parameter, bool, error) {
	p, ok := c.Parameters[name]
	return variables.Parameter{Type: p.Type, Value: p.Value}, ok, nil
}

func (c fakeCloud) Object(_ context.Context, bucket, key string) (string, bool, error) {
	v, ok := c.Objects[bucket+"/"+key]
	return v, ok, nil
}

// options turns the command line of a case into options.
func (c oracleCase) options(t *testing.T) Options {
	t.Helper()
	o := Options{
		Params: map[string]string{}, Account: "123456789012", InstanceID: "1767323045678", Cloud: c.Cloud, MissingCode: true,
		Env: func(name string) (string, bool) { v, ok := c.Env[name]; return v, ok },
	}
	for i := 0; i < len(c.Args); i++ {
		name, value, inline := strings.Cut(c.Args[i], "=")
		if !inline {
			i++
			value = c.Args[i]
		}
		switch name {
		case "--stage":
			o.Stage = value
		case "--region":
			o.Region = value
		case "--param":
			k, v, _ := strings.Cut(value, "=")
			o.Params[k] = v
		default:
			t.Fatalf("unknown argument %s", c.Args[i])
		}
	}
	return o
}

// refusedHere are the cases that osls compiles and nube refuses, with the difference that says so.
func refusedHere() map[string]string {
	return map[string]string{
		"fn-image":          "refused",
		"event-s3-existing": "refused",
		"http-star":         "stars",
	}
}

// TestOracle compares the compiled template of every case with that of osls.
func TestOracle(t *testing.T) {
	const root = "testdata/oracle"
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			dir := filepath.Join(root, entry.Name())
			var c oracleCase
			if text, err := os.ReadFile(filepath.Join(dir, "case.json")); err == nil {
				if err := json.Unmarshal(text, &c); err != nil {
					t.Fatal(err)
				}
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			p, ds := Load(context.Background(), dir, c.options(t))
			want, err := os.ReadFile(filepath.Join(dir, "template.json"))
			if errors.Is(err, fs.ErrNotExist) {
				if !ds.HasErrors() {
					t.Fatalf("osls refuses this manifest:\n%s", read(t, filepath.Join(dir, "error.txt")))
				}
				for _, d := range ds {
					if d.Pos.Line == 0 && entry.Name() != "refuse-stage" {
						t.Errorf("a diagnostic without a place: %s", d.Error())
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if why := refusedHere()[entry.Name()]; why != "" {
				if !ds.HasErrors() {
					t.Fatalf("compiled, although the difference %q says that it is refused", why)
				}
				return
			}
			if ds.HasErrors() {
				var b strings.Builder
				_, _ = ds.WriteTo(&b)
				t.Fatalf("refused, and osls compiles it:\n%s", b.String())
			}
			got := decode(t, p.Template.Value().AppendJSON(nil))
			expected := decode(t, want)
			for name, change := range changes() {
				if change(got, expected) {
					used[name] = true
				}
			}
			if diff := cmp.Diff(comparable(expected), comparable(got)); diff != "" {
				t.Errorf("template (-osls +nube):\n%s", diff)
			}
		})
	}
	if t.Failed() {
		return
	}
	for _, d := range Differences() {
		if d.Template && !used[d.Name] {
			t.Errorf("no case shows the difference %q", d.Name)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// section returns a section of a template.
func section(template map[string]any, name string) map[string]any {
	s, _ := template[name].(map[string]any)
	return s
}

func properties(resource any) map[string]any {
	r, _ := resource.(map[string]any)
	p, _ := r["Properties"].(map[string]any)
	return p
}

func typeOf(resource any) string {
	r, _ := resource.(map[string]any)
	s, _ := r["Type"].(string)
	return s
}

// changes take the differences of [Differences] out of two templates. Each reports whether it had anything to do.
func changes() map[string]func(got, want map[string]any) bool {
	return map[string]func(got, want map[string]any) bool{
		"deployment-bucket": func(_, want map[string]any) bool {
			n := len(section(want, "Resources")) + len(section(want, "Outputs"))
			delete(section(want, "Resources"), "ServerlessDeploymentBucket")
			delete(section(want, "Resources"), "ServerlessDeploymentBucketPolicy")
			delete(section(want, "Outputs"), "ServerlessDeploymentBucketName")
			return len(section(want, "Resources"))+len(section(want, "Outputs")) < n
		},
		"code": func(got, want map[string]any) bool {
			return both(got, want, "AWS::Lambda::Function", func(p map[string]any) { delete(p, "Code") })
		},
		"layer-content": func(got, want map[string]any) bool {
			for name := range section(want, "Outputs") {
				if strings.HasSuffix(name, "LambdaLayerHash") || strings.HasSuffix(name, "LambdaLayerS3Key") {
					delete(section(want, "Outputs"), name)
				}
			}
			rename(want, `^(.+LambdaLayer(?:Permission)?)[0-9a-f]{40}$`)
			return both(got, want, "AWS::Lambda::LayerVersion", func(p map[string]any) { delete(p, "Content") })
		},
		"version-id": func(got, want map[string]any) bool {
			rename(got, `^(.+LambdaVersion)[0-9A-Za-z]{20,}$`)
			rename(want, `^(.+LambdaVersion)[0-9A-Za-z]{20,}$`)
			return both(got, want, "AWS::Lambda::Version", func(p map[string]any) { delete(p, "CodeSha256") })
		},
		"deployment-id": func(got, want map[string]any) bool {
			rename(want, `^(ApiGatewayDeployment)[0-9]+$`)
			return rename(got, `^(ApiGatewayDeployment)[0-9A-Za-z]+$`)
		},
		"deployment-waits": func(got, _ map[string]any) bool {
			found := false
			for _, r := range section(got, "Resources") {
				deployment, _ := r.(map[string]any)
				after, ok := deployment["DependsOn"].([]any)
				if !ok || typeOf(r) != "AWS::ApiGateway::Deployment" {
					continue
				}
				n := len(after)
				after = slices.DeleteFunc(after, func(id any) bool {
					return typeOf(section(got, "Resources")[id.(string)]) == "AWS::ApiGateway::GatewayResponse"
				})
				deployment["DependsOn"] = after
				found = found || len(after) < n
			}
			return found
		},
		"stage-settings": func(got, _ map[string]any) bool {
			found := false
			for _, r := range section(got, "Resources") {
				if _, ok := properties(r)["StageDescription"]; ok && typeOf(r) == "AWS::ApiGateway::Deployment" {
					delete(properties(r), "StageDescription")
					found = true
				}
			}
			return found
		},
		"account-role": func(_, want map[string]any) bool {
			n := len(section(want, "Resources"))
			for _, id := range []string{
				"CustomApiGatewayAccountCloudWatchRole", "CustomDashresourceDashapigwDashcwDashroleLambdaFunction",
				"CustomDashresourceDashapigwDashcwDashroleLogGroup", "IamRoleCustomResourcesLambdaExecution",
			} {
				delete(section(want, "Resources"), id)
			}
			return len(section(want, "Resources")) < n
		},
		"mapping-templates": func(got, want map[string]any) bool {
			found := false
			for id, r := range section(want, "Resources") {
				integration, _ := properties(r)["Integration"].(map[string]any)
				if integration["Type"] != "AWS" {
					continue
				}
				theirs, _ := integration["RequestTemplates"].(map[string]any)
				ours, _ := properties(section(got, "Resources")[id])["Integration"].(map[string]any)
				own, _ := ours["RequestTemplates"].(map[string]any)
				for kind, text := range theirs {
					if s, _ := text.(string); !strings.Contains(s, "enhancedAuthContext") {
						continue
					}
					if s, _ := own[kind].(string); strings.Contains(s, "enhancedAuthContext") {
						theirs[kind], own[kind] = "default", "default"
						found = true
					}
				}
			}
			return found
		},
	}
}

// both changes the properties of all resources of a type in both templates.
func both(got, want map[string]any, kind string, change func(properties map[string]any)) bool {
	found := false
	for _, t := range []map[string]any{got, want} {
		for _, r := range section(t, "Resources") {
			if typeOf(r) == kind {
				change(properties(r))
				found = true
			}
		}
	}
	return found
}

// rename cuts what a pattern does not group off logical ids, and off what refers to them.
func rename(template map[string]any, pattern string) bool {
	re := regexp.MustCompile(pattern)
	found := false
	for id, r := range section(template, "Resources") {
		m := re.FindStringSubmatch(id)
		if m == nil {
			continue
		}
		found = true
		delete(section(template, "Resources"), id)
		section(template, "Resources")[m[1]] = r
		replaceText(template, id, m[1])
	}
	return found
}

// replaceText replaces a text wherever it is a whole value.
func replaceText(v any, before, after string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == before {
				v[k] = after
			}
			replaceText(x, before, after)
		}
	case []any:
		for i, x := range v {
			if x == before {
				v[i] = after
			}
			replaceText(x, before, after)
		}
	}
}

// comparable puts what has no order into one: DependsOn, which may also be a single text, and the statements of policies.
func comparable(template map[string]any) map[string]any {
	sortStatements(template)
	for _, r := range section(template, "Resources") {
		r, ok := r.(map[string]any)
		if !ok {
			continue
		}
		switch d := r["DependsOn"].(type) {
		case string:
			r["DependsOn"] = []any{d}
		case []any:
			if len(d) == 0 {
				delete(r, "DependsOn")
				continue
			}
			slices.SortFunc(d, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
	for _, name := range []string{"Outputs", "Resources"} {
		if len(section(template, name)) == 0 {
			delete(template, name)
		}
	}
	return template
}

func sortStatements(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			sortStatements(x)
			if list, ok := x.([]any); ok && k == "Statement" {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(string(marshal(a)), string(marshal(b))) })
			}
		}
	case []any:
		for _, x := range v {
			sortStatements(x)
		}
	}
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
