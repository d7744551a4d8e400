package shape

import "github.com/nube-run/nube/internal/manifest/schema"

// function is a CloudFormation function that yields a text.
func function() schema.Schema {
	return schema.Intrinsic{"Fn::ImportValue", "Fn::Join", "Fn::GetAtt", "Ref", "Fn::Sub", "Fn::Base64", "Fn::ToJsonString", "Fn::Select",
		"Fn::FindInMap", "Fn::GetStackOutput"}
}

// anyFunction is any CloudFormation function.
func anyFunction() schema.Schema { return schema.Intrinsic{} }

// value is a text or a function that yields one.
func value() schema.Schema { return schema.OneOf{schema.String{Min: 1}, function()} }

func arn() schema.Schema { return schema.OneOf{arnText(), function()} }

func arnText() schema.Schema { return text(isARN, "an ARN") }

// dynamic is a number, or a function that yields one.
func dynamic(s schema.Schema) schema.Schema { return schema.OneOf{s, anyFunction()} }

func texts() schema.Schema { return schema.List{Of: schema.String{}} }

func tags() schema.Schema {
	return schema.Map{Of: schema.String{Max: 256}, Key: isTagKey, Form: "at most 128 letters, digits, spaces and _./=+:-, and not begin with aws:"}
}

func environment() schema.Schema {
	return schema.Map{
		Of:   schema.OneOf{schema.String{}, anyFunction()},
		Key:  isVariableName,
		Form: "letters, digits and underscores, and not begin with a digit",
	}
}

func role() schema.Schema {
	return schema.OneOf{schema.String{Min: 1}, schema.Intrinsic{"Fn::Sub", "Fn::ImportValue", "Fn::GetAtt"}}
}

func kmsKey() schema.Schema { return schema.OneOf{function(), text(isARN, "the ARN of a key")} }

func layers() schema.Schema { return schema.List{Of: arn()} }

func memory() schema.Schema { return schema.Int{Min: 128, Max: 10240} }

func timeout() schema.Schema { return schema.Int{Min: 1, Max: 900} }

func architecture() schema.Schema { return schema.Enum{"arm64", "x86_64"} }

func tracing() schema.Schema {
	return schema.OneOf{schema.Enum{"Active", "PassThrough"}, schema.Bool{}}
}

// retention lists what CloudWatch Logs accepts,
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
func retention() schema.Schema {
	return schema.Numbers{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653}
}

func dataProtection() schema.Schema {
	return schema.Object{What: "a data protection policy", Required: []string{"Name", "Version", "Statement"}, Fields: []schema.Field{
		{Key: "Name", Is: schema.String{}}, {Key: "Description", Is: schema.String{}}, {Key: "Version", Is: schema.String{}},
		{Key: "Statement", Is: schema.List{Of: schema.Any{}}},
	}}
}

func vpc() schema.Schema {
	ids := func(limit int) schema.Schema {
		return schema.OneOf{
			schema.List{Of: schema.OneOf{schema.String{Min: 1}, anyFunction()}, Max: limit},
			schema.Intrinsic{"Fn::Split", "Fn::FindInMap", "Ref"},
		}
	}
	return schema.Object{What: "a vpc configuration", Required: []string{"securityGroupIds", "subnetIds"}, Fields: []schema.Field{
		{Key: "ipv6AllowedForDualStack", Is: schema.Bool{}},
		{Key: "securityGroupIds", Is: ids(5)},
		{Key: "subnetIds", Is: ids(16)},
	}}
}

func runtimeManagement() schema.Schema {
	return schema.OneOf{
		schema.Enum{"auto", "onFunctionUpdate"},
		schema.Object{What: "runtimeManagement", Fields: []schema.Field{
			{Key: "mode", Is: schema.Enum{"auto", "onFunctionUpdate", "manual"}}, {Key: "arn", Is: arn()},
		}},
	}
}

// lambdaLogs is the logging configuration of functions.
func lambdaLogs() schema.Schema {
	return schema.Object{What: "the logging configuration of a function", Fields: []schema.Field{
		{Key: "applicationLogLevel", Is: schema.Enum{"DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN"}},
		{Key: "logFormat", Is: schema.Enum{"JSON", "Text"}},
		{Key: "logGroup", Is: text(isLogGroup, "the name of a log group")},
		{Key: "systemLogLevel", Is: schema.Enum{"DEBUG", "INFO", "WARN"}},
	}}
}

// statements is a list of statements of an identity policy or, with a principal, of a resource policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func statements(resource schema.Schema) schema.Schema {
	principal := schema.OneOf{schema.Const{Value: "*"}, schema.Object{What: "a principal", Fields: []schema.Field{
		{Key: "AWS", Is: schema.OneOf{
			schema.Const{Value: "*"}, schema.Intrinsic{"Fn::If"},
			schema.List{Of: schema.OneOf{text(isAccount, "an account"), arn()}},
		}},
		{Key: "Federated", Is: texts()}, {Key: "Service", Is: texts()}, {Key: "CanonicalUser", Is: texts()},
	}}}
	return schema.List{Of: schema.Object{
		What: "a policy statement", Required: []string{"Effect"}, Fields: []schema.Field{
			{Key: "Sid", Is: schema.String{}},
			{Key: "Effect", Is: schema.Enum{"Allow", "Deny"}},
			{Key: "Action", Is: texts()}, {Key: "NotAction", Is: texts()},
			{Key: "Principal", Is: principal}, {Key: "NotPrincipal", Is: principal},
			{Key: "Resource", Is: resource}, {Key: "NotResource", Is: resource},
			{Key: "Condition", Is: schema.Map{Of: schema.Any{}}},
		},
		OneEach: [][]string{{"Action", "NotAction"}, {"Resource", "NotResource"}},
	}}
}

func isAccount(s string) bool {
	return len(s) == 12 && only(func(c byte) bool { return c >= '0' && c <= '9' })(s)
}

// policyResource is what a statement of an identity policy is about.
func policyResource() schema.Schema {
	one := func() []schema.Schema {
		return []schema.Schema{
			schema.Const{Value: "*"}, arnText(), anyFunction(), text(isLogicalResource, "an ARN"),
		}
	}
	return schema.OneOf(append(one(), schema.List{Of: schema.OneOf(one())}))
}

// apiResource is what a statement of an API's resource policy is about.
func apiResource() schema.Schema {
	one := func() []schema.Schema {
		return []schema.Schema{
			schema.Const{Value: "*"}, arnText(), function(),
			text(func(s string) bool { return len(s) > 13 && s[:13] == "execute-api:/" }, "an ARN or execute-api:/..."),
		}
	}
	return schema.OneOf(append(one(), schema.List{Of: schema.OneOf(one())}))
}
