package shape

import "github.com/nube-run/nube/internal/manifest/schema"

// methodAndPath is the short form of an HTTP event.
func methodAndPath() schema.Schema {
	return text(isMethodAndPath, "a method and a path that begins with a slash, like GET /users")
}

func httpEvent() schema.Schema {
	return schema.OneOf{methodAndPath(), schema.Object{What: "an http event", Required: []string{"path", "method"}, Fields: []schema.Field{
		{Key: "path", Is: text(noSpace, "a path without spaces")},
		{Key: "method", Is: text(isMethod, "one of GET, POST, PUT, PATCH, OPTIONS, HEAD, DELETE, ANY")},
		{Key: "async", Is: schema.Bool{}},
		{Key: "authorizer", Is: schema.OneOf{schema.String{}, authorizer()}},
		{Key: "connectionId", Is: value()},
		{Key: "connectionType", Is: schema.Fold{"vpc-link", "VPC_LINK"}},
		{Key: "cors", Is: schema.OneOf{schema.Bool{}, cors()}},
		{Key: "integration", Is: schema.Fold{
			"LAMBDA_PROXY", "LAMBDA-PROXY", "LAMBDA", "AWS", "AWS_PROXY", "AWS-PROXY", "HTTP", "HTTP_PROXY", "HTTP-PROXY", "MOCK",
		}},
		{Key: "operationId", Is: schema.String{}},
		{Key: "private", Is: schema.Bool{}},
		{Key: "request", Is: request()},
		{Key: "response", Is: response()},
		{Key: "timeoutInMillis", Is: schema.Int{Min: 50}},
	}}}
}

func authorizer() schema.Schema {
	return schema.Object{What: "an authorizer", Fields: []schema.Field{
		{Key: "arn", Is: arn()},
		{Key: "authorizerId", Is: value()},
		{Key: "claims", Is: texts()},
		{Key: "identitySource", Is: schema.String{}},
		{Key: "identityValidationExpression", Is: schema.String{}},
		{Key: "managedExternally", Is: schema.Bool{}},
		{Key: "name", Is: schema.String{}},
		{Key: "resultTtlInSeconds", Is: schema.Int{Max: 3600}},
		{Key: "scopes", Is: schema.List{Of: schema.OneOf{schema.String{}, function()}}},
		{Key: "type", Is: schema.Fold{"token", "cognito_user_pools", "request", "aws_iam", "custom"}},
	}}
}

func cors() schema.Schema {
	return schema.Object{What: "cors", Fields: []schema.Field{
		{Key: "allowCredentials", Is: schema.Bool{}},
		{Key: "cacheControl", Is: schema.String{}},
		{Key: "headers", Is: texts()},
		{Key: "maxAge", Is: schema.Int{Min: 1}},
		{Key: "methods", Is: schema.List{Of: schema.Enum(methods())}},
		{Key: "origin", Is: schema.String{}},
		{Key: "origins", Is: texts()},
	}}
}

func contentHandling() schema.Schema {
	return schema.Enum{"CONVERT_TO_BINARY", "CONVERT_TO_TEXT"}
}

func request() schema.Schema {
	parameters := schema.Map{Of: schema.OneOf{schema.Bool{}, schema.Object{What: "a parameter", Fields: []schema.Field{
		{Key: "required", Is: schema.Bool{}}, {Key: "mappedValue", Is: value()},
	}}}}
	return schema.Object{What: "the request of an http event", Fields: []schema.Field{
		{Key: "contentHandling", Is: contentHandling()},
		{Key: "method", Is: text(isMethod, "a method")},
		{Key: "parameters", Is: schema.Object{What: "request parameters", Fields: []schema.Field{
			{Key: "querystrings", Is: parameters}, {Key: "headers", Is: parameters}, {Key: "paths", Is: parameters},
		}}},
		{Key: "passThrough", Is: schema.Enum{"NEVER", "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES"}},
		{Key: "schemas", Is: schema.Map{Of: schema.OneOf{schema.Map{Of: schema.Any{}}, schema.String{}}}},
		{Key: "template", Is: schema.Map{Of: schema.String{}}},
		{Key: "uri", Is: value()},
	}}
}

func response() schema.Schema {
	headers := schema.Map{Of: schema.String{}}
	status := schema.Object{What: "a status code", Fields: []schema.Field{
		{Key: "headers", Is: headers},
		{Key: "pattern", Is: schema.String{}},
		{Key: "template", Is: schema.OneOf{schema.String{}, schema.Map{Of: schema.String{}}}},
	}}
	return schema.Object{What: "the response of an http event", Fields: []schema.Field{
		{Key: "contentHandling", Is: contentHandling()},
		{Key: "headers", Is: headers},
		{Key: "template", Is: schema.String{}},
		{Key: "transferMode", Is: schema.Fold{"BUFFERED", "STREAM"}},
		{Key: "statusCodes", Is: schema.Map{Of: status, Key: isStatus, Form: "three digits"}},
	}}
}

func isStatus(s string) bool {
	return len(s) == 3 && only(func(c byte) bool { return c >= '0' && c <= '9' })(s)
}

func httpAPIEvent() schema.Schema {
	auth := schema.Object{What: "an authorizer", AnyOf: []string{"id", "name", "type"}, Fields: []schema.Field{
		{Key: "id", Is: schema.OneOf{schema.String{}, function()}},
		{Key: "name", Is: schema.String{}},
		{Key: "scopes", Is: texts()},
		{Key: "type", Is: schema.Enum{"request", "jwt", "aws_iam"}},
	}}
	short := text(func(s string) bool { return s == "*" || isMethodAndPath(s) }, "a method and a path that begins with a slash, like GET /users, or *")
	return schema.OneOf{short, schema.Object{What: "an httpApi event", Required: []string{"path"}, Fields: []schema.Field{
		{Key: "path", Is: text(func(s string) bool { return s == "*" || len(s) > 0 && s[0] == '/' && noSpace(s) }, "a path that begins with a slash, or *")},
		{Key: "method", Is: text(isMethod, "one of GET, POST, PUT, PATCH, OPTIONS, HEAD, DELETE, ANY")},
		{Key: "authorizer", Is: schema.OneOf{schema.String{}, auth}},
	}}}
}
