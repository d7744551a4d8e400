package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/runner"
)

const fnARN = "arn:aws:lambda:eu-west-1:123456789012:function:"

func TestLifecycle(t *testing.T) {
	c := newCloud(t, nil)
	made := c.create("f", `,"Timeout":5,"MemorySize":256,"Environment":{"Variables":{"AB":"1"}},"Tags":{"team":"green"},"Description":"d"`)
	for _, part := range []string{
		`"FunctionArn":"` + fnARN + `f"`, `"State":"Pending"`, `"StateReasonCode":"Creating"`, `"Version":"$LATEST"`, `"Timeout":5`, `"MemorySize":256`,
		`"Environment":{"Variables":{"AB":"1"}}`, `"EphemeralStorage":{"Size":512}`, `"PackageType":"Zip"`, `"Architectures":["x86_64"]`,
		`"LogGroup":"/aws/lambda/f"`, `"LastModified":"2026-11-21T22:59:33.000+0000"`, `"TracingConfig":{"Mode":"PassThrough"}`,
	} {
		if !strings.Contains(made, part) {
			t.Errorf("created without %s:\n%s", part, made)
		}
	}
	if strings.Contains(made, "LastUpdateStatus") {
		t.Errorf("a function that is being created has no last update:\n%s", made)
	}
	c.want("GetFunction", `{"FunctionName":"f"}`, `"State":"Active"`, `"LastUpdateStatus":"Successful"`, `"Tags":{"team":"green"}`, `"RepositoryType":"S3"`)
	for _, name := range []string{"f", fnARN + "f", "123456789012:function:f", "function:f"} {
		c.want("GetFunctionConfiguration", `{"FunctionName":"`+name+`"}`, `"FunctionName":"f"`)
	}
	c.want("GetFunctionConfiguration", `{"FunctionName":"f:$LATEST"}`, `"FunctionArn":"`+fnARN+`f:$LATEST"`)
	c.want("CreateFunction", `{"FunctionName":"f","Runtime":"nodejs20.x","Handler":"a.b","Role":"`+testRole+`","Code":{"ZipFile":"`+archived(t, "a", "")+`"}}`,
		"ResourceConflictException: Function already exist: f")
	c.want("UpdateFunctionConfiguration", `{"FunctionName":"f","Timeout":7,"Environment":{"Variables":{}}}`, `"Timeout":7`, `"LastUpdateStatus":"InProgress"`, `"Environment":{"Variables":{}}`)
	c.want("GetFunctionConfiguration", `{"FunctionName":"f"}`, `"Timeout":7`, `"LastUpdateStatus":"Successful"`)
	c.create("g", "")
	c.want("ListFunctions", `{}`, `"FunctionName":"f"`, `"FunctionName":"g"`)
	c.want("ListFunctions", `{"MaxItems":1}`, `"NextMarker":"f"`)
	if out := c.do("ListFunctions", `{"MaxItems":1,"Marker":"f"}`); strings.Contains(out, `"FunctionName":"f"`) || !strings.Contains(out, `"FunctionName":"g"`) {
		t.Errorf("second page: %s", out)
	}
	c.do("DeleteFunction", `{"FunctionName":"f"}`)
	c.want("DeleteFunction", `{"FunctionName":"f"}`, "ResourceNotFoundException: Function not found: "+fnARN+"f")
	c.want("GetFunction", `{"FunctionName":"f"}`, "ResourceNotFoundException: Function not found: "+fnARN+"f")
	c.want("GetFunction", `{"FunctionName":"arn:aws:lambda:eu-west-1:999999999999:function:f"}`, "ResourceNotFoundException")
}

// Runtimes are newer than the model.
func TestNewRuntimes(t *testing.T) {
	c := newCloud(t, nil)
	for _, runtime := range []string{"nodejs24.x", "python3.14", "provided.al2023", "go1.x"} {
		c.want("CreateFunction", fmt.Sprintf(`{"FunctionName":%q,"Runtime":%q,"Handler":"a.b","Role":%q,"Code":{"ZipFile":%q}}`,
			strings.ReplaceAll(runtime, ".", "-"), runtime, testRole, archived(t, "a", "")), `"Runtime":"`+runtime+`"`)
	}
}

func TestRefused(t *testing.T) {
	c := newCloud(t, nil)
	zip := archived(t, "index.js", "")
	create := func(more string) string {
		return `{"FunctionName":"f","Role":"` + testRole + `","Handler":"index.handler","Code":{"ZipFile":"` + zip + `"}` + more + `}`
	}
	for _, tt := range []struct{ request, want string }{
		{create(``), "InvalidParameterValueException: Runtime and Handler are mandatory parameters"},
		{create(`,"Runtime":"java21"`), "InvalidParameterValueException: nube does not support the runtime java21; it runs provided.*"},
		{create(`,"PackageType":"Image"`), "nube does not support functions as container images"},
		{create(`,"Runtime":"nodejs20.x","SnapStart":{"ApplyOn":"PublishedVersions"}`), "nube does not support SnapStart"},
		{create(`,"Runtime":"nodejs20.x","LoggingConfig":{"LogFormat":"JSON"}`), "nube does not support the log format JSON"},
		{create(`,"Runtime":"nodejs20.x","DeadLetterConfig":{"TargetArn":"arn:aws:sqs:eu-west-1:123456789012:q"}`), "The dead-letter target arn:aws:sqs:eu-west-1:123456789012:q cannot be used: nube does not deliver to it."},
		{create(`,"Runtime":"nodejs20.x","Environment":{"Variables":{"AWS_REGION":"x","LAMBDA_TASK_ROOT":"y"}}`), "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"},
		{create(`,"Runtime":"nodejs20.x","Environment":{"Variables":{"BIG":"` + strings.Repeat("x", 4097) + `"}}`), "exceeded the 4KB limit"},
		{create(`,"Runtime":"nodejs20.x","Layers":["arn:aws:lambda:eu-west-1:123456789012:layer:none:1"]`), "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:none:1 does not exist."},
		{`{"FunctionName":"f","Role":"` + testRole + `","Handler":"a.b","Runtime":"nodejs20.x","Code":{"ZipFile":"` + "bm90IGEgemlw" + `"}}`, "InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."},
		{`{"FunctionName":"f","Role":"` + testRole + `","Handler":"a.b","Runtime":"nodejs20.x","Code":{"S3Bucket":"b12","S3Key":"k"}}`, "nube does not support code in S3"},
		{`{"FunctionName":"f","Role":"` + testRole + `","Handler":"a.b","Runtime":"nodejs20.x","Code":{"S3Bucket":"nube-artifacts","S3Key":"nothing"}}`, "S3 Error Code: NoSuchKey"},
		{`{"FunctionName":"f","Role":"` + testRole + `","Handler":"a.b","Runtime":"nodejs20.x","Code":{"ImageUri":"x"}}`, "container images"},
	} {
		c.want("CreateFunction", tt.request, tt.want)
	}
}

type roles struct{ ok bool }

func (r roles) AssumableBy(_ context.Context, role arn.ARN, service string, source arn.ARN) (bool, error) {
	return r.ok && service == "lambda.amazonaws.com" && role == testRole && source.ResourceType() == "function", nil
}

func TestRoleMustTrustLambda(t *testing.T) {
	c := newCloud(t, func(o *Options) { o.Roles = roles{} })
	c.want("CreateFunction", fmt.Sprintf(`{"FunctionName":"f","Runtime":"nodejs20.x","Handler":"a.b","Role":%q,"Code":{"ZipFile":%q}}`, testRole, archived(t, "a", "")),
		"InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.")
	newCloud(t, func(o *Options) { o.Roles = roles{true} }).create("f", "")
}

// Code that nube has built is referred to by its artifact.
func TestArtifact(t *testing.T) {
	c := newCloud(t, nil)
	a, err := c.builds.Unpack([]byte(mustDecode(t, archived(t, "bootstrap", "#!/bin/sh"))))
	if err != nil {
		t.Fatal(err)
	}
	c.want("CreateFunction", fmt.Sprintf(`{"FunctionName":"f","Runtime":"provided.al2023","Handler":"bootstrap","Role":%q,"Code":{"S3Bucket":"nube-artifacts","S3Key":%q}}`, testRole, a.Digest),
		`"CodeSha256":"`+a.SHA256+`"`, fmt.Sprintf(`"CodeSize":%d`, a.Size))
	c.do("Invoke", `{"FunctionName":"f"}`)
	if s := c.run.specs[0]; s.CodeDir != a.Dir || s.Code != a.Digest || s.Runtime != "provided.al2023" {
		t.Errorf("spec %+v", s)
	}
}

// A warm function keeps its traffic when its new code does not initialise.
func TestUpdateThatFails(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.do("Invoke", `{"FunctionName":"f"}`)
	old := c.run.specs[0]
	c.run.swap = func(o, n *runner.Spec) error {
		if o != old || n.Code == o.Code {
			t.Errorf("swap of %p to %p, want from %p", o, n, old)
		}
		return &runner.Fault{Type: "Runtime.ImportModuleError", Payload: []byte(`{"errorMessage":"no"}`)}
	}
	code := archived(t, "index.js", "broken")
	c.want("UpdateFunctionCode", `{"FunctionName":"f","ZipFile":"`+code+`"}`, `"LastUpdateStatus":"InProgress"`)
	c.want("GetFunctionConfiguration", `{"FunctionName":"f"}`, `"LastUpdateStatus":"Failed"`, `"LastUpdateStatusReasonCode":"FunctionError"`, `{\"errorMessage\":\"no\"}`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if c.run.specs[1] != old || len(c.run.retired) != 0 {
		t.Error("the traffic must stay with the old code")
	}
	c.run.swap = nil
	c.do("UpdateFunctionCode", `{"FunctionName":"f","ZipFile":"`+code+`"}`)
	c.want("GetFunctionConfiguration", `{"FunctionName":"f"}`, `"LastUpdateStatus":"Successful"`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if c.run.specs[2] == old || len(c.run.retired) != 1 || c.run.retired[0] != old {
		t.Errorf("retired %v", c.run.retired)
	}
}

func TestVersionsAndAliases(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", `,"Publish":true`)
	c.want("PublishVersion", `{"FunctionName":"f"}`, `"Version":"1"`) // unchanged
	c.do("UpdateFunctionConfiguration", `{"FunctionName":"f","Timeout":9}`)
	c.want("PublishVersion", `{"FunctionName":"f","CodeSha256":"other"}`, "InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (")
	c.want("PublishVersion", `{"FunctionName":"f","RevisionId":"other"}`, "PreconditionFailedException")
	c.want("PublishVersion", `{"FunctionName":"f","Description":"two"}`, `"Version":"2"`, `"Description":"two"`, `"FunctionArn":"`+fnARN+`f:2"`)
	c.want("GetFunctionConfiguration", `{"FunctionName":"f","Qualifier":"1"}`, `"Timeout":3`)
	c.want("ListVersionsByFunction", `{"FunctionName":"f"}`, `"Version":"$LATEST"`, `"Version":"1"`, `"Version":"2"`)
	c.want("ListVersionsByFunction", `{"FunctionName":"f","MaxItems":2}`, `"NextMarker":"1"`)

	c.want("CreateAlias", `{"FunctionName":"f","Name":"prod","FunctionVersion":"7"}`, "ResourceNotFoundException: Function not found: "+fnARN+"f:7")
	c.want("CreateAlias", `{"FunctionName":"f","Name":"prod","FunctionVersion":"1"}`, `"AliasArn":"`+fnARN+`f:prod"`, `"FunctionVersion":"1"`)
	c.want("CreateAlias", `{"FunctionName":"f","Name":"prod","FunctionVersion":"1"}`, "ResourceConflictException: Alias already exists: "+fnARN+"f:prod")
	c.want("UpdateAlias", `{"FunctionName":"f","Name":"prod","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`, "Function version 1 is already included in routing configuration")
	c.want("UpdateAlias", `{"FunctionName":"f","Name":"prod","RoutingConfig":{"AdditionalVersionWeights":{"2":1}}}`, `"AdditionalVersionWeights":{"2":1`)
	c.want("GetAlias", `{"FunctionName":"f","Name":"none"}`, "ResourceNotFoundException: Cannot find alias arn: "+fnARN+"f:none")
	c.want("ListAliases", `{"FunctionName":"f","FunctionVersion":"1"}`, `"Name":"prod"`)
	c.want("Invoke", `{"FunctionName":"f","Qualifier":"prod"}`, `"ExecutedVersion":"2"`) // all the weight
	if in, s := c.run.calls[0], c.run.specs[0]; in.ARN != fnARN+"f:prod" || s.Version != "2" || s.Timeout.Seconds() != 9 {
		t.Errorf("invoked as %s, version %s", in.ARN, s.Version)
	}
	c.want("DeleteFunction", `{"FunctionName":"f","Qualifier":"2"}`, "ResourceConflictException")
	c.do("DeleteAlias", `{"FunctionName":"f","Name":"prod"}`)
	c.do("DeleteFunction", `{"FunctionName":"f","Qualifier":"2"}`)
	c.want("Invoke", `{"FunctionName":"f","Qualifier":"2"}`, "ResourceNotFoundException: Function not found: "+fnARN+"f:2")
	// A new function of the same name has none of the old one's versions, and
	// its numbers begin anew.
	c.do("DeleteFunction", `{"FunctionName":"f"}`)
	c.create("f", `,"Publish":true`)
	c.want("ListVersionsByFunction", `{"FunctionName":"f"}`, `"Version":"1"`)
}

func TestPermissions(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", `,"Publish":true`)
	c.want("GetPolicy", `{"FunctionName":"f"}`, "ResourceNotFoundException: The resource you requested does not exist.")
	out := c.do("AddPermission", `{"FunctionName":"f","StatementId":"api","Action":"lambda:InvokeFunction","Principal":"apigateway.amazonaws.com","SourceArn":"arn:aws:execute-api:eu-west-1:123456789012:abc/*"}`)
	var answer struct{ Statement string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	want := `{"Sid":"api","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + fnARN + `f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:eu-west-1:123456789012:abc/*"}}}`
	if answer.Statement != want {
		t.Errorf("statement\n got %s\nwant %s", answer.Statement, want)
	}
	c.want("AddPermission", `{"FunctionName":"f","StatementId":"api","Action":"lambda:InvokeFunction","Principal":"*"}`, "ResourceConflictException: The statement id (api) provided already exists.")
	c.want("AddPermission", `{"FunctionName":"f","StatementId":"x","Action":"lambda:InvokeFunction","Principal":"nobody"}`, "InvalidParameterValueException: The provided principal was invalid.")
	c.want("AddPermission", `{"FunctionName":"f","StatementId":"acct","Action":"lambda:InvokeFunction","Principal":"999999999999","Qualifier":"1"}`, `arn:aws:iam::999999999999:root`, fnARN+`f:1`)
	c.want("AddPermission", `{"FunctionName":"f","StatementId":"v9","Action":"lambda:InvokeFunction","Principal":"*","Qualifier":"9"}`, "ResourceNotFoundException")

	doc, err := c.s.ResourcePolicy(c.ctx, fnARN+"f")
	if err != nil || doc == nil {
		t.Fatal(doc, err)
	}
	set := policy.Set{Resource: []*policy.Doc{doc}}
	may := func(source string) bool {
		r := policy.Request{
			Principal: policy.Principal{Service: "apigateway.amazonaws.com"}, Action: "lambda:InvokeFunction", Resource: fnARN + "f", ResourceAccount: testAccount,
			Keys: policy.KeyMap{"aws:sourcearn": policy.One(source)},
		}
		return set.Evaluate(&r).Allowed()
	}
	if !may("arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/") || may("arn:aws:execute-api:eu-west-1:123456789012:other/prod/GET/") {
		t.Error("the policy must let exactly that API")
	}
	if doc, err := c.s.ResourcePolicy(c.ctx, fnARN+"other"); doc != nil || err != nil {
		t.Errorf("of no function: %v %v", doc, err)
	}
	c.want("RemovePermission", `{"FunctionName":"f","StatementId":"none"}`, "ResourceNotFoundException: Statement none is not found in resource policy.")
	c.do("RemovePermission", `{"FunctionName":"f","StatementId":"api"}`)
	c.want("GetPolicy", `{"FunctionName":"f"}`, "ResourceNotFoundException")
	c.want("GetPolicy", `{"FunctionName":"f","Qualifier":"1"}`, `"Policy":"{\"Version\":\"2012-10-17\",\"Id\":\"default\"`)
}

func TestConcurrency(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.want("GetFunctionConcurrency", `{"FunctionName":"f"}`, `{}`)
	c.want("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":901}`, "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	c.want("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":900}`, `"ReservedConcurrentExecutions":900`)
	c.do("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":5}`)
	c.want("GetAccountSettings", `{}`, `"UnreservedConcurrentExecutions":995`, `"FunctionCount":1`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if l := c.run.calls[0].Limit; l.Reserved == nil || *l.Reserved != 5 {
		t.Errorf("limit %+v", l)
	}
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		return runner.Result{}, &runner.Throttled{Reserved: true}
	}
	c.want("Invoke", `{"FunctionName":"f"}`, "TooManyRequestsException: Rate Exceeded.")
	c.run.answer = nil
	c.do("DeleteFunctionConcurrency", `{"FunctionName":"f"}`)
	c.create("g", "")
	c.do("PutFunctionConcurrency", `{"FunctionName":"g","ReservedConcurrentExecutions":100}`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if l := c.run.calls[2].Limit; l.Reserved != nil || l.Unreserved != 900 {
		t.Errorf("limit %+v", l)
	}
	c.do("DeleteFunction", `{"FunctionName":"g"}`)
	c.want("GetAccountSettings", `{}`, `"UnreservedConcurrentExecutions":1000`)
}

func TestTags(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.do("TagResource", `{"Resource":"`+fnARN+`f","Tags":{"a":"1","b":"2"}}`)
	c.do("UntagResource", `{"Resource":"`+fnARN+`f","TagKeys":["a"]}`)
	c.want("ListTags", `{"Resource":"`+fnARN+`f"}`, `{"Tags":{"b":"2"}}`)
	c.want("ListTags", `{"Resource":"`+fnARN+`none"}`, "ResourceNotFoundException: Function not found: "+fnARN+"none")
}

func TestLayers(t *testing.T) {
	c := newCloud(t, nil)
	publish := func(name, text string) string {
		return c.do("PublishLayerVersion", fmt.Sprintf(`{"LayerName":%q,"Content":{"ZipFile":%q},"CompatibleRuntimes":["nodejs20.x"]}`, name, archived(t, "lib.js", text)))
	}
	if out := publish("l", "1"); !strings.Contains(out, `"LayerVersionArn":"arn:aws:lambda:eu-west-1:123456789012:layer:l:1"`) {
		t.Errorf("published %s", out)
	}
	publish("l", "2")
	publish("m", "1")
	c.want("ListLayerVersions", `{"LayerName":"l","MaxItems":1}`, `"Version":2`, `"NextMarker":"2"`)
	c.want("ListLayerVersions", `{"LayerName":"l","Marker":"2"}`, `"Version":1`)
	c.want("ListLayers", `{}`, `"LayerName":"l"`, `"LayerName":"m"`, `layer:l:2"`)
	c.want("ListLayers", `{"CompatibleRuntime":"python3.12"}`, `{"Layers":[]}`)
	c.want("GetLayerVersionByArn", `{"Arn":"arn:aws:lambda:eu-west-1:123456789012:layer:l:1"}`, `"Version":1`)
	c.want("GetLayerVersion", `{"LayerName":"l","VersionNumber":9}`, "ResourceNotFoundException: The resource you requested does not exist.")
	c.create("f", `,"Layers":["arn:aws:lambda:eu-west-1:123456789012:layer:m:1","arn:aws:lambda:eu-west-1:123456789012:layer:l:2"]`)
	c.do("DeleteLayerVersion", `{"LayerName":"l","VersionNumber":2}`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if n := len(c.run.specs[0].Layers); n != 2 {
		t.Errorf("%d layers", n)
	}
	c.want("UpdateFunctionConfiguration", `{"FunctionName":"f","Layers":[]}`, `"FunctionName":"f"`)
	c.do("Invoke", `{"FunctionName":"f"}`)
	if n := len(c.run.specs[1].Layers); n != 0 {
		t.Errorf("%d layers after they were taken away", n)
	}
	if out := publish("l", "3"); !strings.Contains(out, `"Version":3`) {
		t.Errorf("a number was used again: %s", out)
	}
}

func TestNothing(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.want("ListEventSourceMappings", `{"FunctionName":"f"}`, `{"EventSourceMappings":[]}`)
	c.want("ListFunctionUrlConfigs", `{"FunctionName":"f"}`, `{"FunctionUrlConfigs":[]}`)
	c.want("ListProvisionedConcurrencyConfigs", `{"FunctionName":"f"}`, `{"ProvisionedConcurrencyConfigs":[]}`)
	c.want("GetFunctionCodeSigningConfig", `{"FunctionName":"f"}`, `{"FunctionName":"f"}`)
	c.want("GetRuntimeManagementConfig", `{"FunctionName":"f"}`, `"UpdateRuntimeOn":"Auto"`)
	c.want("ListFunctionUrlConfigs", `{"FunctionName":"g"}`, "ResourceNotFoundException")
}
