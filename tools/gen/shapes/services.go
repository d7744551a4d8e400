package main

// service is one generated package.
type service struct {
	pkg      string // nube's and IAM's name
	dir      string // under models/apis
	errorPkg string // what __type carries before the '#'
	also     []string
	name     string // where another service has the name that the model gives
	// custom replaces shapes by Go types of ours; the value is an import path
	// and a type name separated by the last dot.
	custom map[string]string
	// open names strings whose values the model lists and AWS has added to
	// since: the service says which it takes.
	open []string
}

func services() []service {
	const attr = "github.com/nube-run/nube/internal/expr/attr"
	return []service{
		{pkg: "dynamodb", dir: "dynamodb/2012-08-10", errorPkg: "com.amazonaws.dynamodb.v20120810", custom: map[string]string{
			"AttributeValue":                attr + ".Value",
			"AttributeMap":                  attr + ".Item",
			"ExpressionAttributeValueMap":   attr + ".Item",
			"ItemCollectionKeyAttributeMap": attr + ".Item",
			"Key":                           attr + ".Item",
			"PutItemInputAttributeMap":      attr + ".Item",
		}},
		{pkg: "dynamodbstreams", dir: "streams.dynamodb/2012-08-10", errorPkg: "com.amazonaws.dynamodb.v20120810", custom: map[string]string{
			"AttributeValue": attr + ".Value",
			"AttributeMap":   attr + ".Item",
		}},
		{pkg: "lambda", dir: "lambda/2015-03-31", open: []string{"Runtime"}},
		{pkg: "apigateway", dir: "apigateway/2015-07-09"},
		{pkg: "apigatewayv2", dir: "apigatewayv2/2018-11-29"},
		{pkg: "logs", dir: "logs/2014-03-28"},
		{pkg: "sts", dir: "sts/2011-06-15"},
		{pkg: "ses", dir: "email/2010-12-01"},
		{pkg: "sesv2", dir: "sesv2/2019-09-27", name: "Amazon Simple Email Service V2"},
		{pkg: "iam", dir: "iam/2010-05-08"},
		{pkg: "sns", dir: "sns/2010-03-31"},
		{pkg: "events", dir: "eventbridge/2015-10-07"},
		{pkg: "scheduler", dir: "scheduler/2021-06-30"},
		{pkg: "sqs", dir: "sqs/2012-11-05", errorPkg: "com.amazonaws.sqs", also: []string{"schema.QueryXML"}, open: []string{
			"QueueAttributeName", "MessageSystemAttributeName", "MessageSystemAttributeNameForSends",
		}},
		{pkg: "cloudwatch", dir: "monitoring/2010-08-01", errorPkg: "com.amazonaws.cloudwatch", also: []string{"schema.RPCv2CBOR", "schema.QueryXML"}},
		{pkg: "cloudformation", dir: "cloudformation/2010-05-15"},
		{pkg: "kms", dir: "kms/2014-11-01", open: []string{"KeySpec", "DataKeyPairSpec", "SigningAlgorithmSpec"}},
		{pkg: "ssm", dir: "ssm/2014-11-06"},
		{pkg: "secretsmanager", dir: "secretsmanager/2017-10-17"},
	}
}
