package resource_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	apigwshapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	dynamoshapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	lambdashapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/resource"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/seal"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
	"github.com/nube-run/nube/internal/service/cloudwatch"
	"github.com/nube-run/nube/internal/service/dynamodb"
	"github.com/nube-run/nube/internal/service/events"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/kms"
	"github.com/nube-run/nube/internal/service/lambda"
	"github.com/nube-run/nube/internal/service/logs"
	"github.com/nube-run/nube/internal/service/scheduler"
	"github.com/nube-run/nube/internal/service/secretsmanager"
	"github.com/nube-run/nube/internal/service/ses"
	"github.com/nube-run/nube/internal/service/sns"
	"github.com/nube-run/nube/internal/service/sqs"
	"github.com/nube-run/nube/internal/service/ssm"
	"github.com/nube-run/nube/internal/sources"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var scope = arn.In("eu-central-1", "123456789012")

// live is a stack engine over the real services.
type live struct {
	t      *testing.T
	front  *awsapi.Front
	engine *stack.Engine
	builds *build.Store
	ctx    context.Context
}

// idle is a runner that is never asked to run anything.
type idle struct{ lambda.Runner }

func (idle) Swap(context.Context, *runner.Spec, *runner.Spec) error { return nil }

func (idle) Retire(*runner.Spec) {}

// nowhere takes effects and forgets them.
type nowhere struct{}

func (nowhere) Emit(*kv.Tx, ...delivery.Effect) error { return nil }

func (nowhere) Delivers(string) bool { return true }

// lateFront is the front for services that are made before it.
type lateFront struct{ front *awsapi.Front }

func (l *lateFront) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	return l.front.Call(ctx, m, op, in)
}

// open seals nothing.
type open struct{}

func (open) Seal(_ context.Context, text, _ []byte) ([]byte, error) { return text, nil }

func (open) Open(_ context.Context, sealed, _ []byte) ([]byte, error) { return sealed, nil }

// anyRole lets everybody take every role.
type anyRole struct{}

func (anyRole) AssumableBy(context.Context, arn.ARN, string, arn.ARN) (bool, error) { return true, nil }

func newLive(t *testing.T) *live {
	t.Helper()
	db := kv.Open(memkv.New())
	model := clock.NewModel(clock.State{})
	ledger := work.NewLedger()
	l := &live{t: t, ctx: awsapi.With(t.Context(), &awsapi.Call{Scope: scope, Actor: awsapi.RootOf(scope.Account)})}
	ids, err := iam.New(t.Context(), iam.Options{DB: db, Clock: model, Account: scope.Account})
	if err != nil {
		t.Fatal(err)
	}
	tables := dynamodb.New(dynamodb.Options{DB: db, Clock: model, Work: ledger})
	apis := apigateway.New(apigateway.Options{DB: db, Clock: model})
	httpAPIs := apigatewayv2.New(apigatewayv2.Options{DB: db, Clock: model})
	if l.builds, err = build.Open(filepath.Join(t.TempDir(), "artifacts")); err != nil {
		t.Fatal(err)
	}
	mail := ses.New(ses.Options{DB: db, Clock: model, Endpoint: "http://127.0.0.1:4566"})
	topics := sns.New(sns.Options{DB: db, Clock: model, Emit: nowhere{}, Endpoint: "http://127.0.0.1:4566"})
	functions := lambda.New(lambda.Options{DB: db, Clock: model, Runner: idle{}, Artifacts: l.builds, Delivers: func(string) bool { return true }})
	owner := &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: model, Ledger: ledger})
	buses := events.New(events.Options{DB: db, Clock: model, Emit: nowhere{}, Timers: timers, Roles: anyRole{}, Sealer: open{}})
	schedules := scheduler.New(scheduler.Options{DB: db, Clock: model, Emit: nowhere{}, Timers: timers, Roles: anyRole{}})
	master, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := kms.New(kms.Options{DB: db, Clock: model, Sealer: sealer{seal.Keys{master}}, Timers: timers})
	late := &lateFront{}
	parameters := ssm.New(ssm.Options{DB: db, Clock: model, Timers: timers, Caller: late})
	secrets := secretsmanager.New(secretsmanager.Options{DB: db, Clock: model, Timers: timers, Emit: nowhere{}, Caller: late})
	mappings := sources.New(sources.Options{DB: db, Owner: owner, Timers: timers, Model: model, Ledger: ledger, Functions: functions.Functions()})
	mappings.Read(tables.Source())
	queues := sqs.New(sqs.Options{DB: db, Clock: model, Endpoint: "http://127.0.0.1:4566"})
	mappings.Read(queues.Queues())
	functions.Map(mappings)
	rec, err := record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	groups := logs.New(logs.Options{DB: db, Logs: rec.Logs, Clock: model, Metrics: rec.Metrics, Emit: nowhere{}})
	watching := cloudwatch.New(cloudwatch.Options{DB: db, Clock: model, Metrics: rec.Metrics, Emit: nowhere{}, Timers: timers})
	l.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{ids.API(), tables.API(), apis.API(), httpAPIs.API(), functions.API(), mail.API(), mail.APIv2(), topics.API(), queues.API(), buses.API(), schedules.API(), keys.API(), parameters.API(), secrets.API(), groups.API(), watching.API()}, Identities: ids, Account: scope.Account, Region: scope.Region, Model: model,
	})
	late.front = l.front
	buses.Use(l.front)
	schedules.Use(l.front)
	l.engine = stack.New(stack.Options{DB: db, Types: resource.Types(l.front), Dynamic: resource.Dynamic(l.front), Model: model, Ledger: ledger, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		l.engine.Close()
		tables.Stop()
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// up brings the stack to a template and returns it, or fails with the events.
func (l *live) up(body string) *stack.Stack {
	l.t.Helper()
	tmpl, ds := template.Parse(&template.File{Name: "template.yaml", Text: []byte(body)})
	if err := ds.Err(); err != nil {
		l.t.Fatal(err)
	}
	out, err := l.engine.Up(l.ctx, stack.Deploy{Scope: scope, Name: "app", Actor: awsapi.RootOf(scope.Account), Template: tmpl, Body: body})
	if err != nil {
		l.t.Fatal(err)
	}
	st, err := l.engine.Wait(l.ctx, scope, out.StackID)
	if err != nil {
		l.t.Fatal(err)
	}
	if st.Status.Failed() {
		_, events, _, _ := l.engine.Events(l.ctx, scope, st.ID, "", 100)
		for _, e := range events {
			l.t.Logf("%s %s %s", e.LogicalID, e.Status, e.Reason)
		}
		l.t.Fatalf("the stack is %s: %s", st.Status, st.Reason)
	}
	return st
}

func (l *live) down() {
	l.t.Helper()
	st, err := l.engine.Stack(l.ctx, scope, "app")
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.engine.Delete(l.ctx, stack.DeleteRequest{Scope: scope, Name: "app", Actor: awsapi.RootOf(scope.Account)}); err != nil {
		l.t.Fatal(err)
	}
	if st, err = l.engine.Wait(l.ctx, scope, st.ID); err != nil || st.Status != stack.DeleteComplete {
		_, events, _, _ := l.engine.Events(l.ctx, scope, st.ID, "", 100)
		for _, e := range events {
			l.t.Logf("%s %s %s", e.LogicalID, e.Status, e.Reason)
		}
		l.t.Fatalf("the stack is %s: %s %v", st.Status, st.Reason, err)
	}
}

func ask[I, O any](l *live, op schema.TypedOp[I, O], in I) O {
	l.t.Helper()
	out, err := awsapi.Do(l.ctx, l.front, op, in)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func output(st *stack.Stack, key string) string {
	for _, o := range st.Outputs {
		if o.Key == key {
			return o.Value
		}
	}
	return ""
}

func ptr[T any](v T) *T { return &v }

const tableV1 = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: id, AttributeType: S}
        - {AttributeName: owner, AttributeType: S}
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: byOwner
          KeySchema: [{AttributeName: owner, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
      Tags: [{Key: team, Value: blue}]
Outputs:
  Arn: {Value: !GetAtt Table.Arn}
  Stream: {Value: !GetAtt Table.StreamArn}
  Name: {Value: !Ref Table}
`

const tableV2 = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PROVISIONED
      ProvisionedThroughput: {ReadCapacityUnits: 5, WriteCapacityUnits: 5}
      DeletionProtectionEnabled: true
      TableClass: STANDARD_INFREQUENT_ACCESS
      AttributeDefinitions:
        - {AttributeName: id, AttributeType: S}
        - {AttributeName: kind, AttributeType: S}
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: byKind
          KeySchema: [{AttributeName: kind, KeyType: HASH}]
          Projection: {ProjectionType: KEYS_ONLY}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
      TimeToLiveSpecification: {AttributeName: gone, Enabled: true}
      Tags: [{Key: team, Value: red}]
Outputs:
  Name: {Value: !Ref Table}
`

func TestTable(t *testing.T) {
	l := newLive(t)
	st := l.up(tableV1)
	name := output(st, "Name")
	if !strings.HasPrefix(name, "app-Table-") || output(st, "Arn") != scope.Table(name).String() || !strings.HasPrefix(output(st, "Stream"), scope.Table(name).String()+"/stream/") {
		t.Fatalf("outputs: %v", st.Outputs)
	}
	l.up(tableV2)
	d := ask(l, dynamoshapes.DescribeTable, &dynamoshapes.DescribeTableInput{TableName: &name}).Table
	if len(d.GlobalSecondaryIndexes) != 1 || *d.GlobalSecondaryIndexes[0].IndexName != "byKind" || *d.StreamSpecification.StreamViewType != "NEW_AND_OLD_IMAGES" ||
		!*d.DeletionProtectionEnabled || *d.TableClassSummary.TableClass != "STANDARD_INFREQUENT_ACCESS" || *d.ProvisionedThroughput.ReadCapacityUnits != 5 {
		t.Errorf("the table is not what the template says: %+v", d)
	}
	if ttl := ask(l, dynamoshapes.DescribeTimeToLive, &dynamoshapes.DescribeTimeToLiveInput{TableName: &name}).TimeToLiveDescription; *ttl.AttributeName != "gone" {
		t.Errorf("time to live: %+v", ttl)
	}
	tags := ask(l, dynamoshapes.ListTagsOfResource, &dynamoshapes.ListTagsOfResourceInput{ResourceArn: d.TableArn}).Tags
	if len(tags) != 1 || *tags[0].Value != "red" {
		t.Errorf("tags: %+v", tags)
	}
	l.up(strings.Replace(tableV2, "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", 1))
	l.down()
	if got := ask(l, dynamoshapes.ListTables, &dynamoshapes.ListTablesInput{}).TableNames; len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

const rolesV1 = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: [lambda.amazonaws.com]}, Action: [sts:AssumeRole]}]
      ManagedPolicyArns: [!Ref Managed]
      Policies:
        - PolicyName: logs
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "logs:*", Resource: "*"}]}
      Tags: [{Key: a, Value: "1"}]
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  Inline:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: inline
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sqs:*", Resource: "*"}]}
      Roles: [!Ref Role]
      Users: [!Ref User]
  User:
    Type: AWS::IAM::User
    Properties:
      UserName: ci
      ManagedPolicyArns: [!Ref Managed]
Outputs:
  Role: {Value: !Ref Role}
  Arn: {Value: !GetAtt Role.Arn}
  Managed: {Value: !Ref Managed}
  User: {Value: !GetAtt User.Arn}
`

func TestIdentities(t *testing.T) {
	l := newLive(t)
	st := l.up(rolesV1)
	role := output(st, "Role")
	if output(st, "Arn") != scope.Role("", role).String() || output(st, "User") != "arn:aws:iam::123456789012:user/ci" || !strings.HasPrefix(output(st, "Managed"), "arn:aws:iam::123456789012:policy/app-Managed-") {
		t.Fatalf("outputs: %v", st.Outputs)
	}
	inline := func() string {
		return fmt.Sprint(ask(l, iamshapes.ListRolePolicies, &iamshapes.ListRolePoliciesRequest{RoleName: &role}).PolicyNames)
	}
	if got := inline(); got != "[inline logs]" {
		t.Errorf("inline policies of the role: %s", got)
	}
	v2 := strings.NewReplacer("PolicyName: logs", "PolicyName: more", "PolicyName: inline", "PolicyName: other", "Roles: [!Ref Role]\n", "\n",
		`"s3:*"`, `"s3:Get*"`, `Value: "1"`, `Value: "2"`, "      ManagedPolicyArns: [!Ref Managed]\n      Policies", "      MaxSessionDuration: 7200\n      Policies").Replace(rolesV1)
	l.up(v2)
	if got := inline(); got != "[more]" {
		t.Errorf("inline policies of the role after the update: %s", got)
	}
	r := ask(l, iamshapes.GetRole, &iamshapes.GetRoleRequest{RoleName: &role}).Role
	if *r.MaxSessionDuration != 7200 || len(r.Tags) != 1 || *r.Tags[0].Value != "2" {
		t.Errorf("role: %+v", r)
	}
	if got := ask(l, iamshapes.ListAttachedRolePolicies, &iamshapes.ListAttachedRolePoliciesRequest{RoleName: &role}).AttachedPolicies; len(got) != 0 {
		t.Errorf("attached: %+v", got)
	}
	for i := range 7 { // more versions than a policy can have
		l.up(strings.Replace(v2, `"s3:Get*"`, fmt.Sprintf(`"s3:Get%d*"`, i), 1))
	}
	l.down()
	if got := ask(l, iamshapes.ListRoles, &iamshapes.ListRolesRequest{}).Roles; len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if got := ask(l, iamshapes.ListPolicies, &iamshapes.ListPoliciesRequest{Scope: ptr("Local")}).Policies; len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

const apiV1 = `
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: users, EndpointConfiguration: {Types: [REGIONAL]}, BinaryMediaTypes: [image/png]}
  Users:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: users}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Users
      HttpMethod: GET
      AuthorizationType: NONE
      RequestParameters: {method.request.querystring.q: false}
      MethodResponses: [{StatusCode: 200}]
      Integration:
        Type: MOCK
        RequestTemplates: {application/json: '{"statusCode": 200}'}
        IntegrationResponses: [{StatusCode: "200", ResponseTemplates: {application/json: '{}'}}]
  Deployment1:
    Type: AWS::ApiGateway::Deployment
    DependsOn: Get
    Properties: {RestApiId: !Ref Api, StageName: dev, StageDescription: {TracingEnabled: true, Variables: {a: b}}}
  Denied:
    Type: AWS::ApiGateway::GatewayResponse
    Properties: {RestApiId: !Ref Api, ResponseType: ACCESS_DENIED, StatusCode: 403}
  Account:
    Type: AWS::ApiGateway::Account
Outputs:
  Api: {Value: !Ref Api}
  Deployment: {Value: !Ref Deployment1}
`

func TestRestAPI(t *testing.T) {
	l := newLive(t)
	st := l.up(apiV1)
	api, first := output(st, "Api"), output(st, "Deployment")
	serves := func() string {
		return *ask(l, apigwshapes.GetStage, &apigwshapes.GetStageRequest{RestApiId: &api, StageName: ptr("dev")}).DeploymentId
	}
	if got := serves(); got != first {
		t.Fatalf("the stage serves %s, want %s", got, first)
	}

	// A new deployment under another logical id, as deploy tools make it.
	v2 := strings.NewReplacer("Deployment1", "Deployment2", `'{"statusCode": 200}'`, `'{"statusCode": 204}'`, "image/png", "image/gif").Replace(apiV1)
	second := output(l.up(v2), "Deployment")
	if got := serves(); got != second || second == first {
		t.Fatalf("the stage serves %s, want %s", got, second)
	}
	m := ask(l, apigwshapes.GetMethod, &apigwshapes.GetMethodRequest{
		RestApiId: &api, ResourceId: ptr(l.physical("Users")), HttpMethod: ptr("GET"),
	})
	if got := m.MethodIntegration.RequestTemplates["application/json"]; !strings.Contains(got, "204") {
		t.Errorf("the integration is %q", got)
	}

	// A deployment that is rolled back gives the stage back.
	broken := strings.ReplaceAll(v2, "Deployment2", "Deployment3") + "  Twice: {Value: a, Export: {Name: twice}}\n  Again: {Value: b, Export: {Name: twice}}\n"
	tmpl, ds := template.Parse(&template.File{Name: "template.yaml", Text: []byte(broken)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.engine.Update(l.ctx, stack.Deploy{Scope: scope, Name: "app", Actor: awsapi.RootOf(scope.Account), Template: tmpl}); err != nil {
		t.Fatal(err)
	}
	st, err := l.engine.Wait(l.ctx, scope, "app")
	if err != nil || st.Status != stack.UpdateRollbackComplete {
		t.Fatalf("the stack is %s: %s %v", st.Status, st.Reason, err)
	}
	if got := serves(); got != second {
		t.Errorf("after the rollback the stage serves %s, want %s", got, second)
	}
	if got := ask(l, apigwshapes.GetDeployments, &apigwshapes.GetDeploymentsRequest{RestApiId: &api}).Items; len(got) != 1 {
		t.Errorf("deployments: %+v", got)
	}
	l.down()
	if got := ask(l, apigwshapes.GetRestApis, &apigwshapes.GetRestApisRequest{}).Items; len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
}

// functionsV1 has %[1]s for the digest of an artifact.
const functionsV1 = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
  Layer:
    Type: AWS::Lambda::LayerVersion
    Properties: {LayerName: tools, Content: {"nube:Artifact": %[1]s}, CompatibleRuntimes: [python3.12]}
  Hello:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: hello
      Runtime: python3.12
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Timeout: 10
      MemorySize: 256
      ReservedConcurrentExecutions: 2
      Layers: [!Ref Layer]
      Environment: {Variables: {TABLE: one}}
      Tags: [{Key: team, Value: blue}]
      Code: {ZipFile: "def handler(event, context): return 1"}
  Built:
    Type: AWS::Lambda::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, Role: !GetAtt Role.Arn, Code: {"nube:Artifact": %[1]s}}
  Version:
    Type: AWS::Lambda::Version
    DeletionPolicy: Retain
    Properties: {FunctionName: !Ref Hello, Description: first}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Hello, FunctionVersion: !GetAtt Version.Version, Name: live}
  Allow:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Hello, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceArn: !Sub "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:x/*"}
  Async:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {FunctionName: !Ref Hello, Qualifier: $LATEST, MaximumRetryAttempts: 1}
Outputs:
  Arn: {Value: !GetAtt Hello.Arn}
  Version: {Value: !Ref Version}
  Alias: {Value: !Ref Live}
  Layer: {Value: !Ref Layer}
  Built: {Value: !Ref Built}
`

func TestFunctions(t *testing.T) {
	l := newLive(t)
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	if f, err := z.Create("bootstrap"); err != nil {
		t.Fatal(err)
	} else if _, err := f.Write([]byte("#!/bin/sh")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	built, err := l.builds.Unpack(zipped.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v1 := fmt.Sprintf(functionsV1, built.Digest)
	st := l.up(v1)
	arn := scope.Function("hello").String()
	for key, want := range map[string]string{
		"Arn": arn, "Version": arn + ":1", "Alias": arn + ":live", "Layer": scope.LayerVersion("tools", "1").String(), "Built": l.physical("Built"),
	} {
		if got := output(st, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	hello := func() *lambdashapes.FunctionConfiguration {
		return ask(l, lambdashapes.GetFunctionConfiguration, &lambdashapes.GetFunctionConfigurationRequest{FunctionName: ptr("hello")})
	}
	was := hello()
	if *was.Timeout != 10 || was.Environment.Variables["TABLE"] != "one" || len(was.Layers) != 1 {
		t.Errorf("configuration: %+v", was)
	}
	if c := ask(l, lambdashapes.GetFunctionConfiguration, &lambdashapes.GetFunctionConfigurationRequest{FunctionName: ptr(output(st, "Built"))}); *c.CodeSha256 != built.SHA256 {
		t.Errorf("the code is %s, want %s", *c.CodeSha256, built.SHA256)
	}

	// Properties that are left out go back to their defaults.
	v2 := strings.NewReplacer("      Timeout: 10\n", "", "      ReservedConcurrentExecutions: 2\n", "", "      Layers: [!Ref Layer]\n", "", "return 1", "return 2",
		"TABLE: one", "OTHER: two", "Value: blue", "Value: red", "MaximumRetryAttempts: 1", "MaximumRetryAttempts: 2", "Description: first", "Description: second",
		"apigateway.amazonaws.com", "s3.amazonaws.com").Replace(v1)
	st = l.up(v2)
	now := hello()
	if *now.Timeout != 3 || *now.MemorySize != 256 || now.Environment.Variables["TABLE"] != "" || now.Environment.Variables["OTHER"] != "two" || len(now.Layers) != 0 || *now.CodeSha256 == *was.CodeSha256 {
		t.Errorf("configuration after the update: %+v", now)
	}
	if c := ask(l, lambdashapes.GetFunctionConcurrency, &lambdashapes.GetFunctionConcurrencyRequest{FunctionName: ptr("hello")}); c.ReservedConcurrentExecutions != nil {
		t.Errorf("still reserved: %d", *c.ReservedConcurrentExecutions)
	}
	if got := ask(l, lambdashapes.ListTags, &lambdashapes.ListTagsRequest{Resource: &arn}).Tags; len(got) != 1 || got["team"] != "red" {
		t.Errorf("tags: %v", got)
	}
	if got := output(st, "Version"); got != arn+":2" {
		t.Errorf("the new version is %s", got)
	}
	if a := ask(l, lambdashapes.GetAlias, &lambdashapes.GetAliasRequest{FunctionName: ptr("hello"), Name: ptr("live")}); *a.FunctionVersion != "2" {
		t.Errorf("the alias points to %s", *a.FunctionVersion)
	}
	if p := ask(l, lambdashapes.GetPolicy, &lambdashapes.GetPolicyRequest{FunctionName: ptr("hello")}).Policy; !strings.Contains(*p, "s3.amazonaws.com") || strings.Contains(*p, "apigateway") {
		t.Errorf("policy: %s", *p)
	}
	if got := ask(l, lambdashapes.ListVersionsByFunction, &lambdashapes.ListVersionsByFunctionRequest{FunctionName: ptr("hello")}).Versions; len(got) != 2 {
		t.Errorf("%d versions, want $LATEST and the new one: a policy for deletions is none for replacements", len(got))
	}
	if got := ask(l, lambdashapes.GetFunctionEventInvokeConfig, &lambdashapes.GetFunctionEventInvokeConfigRequest{FunctionName: ptr("hello"), Qualifier: ptr("$LATEST")}); *got.MaximumRetryAttempts != 2 {
		t.Errorf("asynchronous invocation: %+v", got)
	}
	l.down()
	if got := ask(l, lambdashapes.ListFunctions, &lambdashapes.ListFunctionsRequest{}).Functions; len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
	if got := ask(l, lambdashapes.ListLayers, &lambdashapes.ListLayersRequest{}).Layers; len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
}

func (l *live) physical(logicalID string) string {
	_, rs, err := l.engine.Resources(l.ctx, scope, "app")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range rs {
		if r.LogicalID == logicalID {
			return r.PhysicalID
		}
	}
	return ""
}
