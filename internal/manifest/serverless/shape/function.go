package shape

import "github.com/nube-run/nube/internal/manifest/schema"

// functions is the shape of the functions section.
func functions() schema.Schema {
	return schema.Map{Of: functionShape(), Key: only(plus(isAlphanumeric, "-_")), Form: "letters, digits, dashes and underscores"}
}

func functionShape() schema.Schema {
	return schema.Object{What: "a function", Fields: []schema.Field{
		{Key: "handler", Is: schema.String{}},
		{Key: "runtime", Is: schema.String{Min: 1}},
		{Key: "name", Is: text(only(plus(isAlphanumeric, "-_")), "a name of letters, digits, dashes and underscores")},
		{Key: "description", Is: schema.String{Max: 256}},
		{Key: "memorySize", Is: memory()},
		{Key: "timeout", Is: timeout()},
		{Key: "environment", Is: environment()},
		{Key: "events", Is: schema.List{Of: schema.Tagged{What: "an event", Of: eventTypes()}}},
		{Key: "architecture", Is: architecture()},
		{Key: "condition", Is: schema.String{}},
		{Key: "dependsOn", Is: texts()},
		{Key: "destinations", Is: destinations()},
		{Key: "disableLogs", Is: schema.Bool{}},
		{Key: "ephemeralStorageSize", Is: schema.Int{Min: 512, Max: 10240}},
		{Key: "fileSystemConfig", Is: schema.Object{What: "fileSystemConfig", Required: []string{"arn", "localMountPath"}, Fields: []schema.Field{
			{Key: "arn", Is: arn()}, {Key: "localMountPath", Is: text(isMountPath, "a path below /mnt")},
		}}},
		{Key: "httpApi", Is: schema.Object{What: "httpApi of a function", Fields: []schema.Field{{Key: "payload", Is: schema.Enum{"1.0", "2.0"}}}}},
		{Key: "kmsKeyArn", Is: kmsKey()},
		{Key: "layers", Is: layers()},
		{Key: "logRetentionInDays", Is: retention()},
		{Key: "logDataProtectionPolicy", Is: dataProtection()},
		{Key: "logs", Is: lambdaLogs()},
		{Key: "maximumEventAge", Is: schema.Int{Min: 60, Max: 21600}},
		{Key: "maximumRetryAttempts", Is: schema.Int{Max: 2}},
		{Key: "onError", Is: schema.OneOf{text(isARN, "the ARN of a topic"), function()}},
		{Key: "package", Is: schema.Object{What: "the package of a function", Fields: []schema.Field{
			{Key: "artifact", Is: schema.String{}}, {Key: "individually", Is: schema.Bool{}}, {Key: "patterns", Is: texts()},
		}}},
		{Key: "provisionedConcurrency", Is: dynamic(schema.Int{})},
		{Key: "recursiveLoop", Is: schema.Enum{"Allow", "Terminate"}},
		{Key: "reservedConcurrency", Is: dynamic(schema.Int{})},
		{Key: "role", Is: role()},
		{Key: "runtimeManagement", Is: runtimeManagement()},
		{Key: "snapStart", Is: schema.Bool{}},
		{Key: "tags", Is: tags()},
		{Key: "tracing", Is: tracing()},
		{Key: "url", Is: url()},
		{Key: "versionFunction", Is: schema.Bool{}},
		{Key: "vpc", Is: schema.OneOf{vpc(), schema.Const{Value: false}}},

		{Key: "image", Is: noImages()},
		{Key: "durableConfig", Is: schema.Refuse{Why: "nube has no durable functions", Hint: "use a state machine"}},
	}}
}

func isMountPath(s string) bool {
	return len(s) > 5 && s[:5] == "/mnt/" && only(plus(isAlphanumeric, "-_."))(s[5:])
}

func destinations() schema.Schema {
	target := schema.OneOf{
		schema.String{Min: 1},
		schema.Object{What: "a destination", Required: []string{"arn", "type"}, Fields: []schema.Field{
			{Key: "arn", Is: function()}, {Key: "type", Is: schema.Enum{"function", "sns", "sqs", "eventBus"}},
		}},
	}
	return schema.Object{What: "destinations", Fields: []schema.Field{
		{Key: "onSuccess", Is: target}, {Key: "onFailure", Is: target},
	}}
}

func url() schema.Schema {
	list := func(limit int) schema.Schema { return schema.List{Of: schema.String{}, Min: 1, Max: limit} }
	cors := schema.Object{What: "cors of a function URL", Fields: []schema.Field{
		{Key: "allowCredentials", Is: schema.Bool{}},
		{Key: "allowedHeaders", Is: list(100)}, {Key: "allowedMethods", Is: list(6)}, {Key: "allowedOrigins", Is: list(100)},
		{Key: "exposedResponseHeaders", Is: list(100)}, {Key: "maxAge", Is: schema.Int{}},
	}}
	return schema.OneOf{schema.Bool{}, schema.Object{What: "url", Fields: []schema.Field{
		{Key: "authorizer", Is: schema.Enum{"aws_iam"}},
		{Key: "cors", Is: schema.OneOf{schema.Bool{}, cors}},
		{Key: "invokeMode", Is: schema.Enum{"BUFFERED", "RESPONSE_STREAM"}},
	}}}
}
