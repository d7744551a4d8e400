package shape

import (
	"github.com/nube-run/nube/internal/manifest/schema"
)

// provider is the shape of the provider section.
func provider() schema.Schema {
	return schema.Object{What: "provider", Required: []string{"name"}, Fields: []schema.Field{
		{Key: "name", Is: schema.Enum{"aws"}},
		{Key: "runtime", Is: schema.String{Min: 1}},
		{Key: "runtimeManagement", Is: runtimeManagement()},
		{Key: "region", Is: text(IsStage, "the name of a region")},
		{Key: "stage", Is: text(IsStage, "a name of letters, digits and dashes")},
		{Key: "memorySize", Is: memory()},
		{Key: "timeout", Is: timeout()},
		{Key: "environment", Is: environment()},
		{Key: "architecture", Is: architecture()},
		{Key: "kmsKeyArn", Is: kmsKey()},
		{Key: "layers", Is: layers()},
		{Key: "tags", Is: tags()},
		{Key: "tracing", Is: schema.Object{What: "tracing", Fields: []schema.Field{
			{Key: "apiGateway", Is: schema.Bool{}}, {Key: "lambda", Is: tracing()},
		}}},
		{Key: "vpc", Is: vpc()},
		{Key: "versionFunctions", Is: schema.Bool{}},

		{Key: "iam", Is: iam()},
		{Key: "iamManagedPolicies", Is: schema.List{Of: arn()}},
		{Key: "iamRoleStatements", Is: statements(policyResource())},
		{Key: "role", Is: role()},
		{Key: "rolePermissionsBoundary", Is: arn()},
		{Key: "cfnRole", Is: arn()},

		{Key: "logs", Is: logs()},
		{Key: "logRetentionInDays", Is: retention()},
		{Key: "logDataProtectionPolicy", Is: dataProtection()},

		{Key: "apiGateway", Is: apiGateway()},
		{Key: "apiName", Is: schema.String{}},
		{Key: "endpointType", Is: schema.Fold{"REGIONAL", "EDGE", "PRIVATE"}},
		{Key: "vpcEndpointIds", Is: schema.OneOf{schema.List{Of: value()}, schema.Intrinsic{"Fn::Split"}}},
		{Key: "httpApi", Is: httpAPI()},
		{Key: "s3", Is: schema.Map{Of: schema.Map{Of: schema.Any{}}}},
		{Key: "kinesis", Is: schema.Object{What: "kinesis", Fields: []schema.Field{
			{Key: "consumerNamingMode", Is: schema.Enum{"serviceSpecific"}},
		}}},

		{Key: "stackName", Is: schema.String{Match: isStackName, Form: "a name of letters, digits and dashes that begins with a letter", Max: 128}},
		{Key: "stackTags", Is: tags()},
		{Key: "stackParameters", Is: schema.List{Of: schema.Object{What: "a stack parameter", Fields: []schema.Field{
			{Key: "ParameterKey", Is: schema.String{}}, {Key: "ParameterValue", Is: schema.String{}},
			{Key: "UsePreviousValue", Is: schema.Bool{}}, {Key: "ResolvedValue", Is: schema.String{}},
		}}}},

		// Without meaning here: how the Framework deploys.
		{Key: "deploymentBucket", Is: deploymentBucket()},
		{Key: "deploymentMethod", Is: schema.Enum{"changesets", "direct"}},
		{Key: "deploymentPrefix", Is: schema.String{}},
		{Key: "disableRollback", Is: schema.Bool{}},
		{Key: "deletionProtection", Is: schema.Any{}},
		{Key: "notificationArns", Is: schema.List{Of: arnText()}},
		{Key: "profile", Is: schema.String{}},
		{Key: "pruneFunctionVersions", Is: schema.Any{}},
		{Key: "rollbackConfiguration", Is: schema.Map{Of: schema.Any{}}},
		{Key: "stackPolicy", Is: schema.List{Of: schema.Any{}}},

		{Key: "alb", Is: refuse("load balancer", "http")},
		{Key: "cloudFront", Is: refuse("CloudFront", "http")},
		{Key: "ecr", Is: noImages()},
		{Key: "websocket", Is: refuse("WebSocket API", "http")},
		{Key: "websocketsApiName", Is: refuse("WebSocket API", "http")},
		{Key: "websocketsApiRouteSelectionExpression", Is: refuse("WebSocket API", "http")},
		{Key: "websocketsDescription", Is: refuse("WebSocket API", "http")},
	}}
}

func iam() schema.Schema {
	settings := schema.Object{What: "the execution role", Fields: []schema.Field{
		{Key: "name", Is: text(only(plus(isAlphanumeric, "/_+=,.@-")), "the name of a role")},
		{Key: "path", Is: schema.String{}},
		{Key: "managedPolicies", Is: schema.List{Of: arn()}},
		{Key: "statements", Is: statements(policyResource())},
		{Key: "permissionBoundary", Is: arn()},
		{Key: "permissionsBoundary", Is: arn()},
		{Key: "tags", Is: tags()},
	}}
	return schema.Object{What: "iam", Fields: []schema.Field{
		{Key: "role", Is: schema.OneOf{role(), settings}},
		{Key: "deploymentRole", Is: arn()},
	}}
}

func logs() schema.Schema {
	rest := schema.Object{What: "the logging configuration of the REST API", Fields: []schema.Field{
		{Key: "accessLogging", Is: schema.Bool{}},
		{Key: "executionLogging", Is: schema.Bool{}},
		{Key: "format", Is: schema.String{}},
		{Key: "fullExecutionData", Is: schema.Bool{}},
		{Key: "level", Is: schema.Enum{"INFO", "ERROR"}},
		{Key: "role", Is: arn()},
		{Key: "roleManagedExternally", Is: schema.Bool{}},
	}}
	http := schema.Object{What: "the logging configuration of the HTTP API", Fields: []schema.Field{{Key: "format", Is: schema.String{}}}}
	return schema.Object{What: "logs", Fields: []schema.Field{
		{Key: "frameworkLambda", Is: schema.Bool{}},
		{Key: "httpApi", Is: schema.OneOf{schema.Bool{}, http}},
		{Key: "restApi", Is: schema.OneOf{schema.Bool{}, rest}},
		{Key: "websocket", Is: refuse("WebSocket API", "http")},
		{Key: "lambda", Is: lambdaLogs()},
	}}
}

func deploymentBucket() schema.Schema {
	return schema.OneOf{text(isBucketName, "the name of a bucket"), schema.Map{Of: schema.Any{}}}
}

func apiGateway() schema.Schema {
	plan := schema.Object{What: "a usage plan", Fields: []schema.Field{
		{Key: "quota", Is: schema.Object{What: "a quota", Fields: []schema.Field{
			{Key: "limit", Is: schema.Int{}}, {Key: "offset", Is: schema.Int{}}, {Key: "period", Is: schema.Enum{"DAY", "WEEK", "MONTH"}},
		}}},
		{Key: "throttle", Is: schema.Object{What: "a throttle", Fields: []schema.Field{
			{Key: "burstLimit", Is: schema.Int{}}, {Key: "rateLimit", Is: schema.Int{}},
		}}},
	}}
	key := schema.Object{What: "an API key", Fields: []schema.Field{
		{Key: "name", Is: schema.String{}}, {Key: "value", Is: schema.String{}}, {Key: "description", Is: schema.String{}},
		{Key: "customerId", Is: schema.String{}}, {Key: "enabled", Is: schema.Bool{}},
	}}
	named := schema.Object{What: "API keys of a usage plan", Max: 1, Rest: schema.List{Of: schema.OneOf{schema.String{}, key}}}
	model := schema.Object{What: "a request schema", Required: []string{"schema"}, Fields: []schema.Field{
		{Key: "schema", Is: schema.Map{Of: schema.Any{}}}, {Key: "name", Is: schema.String{}}, {Key: "description", Is: schema.String{}},
	}}
	return schema.Object{What: "apiGateway", Fields: []schema.Field{
		{Key: "apiKeys", Is: schema.List{Of: schema.OneOf{schema.String{}, key, named}}},
		{Key: "apiKeySourceType", Is: schema.Fold{"HEADER", "AUTHORIZER"}},
		{Key: "binaryMediaTypes", Is: texts()},
		{Key: "description", Is: schema.String{}},
		{Key: "disableDefaultEndpoint", Is: schema.Bool{}},
		{Key: "endpoint", Is: schema.Object{What: "endpoint", Fields: []schema.Field{
			{Key: "securityPolicy", Is: schema.String{}}, {Key: "accessMode", Is: schema.Fold{"BASIC", "STRICT", ""}},
		}}},
		{Key: "metrics", Is: schema.Bool{}},
		{Key: "minimumCompressionSize", Is: schema.Int{Max: 10485760}},
		{Key: "resourcePolicy", Is: statements(apiResource())},
		{Key: "restApiId", Is: value()},
		{Key: "restApiResources", Is: schema.OneOf{
			schema.List{Of: schema.Object{What: "a resource of the API", Fields: []schema.Field{
				{Key: "path", Is: schema.String{}}, {Key: "resourceId", Is: schema.String{}},
			}}},
			schema.Map{Of: schema.Any{}},
		}},
		{Key: "restApiRootResourceId", Is: value()},
		{Key: "request", Is: schema.Object{What: "request", Fields: []schema.Field{
			{Key: "schemas", Is: schema.Map{Of: model}},
		}}},
		{Key: "shouldStartNameWithService", Is: schema.Bool{}},
		{Key: "stage", Is: schema.String{}},
		{Key: "timeoutInMillis", Is: schema.Int{Min: 50}},
		{Key: "usagePlan", Is: schema.OneOf{plan, schema.List{Of: schema.Object{What: "a named usage plan", Rest: plan, Max: 1}}}},
		{Key: "websocketApiId", Is: refuse("WebSocket API", "http")},
	}}
}

func httpAPI() schema.Schema {
	values := schema.OneOf{value(), schema.List{Of: value()}}
	authorizer := schema.Object{What: "an authorizer", Fields: []schema.Field{
		{Key: "type", Is: schema.Enum{"jwt", "request"}},
		{Key: "name", Is: schema.String{}},
		{Key: "identitySource", Is: values},
		{Key: "issuerUrl", Is: value()},
		{Key: "audience", Is: values},
		{Key: "functionName", Is: schema.String{}},
		{Key: "functionArn", Is: value()},
		{Key: "managedExternally", Is: schema.Bool{}},
		{Key: "resultTtlInSeconds", Is: schema.Int{Max: 3600}},
		{Key: "enableSimpleResponses", Is: schema.Bool{}},
		{Key: "payloadVersion", Is: schema.Enum{"1.0", "2.0"}},
	}}
	cors := schema.Object{What: "cors", Fields: []schema.Field{
		{Key: "allowCredentials", Is: schema.Bool{}}, {Key: "allowedHeaders", Is: texts()},
		{Key: "allowedMethods", Is: texts()}, {Key: "allowedOrigins", Is: texts()},
		{Key: "exposedResponseHeaders", Is: texts()}, {Key: "maxAge", Is: schema.Int{}},
	}}
	return schema.Object{What: "httpApi", Fields: []schema.Field{
		{Key: "authorizers", Is: schema.Map{Of: authorizer}},
		{Key: "cors", Is: schema.OneOf{schema.Bool{}, cors}},
		{Key: "id", Is: schema.OneOf{schema.String{}, schema.Intrinsic{"Fn::ImportValue"}}},
		{Key: "name", Is: schema.String{}},
		{Key: "description", Is: schema.String{}},
		{Key: "payload", Is: schema.String{}},
		{Key: "metrics", Is: schema.Bool{}},
		{Key: "useProviderTags", Is: schema.Bool{}},
		{Key: "disableDefaultEndpoint", Is: schema.Bool{}},
		{Key: "shouldStartNameWithService", Is: schema.Bool{}},
	}}
}

// refuse names a feature of AWS that nube does not have.
func refuse(feature, instead string) schema.Schema {
	return schema.Refuse{Why: "nube has no " + feature, Hint: "use " + instead + " events instead"}
}

func noImages() schema.Schema {
	return schema.Refuse{
		Why:  "nube runs functions as processes, without container images",
		Hint: "give the function a handler: a Go package or an executable with runtime provided.al2023, or a Node or Python module",
	}
}
