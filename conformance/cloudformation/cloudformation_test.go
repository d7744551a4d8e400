// Package cloudformation holds CloudFormation's documentation to a server, through AWS's own SDK. Each case cites its
// page.
package cloudformation

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and the name of a stack, which is deleted at the end.
type suite struct {
	*testing.T
	*cloudformation.Client
	ctx  context.Context
	name *string
}

func open(t *testing.T) *suite {
	x := &suite{T: t, Client: cloudformation.NewFromConfig(target.Config()), ctx: t.Context(), name: aws.String(target.Name())}
	t.Cleanup(func() {
		x.ctx = context.Background()
		if _, err := x.DeleteStack(x.ctx, &cloudformation.DeleteStackInput{StackName: x.name}); err != nil {
			t.Errorf("cleaning up: %v", err)
			return
		}
		gone := cloudformation.NewStackDeleteCompleteWaiter(x.Client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
		if err := gone.Wait(x.ctx, &cloudformation.DescribeStacksInput{StackName: x.name}, 5*time.Minute); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return x
}

// table is a template with a table, a parameter and outputs.
func table(extra string) *string {
	return aws.String(`
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Mode: {Type: String, Default: PAY_PER_REQUEST, AllowedValues: [PAY_PER_REQUEST, PROVISIONED]}
  Key: {Type: String, Default: id, NoEcho: true}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: !Ref Mode
      AttributeDefinitions: [{AttributeName: !Ref Key, AttributeType: S}]
      KeySchema: [{AttributeName: !Ref Key, KeyType: HASH}]
` + extra + `
Outputs:
  Name: {Value: !Ref Table}
  Arn: {Value: !GetAtt Table.Arn}
  Sub: {Value: !Sub "${AWS::StackName}/${AWS::Region}/${Table}"}
`)
}

func (x *suite) create(template *string) {
	x.Helper()
	_, err := x.CreateStack(x.ctx, &cloudformation.CreateStackInput{StackName: x.name, TemplateBody: template})
	target.Must(x, err)
}

// ends waits until the stack is in a state that lasts.
func (x *suite) ends() types.Stack {
	x.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out, err := x.DescribeStacks(x.ctx, &cloudformation.DescribeStacksInput{StackName: x.name})
		target.Must(x, err)
		if s := out.Stacks[0]; !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
			return s
		}
		if time.Now().After(deadline) {
			x.Fatalf("the stack is %s", out.Stacks[0].StackStatus)
		}
	}
}

func (x *suite) is(want types.StackStatus) types.Stack {
	x.Helper()
	s := x.ends()
	if s.StackStatus != want {
		x.Fatalf("the stack is %s (%s), want %s", s.StackStatus, aws.ToString(s.StackStatusReason), want)
	}
	return s
}

func output(s types.Stack, key string) string {
	for _, o := range s.Outputs {
		if *o.OutputKey == key {
			return *o.OutputValue
		}
	}
	return ""
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
func TestLifeOfAStack(t *testing.T) {
	x := open(t)
	x.create(table(""))
	s := x.is(types.StackStatusCreateComplete)
	name := output(s, "Name")
	if !strings.HasPrefix(name, *x.name+"-Table-") {
		t.Errorf("a generated name is %s", name)
	}
	if got := output(s, "Sub"); got != *x.name+"/"+target.Config().Region+"/"+name {
		t.Errorf("Sub is %s", got)
	}
	if !strings.HasPrefix(*s.StackId, "arn:aws:cloudformation:"+target.Config().Region+":") {
		t.Errorf("stack id %s", *s.StackId)
	}
	for _, p := range s.Parameters {
		if *p.ParameterKey == "Key" && *p.ParameterValue != "****" {
			t.Errorf("a NoEcho parameter is shown: %s", *p.ParameterValue)
		}
	}
	described, err := dynamodb.NewFromConfig(target.Config()).DescribeTable(x.ctx, &dynamodb.DescribeTableInput{TableName: &name})
	target.Must(t, err)
	if *described.Table.TableArn != output(s, "Arn") {
		t.Errorf("Arn is %s", output(s, "Arn"))
	}

	_, err = x.CreateStack(x.ctx, &cloudformation.CreateStackInput{StackName: x.name, TemplateBody: table("")})
	target.Refused(t, err, "AlreadyExistsException", "Stack ["+*x.name+"] already exists")
	_, err = x.UpdateStack(x.ctx, &cloudformation.UpdateStackInput{StackName: x.name, TemplateBody: table("")})
	target.Refused(t, err, "ValidationError", "No updates are to be performed.")

	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
	_, err = x.UpdateStack(x.ctx, &cloudformation.UpdateStackInput{StackName: x.name, TemplateBody: table("      Tags: [{Key: k, Value: v}]")})
	target.Must(t, err)
	if s := x.is(types.StackStatusUpdateComplete); output(s, "Name") != name {
		t.Errorf("an update in place made %s of %s", output(s, "Name"), name)
	}
	_, err = x.UpdateStack(x.ctx, &cloudformation.UpdateStackInput{StackName: x.name, UsePreviousTemplate: aws.Bool(true),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Key"), ParameterValue: aws.String("other")}}})
	target.Must(t, err)
	if s := x.is(types.StackStatusUpdateComplete); output(s, "Name") == name {
		t.Error("another key schema did not replace the table")
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
func TestRollback(t *testing.T) {
	x := open(t)
	x.create(table(`
  Bad:
    Type: AWS::DynamoDB::Table
    DependsOn: Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}, {AttributeName: unused, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]`))
	x.is(types.StackStatusRollbackComplete)
	status := map[string][]string{}
	for p := cloudformation.NewDescribeStackEventsPaginator(x.Client, &cloudformation.DescribeStackEventsInput{StackName: x.name}); p.HasMorePages(); {
		page, err := p.NextPage(x.ctx)
		target.Must(t, err)
		for _, e := range page.StackEvents {
			status[*e.LogicalResourceId] = append(status[*e.LogicalResourceId], string(e.ResourceStatus))
		}
	}
	for _, ss := range status {
		slices.Reverse(ss) // events come newest first
	}
	if got := slices.Compact(status["Table"]); !slices.Equal(got, []string{"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"}) {
		t.Errorf("the good table went through %v", got)
	}
	if !slices.Contains(status["Bad"], "CREATE_FAILED") {
		t.Errorf("the bad table went through %v", status["Bad"])
	}
	_, err := x.UpdateStack(x.ctx, &cloudformation.UpdateStackInput{StackName: x.name, TemplateBody: table("")})
	target.Refused(t, err, "ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated.")
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
func TestChangeSets(t *testing.T) {
	x := open(t)
	change := func(name string, kind types.ChangeSetType, template *string) *cloudformation.DescribeChangeSetOutput {
		t.Helper()
		_, err := x.CreateChangeSet(x.ctx, &cloudformation.CreateChangeSetInput{StackName: x.name, ChangeSetName: &name, ChangeSetType: kind, TemplateBody: template})
		target.Must(t, err)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			out, err := x.DescribeChangeSet(x.ctx, &cloudformation.DescribeChangeSetInput{StackName: x.name, ChangeSetName: &name})
			target.Must(t, err)
			if out.Status == types.ChangeSetStatusCreateComplete || out.Status == types.ChangeSetStatusFailed || time.Now().After(deadline) {
				return out
			}
		}
	}
	made := change("first", types.ChangeSetTypeCreate, table(""))
	if made.Status != types.ChangeSetStatusCreateComplete || len(made.Changes) != 1 || made.Changes[0].ResourceChange.Action != types.ChangeActionAdd {
		t.Fatalf("the first change set is %s: %+v", made.Status, made.Changes)
	}
	if s := x.describe(); s.StackStatus != types.StackStatusReviewInProgress {
		t.Errorf("before it is executed the stack is %s", s.StackStatus)
	}
	_, err := x.ExecuteChangeSet(x.ctx, &cloudformation.ExecuteChangeSetInput{StackName: x.name, ChangeSetName: aws.String("first")})
	target.Must(t, err)
	x.is(types.StackStatusCreateComplete)

	same := change("same", types.ChangeSetTypeUpdate, table(""))
	if same.Status != types.ChangeSetStatusFailed || !strings.Contains(aws.ToString(same.StatusReason), "The submitted information didn't contain changes.") {
		t.Errorf("without changes it is %s: %s", same.Status, aws.ToString(same.StatusReason))
	}
	replaced := change("replaced", types.ChangeSetTypeUpdate, aws.String(strings.Replace(*table(""), "Default: id", "Default: other", 1)))
	if len(replaced.Changes) != 1 || replaced.Changes[0].ResourceChange.Replacement != types.ReplacementTrue {
		t.Errorf("another key schema is %+v", replaced.Changes)
	}
}

func (x *suite) describe() types.Stack {
	x.Helper()
	out, err := x.DescribeStacks(x.ctx, &cloudformation.DescribeStacksInput{StackName: x.name})
	target.Must(x, err)
	return out.Stacks[0]
}

// A type that nobody can make is refused with the whole template, before a stack is there: its success would be one of
// nothing. (floci#2967, fakecloud PR#1693, ministack#1601)
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-reference.html
func TestUnknownTypes(t *testing.T) {
	client := cloudformation.NewFromConfig(target.Config())
	const text, message = `{"Resources":{"A":{"Type":"AWS::Logs::LogGroup"},"B":{"Type":"AWS::NotAReal::Thing"}}}`, "Template format error: Unrecognized resource types: [AWS::NotAReal::Thing]"
	name := aws.String(target.Name())
	_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: name, TemplateBody: aws.String(text)})
	target.Refused(t, err, "ValidationError", message)
	_, err = client.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: name, ChangeSetName: aws.String("new"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(text),
	})
	target.Refused(t, err, "ValidationError", message)
	_, err = client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: name})
	target.Refused(t, err, "ValidationError", "Stack with id "+*name+" does not exist")
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-reference.html
func TestTemplatesRefused(t *testing.T) {
	client := cloudformation.NewFromConfig(target.Config())
	for _, c := range []struct{ template, message string }{
		{`{`, "Template format error"},
		{`{"Resources":{}}`, "At least one Resources member must be defined."},
		{`{"Resources":{"A":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":{"Ref":"Nobody"}}}}}`, "Unresolved resource dependencies [Nobody] in the Resources block of the template"},
		{`{"Resources":{"A":{"Type":"AWS::Logs::LogGroup","DependsOn":"B"},"B":{"Type":"AWS::Logs::LogGroup","DependsOn":"A"}}}`, "Circular dependency between resources: [A, B]"},
		{`{"Resources":{"A":{"Type":"AWS::Logs::LogGroup"}},"Parameters":{"P":{"Type":"String"}}}`, "Parameters: [P] must have values"},
	} {
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String(target.Name()), TemplateBody: &c.template})
		target.Refused(t, err, "ValidationError", c.message)
	}
	_, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("nobody")})
	target.Refused(t, err, "ValidationError", "Stack with id nobody does not exist")
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html
func TestCapabilities(t *testing.T) {
	x := open(t)
	role := fmt.Sprintf(`{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":%q,"AssumeRolePolicyDocument":%s}}}}`,
		*x.name, target.Policy(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`))
	_, err := x.CreateStack(x.ctx, &cloudformation.CreateStackInput{StackName: x.name, TemplateBody: &role})
	target.Refused(t, err, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
	_, err = x.CreateStack(x.ctx, &cloudformation.CreateStackInput{StackName: x.name, TemplateBody: &role, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}})
	target.Must(t, err)
	x.is(types.StackStatusCreateComplete)
}
