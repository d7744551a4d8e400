package iam

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
)

// awsPolicy is an AWS managed policy that templates for the services here
// attach. Documents are the facts that AWS publishes in the managed policy
// reference.
//
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
type awsPolicy struct{ path, name, document string }

func awsPolicies() []awsPolicy {
	const logs = `"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"`
	allow := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
	}
	return []awsPolicy{
		{"/", "AdministratorAccess", allow(`"*"`)},
		{"/", "AmazonAPIGatewayAdministrator", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:*"],"Resource":"arn:aws:apigateway:*::/*"}]}`},
		{"/", "AmazonAPIGatewayInvokeFullAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["execute-api:Invoke","execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"}]}`},
		{"/", "AmazonDynamoDBFullAccess", allow(`"dynamodb:*"`)},
		{"/", "AmazonDynamoDBReadOnlyAccess", allow(`"dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:List*","dynamodb:GetItem","dynamodb:GetAbacStatus","dynamodb:GetResourcePolicy","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQLSelect"`)},
		{"/", "AmazonS3FullAccess", allow(`"s3:*","s3-object-lambda:*"`)},
		{"/", "AmazonS3ReadOnlyAccess", allow(`"s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"`)},
		{"/", "AmazonSNSFullAccess", allow(`"sns:*"`)},
		{"/", "AmazonSQSFullAccess", allow(`"sqs:*"`)},
		{"/", "AWSLambda_FullAccess", allow(`"cloudformation:DescribeStacks","cloudformation:ListStackResources","cloudwatch:ListMetrics","cloudwatch:GetMetricData","kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","iam:PassRole","lambda:*","logs:DescribeLogGroups","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"`)},
		{"/", "AWSXRayDaemonWriteAccess", allow(`"xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"`)},
		{"/", "CloudWatchLogsFullAccess", allow(`"logs:*","cloudwatch:GenerateQuery"`)},
		{"/", "PowerUserAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]}`},
		{"/service-role/", "AWSLambdaBasicExecutionRole", allow(logs)},
		{"/service-role/", "AWSLambdaDynamoDBExecutionRole", allow(`"dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams",` + logs)},
		{"/service-role/", "AWSLambdaSQSQueueExecutionRole", allow(`"sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes",` + logs)},
		{"/service-role/", "AWSLambdaRole", allow(`"lambda:InvokeFunction"`)},
		{"/service-role/", "AWSLambdaVPCAccessExecutionRole", allow(logs + `,"ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"`)},
		{"/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", allow(`"logs:CreateLogGroup","logs:CreateLogStream","logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents"`)},
		{"/", "CloudWatchLambdaInsightsExecutionRolePolicy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:CreateLogGroup","Resource":"*"},{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"}]}`},
	}
}

// awsManaged returns the AWS managed policy of an ARN, nil when it is not one
// of those known here.
func awsManaged(a arn.ARN) *managed {
	rest, ok := strings.CutPrefix(a.Resource(), "policy")
	if !ok || a.Account() != "aws" || a.Service() != "iam" {
		return nil
	}
	for _, p := range awsPolicies() {
		if p.path+p.name == rest {
			return p.managed()
		}
	}
	return nil
}

func (p awsPolicy) managed() *managed {
	created := clock.Unix(1_423_008_000, 0) // when IAM got managed policies
	return &managed{
		ARN: arn.Scope{}.AWSPolicy(p.path, p.name), Name: p.name, Path: p.path, ID: "ANPA" + strings.ToUpper(p.name), Created: created, Updated: created,
		Default: "v1", Versions: []version{{ID: "v1", Document: p.document, Created: created}},
	}
}

func awsManagedAll() []*managed {
	var out []*managed
	for _, p := range awsPolicies() {
		out = append(out, p.managed())
	}
	return out
}
