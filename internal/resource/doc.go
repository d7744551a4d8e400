// Package resource holds the CloudFormation resource types that nube offers,
// one file a type: how each is created, changed, deleted and read by calls of
// its service.
//
// A type reaches its service through [awsapi.Caller] and the generated shapes
// only, so its calls are authorised like everyone's. Properties become inputs
// by their names ([bind]); a type's file says what differs. What a property may
// be and whether it can be changed comes from AWS's schemas, package spec.
//
// It is not the engine: order, retries, rollback and events are package
// stack's.
//
// Invariants: a method of a provider may be called again at any time and then
// accepts what it finds done; a property that a type does not honour is in its
// Refused list, and a test holds every property of the schema to being one or
// the other; Ref and Fn::GetAtt return what AWS documents for the type.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
package resource

import (
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/resource/spec"
	"github.com/nube-run/nube/internal/stack"
)

// Types returns the types, acting through c.
func Types(c awsapi.Caller) stack.Types {
	b := base{c}
	types := []*stack.Type{
		{Provider: account{b}, Name: short},
		{Provider: apiKey{b}, Name: short},
		{Provider: apiAuthorizer{b}, Refused: []string{"AuthorizerCredentials"}},
		{Provider: basePathMapping{b}, Refused: []string{"Id"}},
		{Provider: deployment{b}, Refused: refusedOfDeployment(), Replaces: redeploys},
		{Provider: domainName{b}, Refused: refusedOfDomain()},
		{Provider: gatewayResponse{b}, Name: short},
		{Provider: method{b}, Name: short, Refused: []string{"Integration.ResponseTransferMode", "Integration.IntegrationTarget"}},
		{Provider: model{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}},
		{Provider: requestValidator{b}, Name: short},
		{Provider: apiResource{b}},
		{Provider: restAPI{b}, Refused: refusedOfRestAPI()},
		{Provider: stage{b}},
		{Provider: usagePlan{b}, Name: short},
		{Provider: usagePlanKey{b}},
		{Provider: httpAPI{b}, Refused: refusedOfHTTPAPI()},
		{Provider: apiMapping{b}},
		{Provider: httpAuthorizer{b}, Refused: []string{"IdentityValidationExpression"}},
		{Provider: httpDeployment{b}},
		{Provider: httpDomain{b}, Refused: refusedOfHTTPDomain()},
		{Provider: httpIntegration{b}, Refused: refusedOfIntegration()},
		{Provider: httpModel{b}},
		{Provider: httpRoute{b}, Refused: refusedOfRoute()},
		{Provider: httpStage{b}, Refused: []string{"AccessPolicyId", "ClientCertificateId"}},
		{Provider: waitHandle{}},
		{Provider: alarm{b}, NameProperty: "AlarmName", Name: stack.NameRule{Max: 255}, Refused: refusedOfAlarm()},
		{Provider: compositeAlarm{b}, NameProperty: "AlarmName", Name: stack.NameRule{Max: 255}},
		{Provider: dashboard{b}, NameProperty: "DashboardName", Name: stack.NameRule{Max: 255}, Refused: []string{"Tags"}},
		{Provider: table{b}, NameProperty: "TableName", Name: stack.NameRule{Max: 255}, Refused: refusedOfTable(), Ignored: ignoredOfTable(), Replaces: rebuildsTable},
		{Provider: apiDestination{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}},
		{Provider: eventArchive{b}, NameProperty: "ArchiveName", Name: stack.NameRule{Max: 48}, Refused: []string{"KmsKeyIdentifier"}},
		{Provider: connection{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}, Refused: refusedOfConnection()},
		{Provider: eventBus{b}, NameProperty: "Name", Name: stack.NameRule{Max: 256}, Refused: []string{"EventSourceName", "LogConfig"}},
		{Provider: eventBusPolicy{b}, Name: stack.NameRule{Max: 128}},
		{Provider: eventRule{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}, Refused: refusedOfRule()},
		{Provider: managedPolicy{b}, NameProperty: "ManagedPolicyName", Name: stack.NameRule{Max: 128}},
		{Provider: inlinePolicy{b}, Name: short},
		{Provider: role{b}, NameProperty: "RoleName", Name: stack.NameRule{Max: 64}},
		{Provider: user{b}, NameProperty: "UserName", Name: stack.NameRule{Max: 64}, Refused: []string{"LoginProfile"}},
		{Provider: keyAlias{b}, NameProperty: "AliasName", Name: stack.NameRule{Max: 256}},
		{Provider: encryptionKey{b}, Refused: []string{"MultiRegion"}},
		{Provider: alias{b}},
		{Provider: eventInvokeConfig{b}, Name: stack.NameRule{Max: 128}},
		{Provider: eventSourceMapping{b}, Name: stack.NameRule{Max: 36}, Refused: refusedOfMapping()},
		{Provider: function{b}, NameProperty: "FunctionName", Name: stack.NameRule{Max: 64}, Refused: refusedOfFunction()},
		{Provider: layerVersion{b}, Name: stack.NameRule{Max: 140}, Refused: []string{"Content.S3ObjectStorageMode"}},
		{Provider: permission{b}, Name: stack.NameRule{Max: 100}},
		{Provider: functionURL{b}},
		{Provider: version{b}, Refused: []string{"FunctionScalingConfig", "RuntimePolicy"}},
		{Provider: logGroup{b}, NameProperty: "LogGroupName", Name: stack.NameRule{Max: 512}, Refused: refusedOfLogGroup()},
		{Provider: metricFilter{b}, NameProperty: "FilterName", Name: stack.NameRule{Max: 512}, Refused: []string{"ApplyOnTransformedLogs", "EmitSystemFieldDimensions", "FieldSelectionCriteria"}},
		{Provider: queryDefinition{b}, Name: stack.NameRule{Max: 128}, Refused: []string{"Parameters"}},
		{Provider: subscriptionFilter{b}, NameProperty: "FilterName", Name: stack.NameRule{Max: 512}, Refused: []string{"ApplyOnTransformedLogs", "EmitSystemFields", "FieldSelectionCriteria"}},
		{Provider: configurationSet{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}, Refused: refusedOfConfigurationSet(), Ignored: ignoredOfConfigurationSet()},
		{Provider: eventDestination{b}, Name: stack.NameRule{Max: 64}, Refused: refusedOfEventDestination(), Replaces: renamesDestination},
		{Provider: emailIdentity{b}, Ignored: ignoredOfEmailIdentity()},
		{Provider: emailTemplate{b}, Name: stack.NameRule{Max: 64}},
		{Provider: subscription{b}, Refused: refusedOfSubscription()},
		{Provider: topic{b}, NameProperty: "TopicName", Name: stack.NameRule{Max: 251}, Refused: refusedOfTopic()},
		{Provider: topicInlinePolicy{b}},
		{Provider: topicPolicy{b}, Name: stack.NameRule{Max: 128}},
		{Provider: queue{b}, NameProperty: "QueueName", Name: stack.NameRule{Max: 75}},
		{Provider: queueInlinePolicy{b}},
		{Provider: queuePolicy{b}, Name: stack.NameRule{Max: 128}},
		{Provider: parameter{b}, NameProperty: "Name", Name: stack.NameRule{Max: 900}},
		{Provider: schedule{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}, Refused: refusedOfSchedule(), Replaces: movesSchedule},
		{Provider: scheduleGroup{b}, NameProperty: "Name", Name: stack.NameRule{Max: 64}},
		{Provider: secretPolicy{b}},
		{Provider: rotationSchedule{b}, Refused: refusedOfRotation()},
		{Provider: secret{b}, NameProperty: "Name", Name: stack.NameRule{Max: 500}, Refused: refusedOfSecret()},
	}
	for i, name := range names() {
		types[i].Schema, types[i].Table = spec.Table.Type(name), &spec.Table
	}
	return stack.NewTypes(types...)
}

// names are the names of the types, in the order of [Types].
func names() []string {
	return []string{
		"AWS::ApiGateway::Account", "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::BasePathMapping",
		"AWS::ApiGateway::Deployment", "AWS::ApiGateway::DomainName", "AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method",
		"AWS::ApiGateway::Model", "AWS::ApiGateway::RequestValidator", "AWS::ApiGateway::Resource", "AWS::ApiGateway::RestApi",
		"AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey",
		"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Deployment",
		"AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Model", "AWS::ApiGatewayV2::Route",
		"AWS::ApiGatewayV2::Stage", "AWS::CloudFormation::WaitConditionHandle",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard",
		"AWS::DynamoDB::Table", "AWS::Events::ApiDestination", "AWS::Events::Archive", "AWS::Events::Connection",
		"AWS::Events::EventBus", "AWS::Events::EventBusPolicy", "AWS::Events::Rule",
		"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User", "AWS::KMS::Alias", "AWS::KMS::Key", "AWS::Lambda::Alias",
		"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission",
		"AWS::Lambda::Url", "AWS::Lambda::Version", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::Logs::QueryDefinition", "AWS::Logs::SubscriptionFilter",
		"AWS::SES::ConfigurationSet", "AWS::SES::ConfigurationSetEventDestination", "AWS::SES::EmailIdentity", "AWS::SES::Template",
		"AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy",
		"AWS::SQS::Queue", "AWS::SQS::QueueInlinePolicy", "AWS::SQS::QueuePolicy",
		"AWS::SSM::Parameter", "AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup", "AWS::SecretsManager::ResourcePolicy", "AWS::SecretsManager::RotationSchedule", "AWS::SecretsManager::Secret",
	}
}
