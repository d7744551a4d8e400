package resource

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

func yaml(t *testing.T, text string) *template.Value {
	t.Helper()
	v, ds := template.ReadYAML(&template.File{Name: "props.yaml", Text: []byte(text)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestBind(t *testing.T) {
	var got lambda.CreateFunctionRequest
	props := yaml(t, `
FunctionName: hello
Timeout: 10
Publish: true
KmsKeyArn: arn:key
Layers: [a, b]
Environment: {Variables: {A: "1"}}
FileSystemConfigs: [{Arn: x, LocalMountPath: /mnt/x}]
Tags: [{Key: a, Value: b}]
`)
	if err := bind(&got, props, "Tags", "FunctionName=Description"); err != nil {
		t.Fatal(err)
	}
	want := lambda.CreateFunctionRequest{
		Description: ptr("hello"), Timeout: ptr(int32(10)), Publish: ptr(true), KMSKeyArn: ptr("arn:key"), Layers: []string{"a", "b"},
		Environment:       &lambda.Environment{Variables: map[string]string{"A": "1"}},
		FileSystemConfigs: []lambda.FileSystemConfig{{Arn: ptr("x"), LocalMountPath: ptr("/mnt/x")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []struct{ props, want string }{
		{`{Nope: x}`, "property Nope: CreateFunctionRequest has no member Nope"},
		{`{Environment: {Nope: x}}`, "property Environment: Environment has no member Nope"},
		{`{Timeout: soon}`, `property Timeout: "soon" is not a whole number`},
		{`{Timeout: 3000000000}`, `property Timeout: "3000000000" is not a whole number`},
		{`{Layers: a}`, `property Layers: "a" is not a list`},
		{`{Publish: [a]}`, `property Publish: a boolean is wanted, and this is a list`},
		{`{Environment: {Variables: [a]}}`, `property Environment: a map is wanted, and this is a list`},
	} {
		err := bind(&lambda.CreateFunctionRequest{}, yaml(t, c.props))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.props, err, c.want)
		}
	}
}

func TestInlined(t *testing.T) {
	for runtime, name := range map[string]string{"nodejs22.x": "index.js", "python3.12": "index.py"} {
		archive, err := inlined("the source", runtime)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil || len(z.File) != 1 || z.File[0].Name != name {
			t.Fatalf("%s: %v %+v", runtime, err, z)
		}
		f, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != "the source" {
			t.Errorf("%s: %q %v", runtime, text, err)
		}
		if again, _ := inlined("the source", runtime); !bytes.Equal(again, archive) {
			t.Errorf("%s: the same source makes another archive", runtime)
		}
	}
	if _, err := inlined("x", "provided.al2023"); err == nil {
		t.Error("a runtime without an interpreter takes a source")
	}
}

func TestPatch(t *testing.T) {
	var p patch
	old := yaml(t, `{Same: a, Changed: a, Gone: a, V: {a: "1", b/c: "2", d: "3"}}`)
	now := yaml(t, `{Same: a, Changed: b, New: c, V: {a: "1", b/c: "x", e~f: "4"}}`)
	for _, name := range []string{"Same", "Changed", "Gone", "New", "Never"} {
		p.scalar(old, now, name, "/"+strings.ToLower(name), "default")
	}
	p.entries(old.Get("V"), now.Get("V"), "/v")
	p.members([]string{"a", "b"}, []string{"b", "c/d"}, "/list")
	var got []string
	for _, o := range p {
		got = append(got, strings.TrimSpace(val(o.Op)+" "+val(o.Path)+" "+val(o.Value)))
	}
	want := []string{
		"replace /changed b", "replace /gone default", "replace /new c", "replace /v/b~1c x", "replace /v/e~0f 4", "remove /v/d", "add /list/c~1d", "remove /list/a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// scripted answers operations as it is told, and notes them.
type scripted struct {
	answers map[string]func() (any, error)
	calls   []string
}

func (s *scripted) Call(_ context.Context, _ *schema.Model, op *schema.Op, _ any) (any, error) {
	s.calls = append(s.calls, op.Name)
	if answer := s.answers[op.Name]; answer != nil {
		return answer()
	}
	return op.NewOutput(), nil
}

func fails(code string) func() (any, error) {
	return func() (any, error) { return nil, fault.New(code, "no") }
}

// TestAgain: what a step finds done when it is called again is its own.
func TestAgain(t *testing.T) {
	since := clock.Unix(1000, 0)
	for _, c := range []struct {
		name    string
		typ     string
		props   string
		answers map[string]func() (any, error)
		want    string // physical id
		calls   string
	}{
		{
			name: "a table that exists", typ: "AWS::DynamoDB::Table", props: `{KeySchema: []}`,
			answers: map[string]func() (any, error){"CreateTable": fails("ResourceInUseException")},
			want:    "generated", calls: "CreateTable DescribeTable DescribeTimeToLive",
		},
		{
			name: "a function that exists", typ: "AWS::Lambda::Function", props: `{Code: {S3Bucket: b, S3Key: k}, Role: r}`,
			answers: map[string]func() (any, error){"CreateFunction": fails("ResourceConflictException")},
			want:    "generated", calls: "CreateFunction GetFunctionConfiguration",
		},
		{
			name: "a permission that exists", typ: "AWS::Lambda::Permission", props: `{FunctionName: f, Action: a, Principal: p}`,
			answers: map[string]func() (any, error){"AddPermission": fails("ResourceConflictException")},
			want:    "generated", calls: "AddPermission",
		},
		{
			name: "an API of that name that is not older", typ: "AWS::ApiGateway::RestApi", props: `{Name: users}`,
			answers: map[string]func() (any, error){"GetRestApis": func() (any, error) {
				return &apigateway.RestApis{Items: []apigateway.RestApi{
					{Id: ptr("other"), Name: ptr("orders"), CreatedDate: ptr(since)},
					{Id: ptr("old"), Name: ptr("users"), CreatedDate: ptr(since - 1)},
					{Id: ptr("mine"), Name: ptr("users"), CreatedDate: ptr(since)},
				}}, nil
			}},
			want: "mine", calls: "GetRestApis",
		},
		{
			name: "no API yet", typ: "AWS::ApiGateway::RestApi", props: `{Name: users}`,
			answers: map[string]func() (any, error){"CreateRestApi": func() (any, error) { return &apigateway.RestApi{Id: ptr("new")}, nil }},
			want:    "new", calls: "GetRestApis CreateRestApi",
		},
		{
			name: "a resource of an API that exists", typ: "AWS::ApiGateway::Resource", props: `{RestApiId: a, ParentId: p, PathPart: x}`,
			answers: map[string]func() (any, error){
				"CreateResource": fails("ConflictException"),
				"GetResources": func() (any, error) {
					return &apigateway.Resources{Items: []apigateway.Resource{{Id: ptr("r1"), ParentId: ptr("q"), PathPart: ptr("x")}, {Id: ptr("r2"), ParentId: ptr("p"), PathPart: ptr("x")}}}, nil
				},
			},
			want: "r2", calls: "CreateResource GetResources",
		},
		{
			name: "a method, from the beginning", typ: "AWS::ApiGateway::Method", props: `{RestApiId: a, ResourceId: r, HttpMethod: GET}`,
			want: "generated", calls: "DeleteMethod PutMethod",
		},
		{
			name: "a deployment that is not older", typ: "AWS::ApiGateway::Deployment", props: `{RestApiId: a}`,
			answers: map[string]func() (any, error){"GetDeployments": func() (any, error) {
				return &apigateway.Deployments{Items: []apigateway.Deployment{{Id: ptr("old"), CreatedDate: ptr(since - 5)}, {Id: ptr("mine"), CreatedDate: ptr(since + 5)}}}, nil
			}},
			want: "mine", calls: "GetDeployments",
		},
		{
			name: "a layer version that is not older", typ: "AWS::Lambda::LayerVersion", props: `{LayerName: l, Content: {S3Bucket: b, S3Key: k}}`,
			answers: map[string]func() (any, error){"ListLayerVersions": func() (any, error) {
				return &lambda.ListLayerVersionsResponse{LayerVersions: []lambda.LayerVersionsListItem{{LayerVersionArn: ptr("arn:l:2"), CreatedDate: ptr("1970-01-01T00:16:41.000+0000")}}}, nil
			}},
			want: "arn:l:2", calls: "ListLayerVersions",
		},
		{
			name: "an older layer version", typ: "AWS::Lambda::LayerVersion", props: `{LayerName: l, Content: {S3Bucket: b, S3Key: k}}`,
			answers: map[string]func() (any, error){
				"ListLayerVersions": func() (any, error) {
					return &lambda.ListLayerVersionsResponse{LayerVersions: []lambda.LayerVersionsListItem{{LayerVersionArn: ptr("arn:l:2"), CreatedDate: ptr("1970-01-01T00:16:39.000+0000")}}}, nil
				},
				"PublishLayerVersion": func() (any, error) {
					return &lambda.PublishLayerVersionResponse{LayerVersionArn: ptr("arn:l:3")}, nil
				},
			},
			want: "arn:l:3", calls: "ListLayerVersions PublishLayerVersion",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scripted{answers: c.answers}
			if s.answers == nil {
				s.answers = map[string]func() (any, error){}
			}
			if s.answers["DescribeTable"] == nil {
				s.answers["DescribeTable"] = func() (any, error) {
					return &dynamodb.DescribeTableOutput{Table: &dynamodb.TableDescription{TableArn: ptr("arn:table")}}, nil
				}
			}
			p := Types(s).Find(c.typ).Provider
			got, err := p.Create(t.Context(), stack.Request{PhysicalID: "generated", Properties: yaml(t, c.props), Again: true, Since: since})
			if err != nil || got.PhysicalID != c.want || got.Wait != "" {
				t.Errorf("%+v %v, want %s", got, err, c.want)
			}
			if calls := strings.Join(s.calls, " "); calls != c.calls {
				t.Errorf("calls %s, want %s", calls, c.calls)
			}
		})
	}
}

// TestGone: deleting what is not there is success, for every type.
func TestGone(t *testing.T) {
	nothing := callerFunc(func() (any, error) { return nil, fault.New("ResourceNotFoundException", "no") })
	for _, typ := range Types(nothing) {
		props := sample(typ, nil, 0)
		if typ.Schema.Name == "AWS::IAM::Policy" {
			props = yaml(t, `{PolicyName: p, PolicyDocument: {}, Roles: [r], Users: [u], Groups: [g]}`)
		}
		r := stack.Request{Type: typ.Schema.Name, PhysicalID: "arn:aws:lambda:eu-central-1:123456789012:function:it:1", Properties: props, Again: true}
		if p, err := typ.Provider.Delete(t.Context(), r); err != nil || p.Wait != "" {
			t.Errorf("%s: %+v %v", typ.Schema.Name, p, err)
		}
	}
}

type callerFunc func() (any, error)

func (f callerFunc) Call(context.Context, *schema.Model, *schema.Op, any) (any, error) { return f() }
