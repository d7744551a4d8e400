package shape

import "github.com/nube-run/nube/internal/manifest/schema"

// eventTypes are the event types with their shapes. What nube cannot trigger a function with is refused by name.
func eventTypes() []schema.Field {
	return []schema.Field{
		{Key: "http", Is: httpEvent()},
		{Key: "httpApi", Is: httpAPIEvent()},
		{Key: "schedule", Is: scheduleEvent()},
		{Key: "sqs", Is: sqsEvent()},
		{Key: "stream", Is: streamEvent()},
		{Key: "sns", Is: snsEvent()},
		{Key: "s3", Is: s3Event()},
		{Key: "eventBridge", Is: eventBridgeEvent()},
		{Key: "cloudwatchEvent", Is: cloudwatchEvent()},
		{Key: "cloudwatchLog", Is: schema.OneOf{
			text(isLogGroup, "the name of a log group"),
			schema.Object{What: "a cloudwatchLog event", Required: []string{"logGroup"}, Fields: []schema.Field{
				{Key: "logGroup", Is: text(isLogGroup, "the name of a log group")}, {Key: "filter", Is: schema.String{}},
			}},
		}},
		{Key: "activemq", Is: refuse("Amazon MQ", "sqs")},
		{Key: "alb", Is: refuse("load balancer", "http")},
		{Key: "alexaSkill", Is: refuse("Alexa", "http")},
		{Key: "alexaSmartHome", Is: refuse("Alexa", "http")},
		{Key: "cloudFront", Is: refuse("CloudFront", "http")},
		{Key: "cognitoUserPool", Is: refuse("Cognito triggers", "http authorizers and eventBridge")},
		{Key: "iot", Is: refuse("IoT", "eventBridge or sqs")},
		{Key: "iotFleetProvisioning", Is: refuse("IoT", "eventBridge or sqs")},
		{Key: "kafka", Is: refuse("Kafka", "stream or sqs")},
		{Key: "msk", Is: refuse("Kafka", "stream or sqs")},
		{Key: "rabbitmq", Is: refuse("Amazon MQ", "sqs")},
		{Key: "websocket", Is: refuse("WebSocket API", "http")},
	}
}

func batchFailures() schema.Schema { return schema.Enum{"ReportBatchItemFailures"} }

func filterPatterns() schema.Schema {
	return schema.List{Of: schema.Map{Of: schema.Any{}}, Min: 1, Max: 10}
}

func sqsEvent() schema.Schema {
	return schema.OneOf{arnText(), schema.Object{What: "an sqs event", Required: []string{"arn"}, Fields: []schema.Field{
		{Key: "arn", Is: arn()},
		{Key: "batchSize", Is: schema.Int{Min: 1, Max: 10000}},
		{Key: "enabled", Is: schema.Bool{}},
		{Key: "maximumBatchingWindow", Is: schema.Int{Max: 300}},
		{Key: "functionResponseType", Is: batchFailures()},
		{Key: "filterPatterns", Is: filterPatterns()},
		{Key: "maximumConcurrency", Is: schema.Int{Min: 2, Max: 1000}},
	}}}
}

func streamEvent() schema.Schema {
	return schema.OneOf{arnText(), schema.Object{What: "a stream event", Required: []string{"arn"}, Fields: []schema.Field{
		{Key: "arn", Is: arn()},
		{Key: "type", Is: schema.Enum{"dynamodb", "kinesis"}},
		{Key: "batchSize", Is: schema.Int{Min: 1, Max: 10000}},
		{Key: "parallelizationFactor", Is: schema.Int{Min: 1, Max: 10}},
		{Key: "startingPosition", Is: schema.Enum{"LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"}},
		{Key: "startingPositionTimestamp", Is: schema.Number{}},
		{Key: "enabled", Is: schema.Bool{}},
		{Key: "consumer", Is: schema.OneOf{schema.Const{Value: true}, arn()}},
		{Key: "batchWindow", Is: schema.Int{Max: 300}},
		{Key: "maximumRetryAttempts", Is: schema.Int{Min: -1, Max: 10000}},
		{Key: "bisectBatchOnFunctionError", Is: schema.Bool{}},
		{Key: "maximumRecordAgeInSeconds", Is: schema.OneOf{schema.Const{Value: -1}, schema.Int{Min: 60, Max: 604800}}},
		{Key: "functionResponseType", Is: batchFailures()},
		{Key: "destinations", Is: schema.Object{What: "destinations of a stream", Required: []string{"onFailure"}, Fields: []schema.Field{
			{Key: "onFailure", Is: schema.OneOf{arnText(), schema.Object{What: "a destination", Required: []string{"arn"}, Fields: []schema.Field{
				{Key: "arn", Is: arn()}, {Key: "type", Is: schema.Enum{"sns", "sqs"}},
			}}}},
		}}},
		{Key: "tumblingWindowInSeconds", Is: schema.Int{Max: 900}},
		{Key: "filterPatterns", Is: filterPatterns()},
	}}}
}

func snsEvent() schema.Schema {
	name := text(only(plus(isAlphanumeric, "-_")), "the name of a topic")
	return schema.OneOf{name, arnText(), schema.Object{What: "an sns event", AnyOf: []string{"arn", "topicName"}, Fields: []schema.Field{
		{Key: "arn", Is: arn()},
		{Key: "topicName", Is: name},
		{Key: "displayName", Is: schema.String{Min: 1}},
		{Key: "filterPolicy", Is: schema.Map{Of: schema.Any{}}},
		{Key: "filterPolicyScope", Is: schema.String{}},
		{Key: "redrivePolicy", Is: schema.Object{
			What: "redrivePolicy", OneEach: [][]string{{"deadLetterTargetArn", "deadLetterTargetRef", "deadLetterTargetImport"}},
			Fields: []schema.Field{
				{Key: "deadLetterTargetArn", Is: arnText()},
				{Key: "deadLetterTargetRef", Is: schema.String{Min: 1}},
				{Key: "deadLetterTargetImport", Is: schema.Object{What: "deadLetterTargetImport", Required: []string{"arn", "url"}, Fields: []schema.Field{
					{Key: "arn", Is: schema.String{Min: 1}}, {Key: "url", Is: schema.String{Min: 1}},
				}}},
			},
		}},
	}}}
}

func s3Event() schema.Schema {
	part := schema.OneOf{schema.String{}, function()}
	return schema.OneOf{schema.String{}, schema.Object{What: "an s3 event", Required: []string{"bucket"}, Fields: []schema.Field{
		{Key: "bucket", Is: schema.OneOf{schema.String{}, anyFunction()}},
		{Key: "event", Is: text(func(s string) bool { return len(s) > 3 && s[:3] == "s3:" }, "an event like s3:ObjectCreated:*")},
		{Key: "existing", Is: schema.Bool{}},
		{Key: "forceDeploy", Is: schema.Bool{}},
		{Key: "rules", Is: schema.List{Of: schema.Object{What: "a rule", Max: 1, Fields: []schema.Field{
			{Key: "prefix", Is: part}, {Key: "suffix", Is: part},
		}}}},
	}}}
}

func scheduleEvent() schema.Schema {
	expression := text(IsSchedule, "rate(5 minutes) or cron(0 12 * * ? *)")
	return schema.OneOf{expression, schema.Object{What: "a schedule event", Required: []string{"rate"}, Fields: []schema.Field{
		{Key: "rate", Is: schema.List{Of: schema.OneOf{function(), expression}, Min: 1}},
		{Key: "enabled", Is: schema.Bool{}},
		{Key: "name", Is: schema.String{Min: 1, Max: 64}},
		{Key: "description", Is: schema.String{Max: 512}},
		{Key: "input", Is: schema.OneOf{schema.String{Max: 8192}, schema.Map{Of: schema.Any{}}}},
		{Key: "inputPath", Is: schema.String{Max: 256}},
		{Key: "inputTransformer", Is: inputTransformer()},
		{Key: "method", Is: schema.Enum{"eventBus", "scheduler"}},
		{Key: "roleArn", Is: schema.OneOf{schema.String{}, function()}},
		{Key: "groupName", Is: schema.OneOf{schema.String{Min: 1, Max: 64}, function()}},
		{Key: "timezone", Is: schema.String{Min: 1}},
	}}}
}

func inputTransformer() schema.Schema {
	return schema.Object{What: "inputTransformer", Required: []string{"inputTemplate"}, Fields: []schema.Field{
		{Key: "inputTemplate", Is: schema.String{Min: 1, Max: 8192}}, {Key: "inputPathsMap", Is: schema.Map{Of: schema.Any{}}},
	}}
}

func cloudwatchEvent() schema.Schema {
	return schema.Object{What: "a cloudwatchEvent event", Fields: []schema.Field{
		{Key: "event", Is: schema.Map{Of: schema.Any{}}},
		{Key: "input", Is: schema.OneOf{schema.String{Max: 8192}, schema.Map{Of: schema.Any{}}}},
		{Key: "inputPath", Is: schema.String{Min: 1, Max: 256}},
		{Key: "inputTransformer", Is: inputTransformer()},
		{Key: "description", Is: schema.String{Max: 512}},
		{Key: "name", Is: schema.String{Min: 1, Max: 64}},
		{Key: "enabled", Is: schema.Bool{}},
	}}
}

func eventBridgeEvent() schema.Schema {
	pattern := schema.Object{What: "an event pattern", Fields: []schema.Field{
		{Key: "version", Is: schema.Any{}}, {Key: "id", Is: schema.Any{}}, {Key: "detail-type", Is: schema.Any{}},
		{Key: "source", Is: schema.Any{}}, {Key: "account", Is: schema.Any{}}, {Key: "time", Is: schema.Any{}},
		{Key: "region", Is: schema.Any{}}, {Key: "resources", Is: schema.Any{}}, {Key: "detail", Is: schema.Any{}},
		{Key: "$or", Is: schema.List{Of: schema.Any{}}},
	}}
	return schema.Object{What: "an eventBridge event", AnyOf: []string{"pattern", "schedule"}, Fields: []schema.Field{
		{Key: "eventBus", Is: schema.OneOf{schema.String{Min: 1}, schema.Intrinsic{"Fn::ImportValue", "Ref", "Fn::GetAtt"}}},
		{Key: "schedule", Is: text(isRateOrCron, "rate(5 minutes) or cron(0 12 * * ? *)")},
		{Key: "name", Is: schema.String{Min: 1, Max: 64}},
		{Key: "description", Is: schema.String{Max: 512}},
		{Key: "enabled", Is: schema.Bool{}},
		{Key: "pattern", Is: pattern},
		{Key: "input", Is: schema.Map{Of: schema.Any{}}},
		{Key: "inputPath", Is: schema.String{Min: 1, Max: 256}},
		{Key: "inputTransformer", Is: inputTransformer()},
		{Key: "retryPolicy", Is: schema.Object{What: "retryPolicy", Fields: []schema.Field{
			{Key: "maximumEventAge", Is: schema.Int{Min: 60, Max: 86400}}, {Key: "maximumRetryAttempts", Is: schema.Int{Max: 185}},
		}}},
		{Key: "deadLetterQueueArn", Is: arn()},
	}}
}

func isRateOrCron(s string) bool {
	return len(s) > 6 && (s[:5] == "rate(" || s[:5] == "cron(") && s[len(s)-1] == ')'
}
