package resource_test

import (
	"fmt"
	"strings"
	"testing"

	lambdashapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

// mappingStack is a function that reads a table's stream, with what is said of
// the mapping.
func mappingStack(position, more string) string {
	return fmt.Sprintf(`
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.12, Handler: index.handler, Role: !GetAtt Role.Arn, Code: {ZipFile: "def handler(event, context): return 1"}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Table.StreamArn
      FunctionName: !Ref Function
      StartingPosition: %s
%s
Outputs:
  Id: {Value: !Ref Mapping}
  Arn: {Value: !GetAtt Mapping.EventSourceMappingArn}
`, position, more)
}

func TestEventSourceMapping(t *testing.T) {
	l := newLive(t)
	st := l.up(mappingStack("LATEST", `      Enabled: false
      BatchSize: 5
      MaximumRetryAttempts: 2
      MaximumRecordAgeInSeconds: 60
      BisectBatchOnFunctionError: true
      FunctionResponseTypes: [ReportBatchItemFailures]
      DestinationConfig: {OnFailure: {Destination: "arn:aws:sns:eu-central-1:123456789012:dead"}}
      FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}
      Tags: [{Key: team, Value: blue}]`))
	id := output(st, "Id")
	get := func() *lambdashapes.EventSourceMappingConfiguration {
		return ask(l, lambdashapes.GetEventSourceMapping, &lambdashapes.GetEventSourceMappingRequest{UUID: &id})
	}
	m := get()
	if *m.EventSourceMappingArn != output(st, "Arn") || *m.BatchSize != 5 || *m.MaximumRetryAttempts != 2 || *m.State != "Disabled" || *m.StartingPosition != "LATEST" ||
		*m.DestinationConfig.OnFailure.Destination != "arn:aws:sns:eu-central-1:123456789012:dead" || len(m.FilterCriteria.Filters) != 1 || len(m.FunctionResponseTypes) != 1 {
		t.Errorf("mapping %+v", m)
	}
	tags := func() string {
		return fmt.Sprint(ask(l, lambdashapes.ListTags, &lambdashapes.ListTagsRequest{Resource: m.EventSourceMappingArn}).Tags)
	}
	if got := tags(); !strings.Contains(got, "team:blue") {
		t.Errorf("tags %s", got)
	}

	// A change in place: what is not said any more is as if it had never been.
	st = l.up(mappingStack("LATEST", `      Enabled: false
      ParallelizationFactor: 2
      Tags: [{Key: team, Value: red}]`))
	if output(st, "Id") != id {
		t.Errorf("another mapping, %s, not %s", output(st, "Id"), id)
	}
	m = get()
	if *m.BatchSize != 100 || *m.MaximumRetryAttempts != -1 || *m.MaximumRecordAgeInSeconds != -1 || *m.BisectBatchOnFunctionError || *m.ParallelizationFactor != 2 ||
		m.DestinationConfig.OnFailure.Destination != nil || m.FilterCriteria != nil || len(m.FunctionResponseTypes) != 0 {
		t.Errorf("mapping %+v", m)
	}
	if got := tags(); !strings.Contains(got, "team:red") || strings.Contains(got, "blue") {
		t.Errorf("tags %s", got)
	}
	l.down()
	if left := ask(l, lambdashapes.ListEventSourceMappings, &lambdashapes.ListEventSourceMappingsRequest{}); len(left.EventSourceMappings) != 0 {
		t.Errorf("left %+v", left)
	}
}
