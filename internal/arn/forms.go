package arn

import "strings"

// A Scope is where a resource lives. Its methods build the names of the
// resource types that the platform offers, in the forms that AWS's Service
// Authorization Reference gives.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/
type Scope struct {
	Partition string // "aws" when empty
	Region    string
	Account   string
}

// In returns the scope of an account in a region, in the partition to which
// the region belongs.
func In(region, account string) Scope {
	return Scope{Partition: PartitionOf(region), Region: region, Account: account}
}

// Scope returns where the resource lives.
func (a ARN) Scope() Scope {
	p := a.Parts()
	return Scope{Partition: p.Partition, Region: p.Region, Account: p.Account}
}

// PartitionOf returns the partition to which a region belongs.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}

func (s Scope) partition() string {
	if s.Partition == "" {
		return "aws"
	}
	return s.Partition
}

// Of names a resource of a regional service.
func (s Scope) Of(service, resource string) ARN {
	return New(s.partition(), service, s.Region, s.Account, resource)
}

// global names a resource of a service that has no regions.
func (s Scope) global(service, resource string) ARN {
	return New(s.partition(), service, "", s.Account, resource)
}

// Identities. A path begins and ends with a slash; the empty path is "/".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html

// Root is the account itself: the root user, and in a policy's Principal
// everyone whom the account lets.
func (s Scope) Root() ARN { return s.global("iam", "root") }

// User is an IAM user.
func (s Scope) User(path, name string) ARN { return s.global("iam", "user"+slashed(path)+name) }

// Group is a group of IAM users.
func (s Scope) Group(path, name string) ARN { return s.global("iam", "group"+slashed(path)+name) }

// Role is an IAM role.
func (s Scope) Role(path, name string) ARN { return s.global("iam", "role"+slashed(path)+name) }

// Policy is a customer managed policy.
func (s Scope) Policy(path, name string) ARN { return s.global("iam", "policy"+slashed(path)+name) }

// InstanceProfile is a container for a role.
func (s Scope) InstanceProfile(path, name string) ARN {
	return s.global("iam", "instance-profile"+slashed(path)+name)
}

// AWSPolicy is one of AWS's own managed policies.
func (s Scope) AWSPolicy(path, name string) ARN {
	return New(s.partition(), "iam", "", "aws", "policy"+slashed(path)+name)
}

// AssumedRole is a session of a role. The role's path is not part of it.
func (s Scope) AssumedRole(role, session string) ARN {
	return s.global("sts", "assumed-role/"+role+"/"+session)
}

// FederatedUser is a session that GetFederationToken made.
func (s Scope) FederatedUser(name string) ARN { return s.global("sts", "federated-user/"+name) }

func slashed(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// Compute and interfaces.

// Function is a Lambda function, unqualified.
func (s Scope) Function(name string) ARN { return s.Of("lambda", "function:"+name) }

// FunctionVersion is a version or alias of a Lambda function; with an empty
// qualifier it is the function.
func (s Scope) FunctionVersion(name, qualifier string) ARN {
	if qualifier == "" {
		return s.Function(name)
	}
	return s.Of("lambda", "function:"+name+":"+qualifier)
}

// Layer is a Lambda layer.
func (s Scope) Layer(name string) ARN { return s.Of("lambda", "layer:"+name) }

// LayerVersion is a version of a Lambda layer.
func (s Scope) LayerVersion(name, version string) ARN {
	return s.Of("lambda", "layer:"+name+":"+version)
}

// EventSourceMapping is a Lambda event source mapping.
func (s Scope) EventSourceMapping(id string) ARN {
	return s.Of("lambda", "event-source-mapping:"+id)
}

// RestAPI is a REST API of API Gateway, as its control plane names it: without
// an account. HTTP and WebSocket APIs are [Scope.HTTPAPI].
func (s Scope) RestAPI(id string) ARN {
	return New(s.partition(), "apigateway", s.Region, "", "/restapis/"+id)
}

// HTTPAPI is an HTTP or WebSocket API of API Gateway.
func (s Scope) HTTPAPI(id string) ARN {
	return New(s.partition(), "apigateway", s.Region, "", "/apis/"+id)
}

// Execute is a method of a deployed API, as policies and the SourceArn of an
// invocation name it. The path begins with a slash or is empty.
func (s Scope) Execute(api, stage, method, path string) ARN {
	return s.Of("execute-api", api+"/"+stage+"/"+method+"/"+strings.TrimPrefix(path, "/"))
}

// StateMachine is a Step Functions state machine.
func (s Scope) StateMachine(name string) ARN { return s.Of("states", "stateMachine:"+name) }

// Execution is an execution of a standard state machine.
func (s Scope) Execution(machine, name string) ARN {
	return s.Of("states", "execution:"+machine+":"+name)
}

// Stack is a CloudFormation stack.
func (s Scope) Stack(name, id string) ARN { return s.Of("cloudformation", "stack/"+name+"/"+id) }

// Data and messages.

// Table is a DynamoDB table.
func (s Scope) Table(name string) ARN { return s.Of("dynamodb", "table/"+name) }

// Index is a secondary index of a DynamoDB table.
func (s Scope) Index(table, name string) ARN {
	return s.Of("dynamodb", "table/"+table+"/index/"+name)
}

// TableStream is the stream of a DynamoDB table; the label is the time at
// which it was enabled.
func (s Scope) TableStream(table, label string) ARN {
	return s.Of("dynamodb", "table/"+table+"/stream/"+label)
}

// Bucket is an S3 bucket. Its name is global, so it has neither region nor
// account.
func (s Scope) Bucket(name string) ARN { return New(s.partition(), "s3", "", "", name) }

// Object is an S3 object.
func (s Scope) Object(bucket, key string) ARN {
	return New(s.partition(), "s3", "", "", bucket+"/"+key)
}

// Queue is an SQS queue.
func (s Scope) Queue(name string) ARN { return s.Of("sqs", name) }

// Topic is an SNS topic.
func (s Scope) Topic(name string) ARN { return s.Of("sns", name) }

// Subscription is a subscription to an SNS topic.
func (s Scope) Subscription(topic, id string) ARN { return s.Of("sns", topic+":"+id) }

// EventBus is an EventBridge event bus.
func (s Scope) EventBus(name string) ARN { return s.Of("events", "event-bus/"+name) }

// Rule is an EventBridge rule. A rule of the default bus does not name it.
func (s Scope) Rule(bus, name string) ARN {
	if bus == "" || bus == "default" {
		return s.Of("events", "rule/"+name)
	}
	return s.Of("events", "rule/"+bus+"/"+name)
}

// Schedule is a schedule of EventBridge Scheduler.
func (s Scope) Schedule(group, name string) ARN {
	return s.Of("scheduler", "schedule/"+group+"/"+name)
}

// ScheduleGroup is a group of schedules.
func (s Scope) ScheduleGroup(name string) ARN { return s.Of("scheduler", "schedule-group/"+name) }

// Operations.

// LogGroup is a CloudWatch log group, without the ":*" that some of its APIs
// add.
func (s Scope) LogGroup(name string) ARN { return s.Of("logs", "log-group:"+name) }

// LogStream is a stream of a log group.
func (s Scope) LogStream(group, name string) ARN {
	return s.Of("logs", "log-group:"+group+":log-stream:"+name)
}

// Alarm is a CloudWatch alarm.
func (s Scope) Alarm(name string) ARN { return s.Of("cloudwatch", "alarm:"+name) }

// Parameter is a parameter of Systems Manager. The slash that begins a
// hierarchical name is written once.
func (s Scope) Parameter(name string) ARN {
	return s.Of("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

// Secret is a secret of Secrets Manager; the suffix is its six random
// characters.
func (s Scope) Secret(name, suffix string) ARN {
	return s.Of("secretsmanager", "secret:"+name+"-"+suffix)
}

// Key is a KMS key.
func (s Scope) Key(id string) ARN { return s.Of("kms", "key/"+id) }

// KeyAlias is an alias of a KMS key; the name begins with "alias/".
func (s Scope) KeyAlias(name string) ARN { return s.Of("kms", name) }

// Identity is a sender of SES, an address or a domain.
func (s Scope) Identity(name string) ARN { return s.Of("ses", "identity/"+name) }
