package compile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

func TestNaming(t *testing.T) {
	tests := []struct{ fn, in, want string }{
		{"normalize", "my-function_one", "MyDashfunctionUnderscoreone"},
		{"normalize", "x", "X"},
		{"alphanumeric", "my-bucket.name_1", "Mybucketname1"},
		{"pathName", "users/{id}/orders/{order_id+}", "UsersIdVarOrdersOrderidVar"},
		{"pathName", "users/{proxy+}", "UsersProxyVar"},
		{"pathName", "a-b_c.d/e~f", "ADashbcdEf"},
		{"pathName", "GET /users/{Id}", "GetUsersIdVar"},
		{"pathName", "{a}-{b}", "ADashbVar"},
		{"pathName", "", ""},
		{"startCase", "application/json", "ApplicationJson"},
		{"startCase", "text/xml2HTMLDoc", "TextXml2HTMLDoc"},
		{"pascalCase", "shared-model", "SharedModel"},
		{"pascalCase", "HTTPServer_v2", "HttpServerV2"},
	}
	fns := map[string]func(string) string{
		"normalize": normalize, "alphanumeric": alphanumeric, "pathName": pathName, "startCase": startCase, "pascalCase": pascalCase,
	}
	for _, tt := range tests {
		if got := fns[tt.fn](tt.in); got != tt.want {
			t.Errorf("%s(%q) = %q, want %q", tt.fn, tt.in, got, tt.want)
		}
	}
}

func TestShorten(t *testing.T) {
	short := strings.Repeat("a", 64)
	if got := shorten(short, "rule-1"); got != short {
		t.Errorf("a name of 64 characters became %q", got)
	}
	a, b := shorten(strings.Repeat("a", 70)+"1", "rule-1"), shorten(strings.Repeat("a", 70)+"2", "rule-1")
	if len(a) != 64 || a == b || !strings.HasSuffix(a, "-rule-1") {
		t.Errorf("long names became %q and %q", a, b)
	}
}

func TestCommonPrefix(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want string
	}{
		{[]string{"/a/b"}, "/a/b"}, {[]string{"/a/b", "/a/c"}, "/a/*"}, {[]string{"/a", "/b*"}, "/*"}, {[]string{"a", "a"}, "a*"}, {[]string{"x*", "x*"}, "x*"},
	} {
		if got := commonPrefix(tt.in); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.in, got, tt.want)
		}
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

func TestMerge(t *testing.T) {
	a := parse(t, "{a: 1, b: {c: 2, d: [1, {x: y}, 3]}, e: [1]}")
	before := string(a.AppendJSON(nil))
	got := Merge(a, parse(t, "{a: {z: 1}, b: {d: [9, {w: v}], f: ~}, e: x, g: h}"))
	want := `{"a":{"z":1},"b":{"c":2,"d":[9,{"x":"y","w":"v"},3],"f":null},"e":"x","g":"h"}`
	if diff := cmp.Diff(want, string(got.AppendJSON(nil))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if string(a.AppendJSON(nil)) != before {
		t.Errorf("merging changed %s into %s", before, a.AppendJSON(nil))
	}
	if _, ds := MergeList(parse(t, "[{a: 1}, ~, x]")); !ds.HasErrors() {
		t.Error("a text in a list of maps is no error")
	}
}

func compileService(t *testing.T, text string) *Output {
	t.Helper()
	out, ds := Service(Input{
		Config: parse(t, text), Name: "s", Stage: "dev", Region: "us-east-1",
		Code: func(key string) string { return "code/" + key }, Layer: func(key string) string { return "layer/" + key },
	})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// ids returns the logical ids that begin with a prefix.
func ids(out *Output, prefix string) []string {
	var list []string
	for _, id := range out.Template.Get("Resources").Keys() {
		if strings.HasPrefix(id, prefix) {
			list = append(list, id)
		}
	}
	return list
}

// TestIdsFollowContent: what is published under an id that holds a digest is published anew exactly when it changed.
func TestIdsFollowContent(t *testing.T) {
	const base = `
provider: {name: aws, runtime: nodejs22.x}
functions:
  f:
    handler: a.b
    tags: {a: b}
    events:
      - http: {path: x, method: get}
`
	tests := []struct {
		name, before, after string
		version, deployment bool
	}{
		{"nothing", "a.b", "a.b", false, false},
		{"handler", "a.b", "a.c", true, false},
		{"tags", "{a: b}", "{a: c}", false, false},
		{"path", "path: x", "path: y", false, true},
		{"method", "method: get", "method: put", false, true},
		{"a resource of the user's", "functions:", "resources: {Resources: {ApiGatewayMethodXGet: {Properties: {ApiKeyRequired: true}}}}\nfunctions:", false, true},
		{"another resource of the user's", "functions:", "resources: {Resources: {Q: {Type: AWS::SQS::Queue}}}\nfunctions:", false, false},
	}
	before := compileService(t, base)
	for _, tt := range tests {
		after := compileService(t, strings.Replace(base, tt.before, tt.after, 1))
		if changed := ids(before, "FLambdaVersion")[0] != ids(after, "FLambdaVersion")[0]; changed != tt.version {
			t.Errorf("%s: the version's id changed: %v", tt.name, changed)
		}
		if changed := ids(before, "ApiGatewayDeployment")[0] != ids(after, "ApiGatewayDeployment")[0]; changed != tt.deployment {
			t.Errorf("%s: the deployment's id changed: %v", tt.name, changed)
		}
	}
}

// TestPositions: a generated resource is where its cause is written, and what the user wrote is where it was.
func TestPositions(t *testing.T) {
	out := compileService(t, `provider: {name: aws, runtime: nodejs22.x}
functions:
  f:
    handler: a.b
    timeout: 7
    events:
      - http: {path: x, method: get}
resources:
  Resources:
    Q:
      Type: AWS::SQS::Queue
      Properties: {DelaySeconds: 3}
`)
	r := out.Template.Get("Resources")
	for _, tt := range []struct {
		pos  template.Pos
		want string
	}{
		{r.Get("FLambdaFunction").Pos, "m.yml:3:3"},
		{r.Get("FLambdaFunction", "Properties", "Timeout").Pos, "m.yml:5:14"},
		{r.Get("ApiGatewayMethodXGet").Pos, "m.yml:7:9"},
		{r.Get("Q", "Properties", "DelaySeconds").Pos, "m.yml:12:34"},
		{r.Get("IamRoleLambdaExecution").Pos, "m.yml:1:11"},
	} {
		if tt.pos.String() != tt.want {
			t.Errorf("at %s, want %s", tt.pos, tt.want)
		}
	}
}

func TestStageSettings(t *testing.T) {
	out := compileService(t, `
provider:
  name: aws
  runtime: nodejs22.x
  tracing: {apiGateway: true}
  tags: {a: b}
  stackTags: {c: d}
  apiGateway: {metrics: true}
  logs: {restApi: {level: ERROR, fullExecutionData: false, format: x}}
functions:
  f: {handler: a.b, events: [{http: {path: x, method: get}}]}
`)
	got := out.Template.Get("Resources", ids(out, "ApiGatewayDeployment")[0], "Properties", "StageDescription")
	want := `{"TracingEnabled":true,"MetricsEnabled":true,"AccessLogSetting":{"DestinationArn":{"Fn::GetAtt":["ApiGatewayLogGroup","Arn"]},"Format":"x"},` +
		`"LoggingLevel":"ERROR","DataTraceEnabled":false,"Tags":[{"Key":"c","Value":"d"},{"Key":"a","Value":"b"}]}`
	if diff := cmp.Diff(want, string(got.AppendJSON(nil))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	const head = "provider: {name: aws, runtime: nodejs22.x}\nfunctions:\n  f:\n    handler: a.b\n"
	tests := []struct{ in, want string }{
		{"    events: [{http: {path: x//y, method: get}}]", `m.yml:5:15: the path of the event has an empty part: "x//y"`},
		{"    events: [{http: {path: x, method: get}}, {http: {path: /x/, method: GET}}]", `m.yml:5:47: GET /x is declared twice`},
		{"    events: [{http: {path: '{id}', method: get}}, {http: {path: '{ID}', method: put}}]", "m.yml:5:52: the paths /{id} and /{ID} make the same logical id, ApiGatewayResourceIdVar"},
		{"    events: [{http: {path: x, method: get, integration: http}}]", "m.yml:5:15: the integration HTTP needs request.uri"},
		{"    events: [{http: {path: x, method: get, authorizer: {type: request}}}]", "m.yml:5:56: the authorizer names nothing (give the name of a function, or an arn)"},
		{"    events: [{http: {path: x, method: get, authorizer: {type: COGNITO_USER_POOLS, arn: !Ref P}}}]", "m.yml:5:56: the authorizer has no name to make a logical id of (add name beside arn)"},
		{"    events: [{stream: {arn: !GetAtt T.StreamArn}}]", "m.yml:5:15: the type of the stream is not known (add type: dynamodb or type: kinesis)"},
		{"    events: [{sqs: {arn: !Sub x}}]", "m.yml:5:26: the queue of the event has no name to make a logical id of (refer to it with !GetAtt, !ImportValue, !Join or a plain ARN)"},
		{"    events: [{sns: {arn: !Ref T}}]", "m.yml:5:15: the topic has no name to make a logical id of (add topicName beside arn)"},
		{"    events: [{s3: {bucket: b, existing: true}}]", "m.yml:5:15: events of existing buckets are not supported (declare the bucket in this service: leave existing out, or set its NotificationConfiguration under resources)"},
		{"    events: [{schedule: {rate: [rate(1 day)], timezone: UTC}}]", `m.yml:5:57: timezone does not work with method "eventBus" (set method: scheduler)`},
		{"    events: [{schedule: {rate: [a, b], name: n}}]", "m.yml:5:46: a schedule with more than one rate cannot have a name"},
		{"    events: [{eventBridge: {pattern: {}, input: {a: b}, inputPath: $.x}}]", "m.yml:5:15: an event takes one of input, inputPath and inputTransformer"},
		{"    events: [{cloudwatchLog: /a}, {cloudwatchLog: /a}, {cloudwatchLog: /a}]", "m.yml:5:57: a log group takes at most 2 subscriptions, and this is one more for /a"},
		{"    fileSystemConfig: {arn: x, localMountPath: /mnt/x}", "m.yml:5:23: a file system needs a VPC (give the function or the provider a vpc)"},
		{"    snapStart: true\n    provisionedConcurrency: 1", `m.yml:3:3: the function "f" has both SnapStart and provisioned concurrency, which exclude each other`},
		{"    destinations: {onFailure: arn:aws:s3:::x}", `m.yml:5:31: "arn:aws:s3:::x" is not a destination (destinations are functions, queues, topics and event buses)`},
		{"    destinations: {onFailure: g}\n  g: {handler: a.b, condition: C}", `m.yml:5:31: the function "g" exists only under the condition C (give the function "f" the same condition)`},
	}
	for _, tt := range tests {
		_, ds := Service(Input{Config: parse(t, head+tt.in), Name: "s", Stage: "dev", Region: "us-east-1", Code: func(string) string { return "." }})
		if diff := cmp.Diff(tt.want, ds.Error()); diff != "" {
			t.Errorf("%s\n-want +got:\n%s", tt.in, diff)
		}
	}
}
