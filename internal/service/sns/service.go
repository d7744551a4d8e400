package sns

import (
	"context"
	"net/http"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
	// Delivers reports whether there is a receiver for a target.
	Delivers(target string) bool
}

// Meter is told of notifications that there are none of, because the filter policies
// of subscriptions have rejected the message. It must not block.
type Meter interface {
	// Filtered says of how many subscriptions, and why: MessageAttributes,
	// NoMessageAttributes, InvalidAttributes, MessageBody or InvalidMessageBody.
	Filtered(topic arn.ARN, why string, n int)
}

// Options says what the service needs. Client and Meter may be nil.
type Options struct {
	DB    *kv.DB
	Clock *clock.Model
	Emit  Emitter
	// Endpoint is the URL of the AWS endpoint, which is where the links and the
	// certificate in messages lead.
	Endpoint string
	// Home is the cell of what belongs to the cloud and not to an account in a
	// region: the key that signs.
	Home keyspace.Cell
	// Caller publishes what other services send to topics.
	Caller awsapi.Caller
	// Client sends to HTTP and HTTPS endpoints.
	Client *http.Client
	Meter  Meter
}

// Service is SNS.
type Service struct {
	Options
	api    *awsapi.Service
	signer signer

	topics   sync.Map // string(key of a topic) → *loaded
	policies sync.Map // ARN of a topic → *parsed
}

// New returns the service.
func New(o Options) *Service {
	if o.Client == nil {
		o.Client = newClient()
	}
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	s.signer = signer{db: o.DB, home: spaceOf(o.Home), clock: o.Clock, endpoint: o.Endpoint}
	s.api.Policies = s
	s.api.Unsigned = unsigned
	s.api.DeniedCode = "AuthorizationError"
	s.registerTopics()
	s.registerSubscriptions()
	s.registerPublishing()
	s.registerNotOffered()
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) registerTopics() {
	awsapi.Handle(s.api, shapes.CreateTopic, accessCreate, s.createTopic)
	awsapi.Handle(s.api, shapes.DeleteTopic, onTopic("DeleteTopic", func(in *shapes.DeleteTopicInput) *string { return in.TopicArn }), s.deleteTopic)
	awsapi.Handle(s.api, shapes.ListTopics, nil, s.listTopics)
	awsapi.Handle(s.api, shapes.GetTopicAttributes, onTopic("GetTopicAttributes", func(in *shapes.GetTopicAttributesInput) *string { return in.TopicArn }), s.getTopicAttributes)
	awsapi.Handle(s.api, shapes.SetTopicAttributes, onTopic("SetTopicAttributes", func(in *shapes.SetTopicAttributesInput) *string { return in.TopicArn }), s.setTopicAttributes)
	awsapi.Handle(s.api, shapes.AddPermission, onTopic("AddPermission", func(in *shapes.AddPermissionInput) *string { return in.TopicArn }), s.addPermission)
	awsapi.Handle(s.api, shapes.RemovePermission, onTopic("RemovePermission", func(in *shapes.RemovePermissionInput) *string { return in.TopicArn }), s.removePermission)
	awsapi.Handle(s.api, shapes.TagResource, accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsForResource, onTopic("ListTagsForResource", func(in *shapes.ListTagsForResourceRequest) *string { return in.ResourceArn }), s.listTags)
	awsapi.Handle(s.api, shapes.GetDataProtectionPolicy, onTopic("GetDataProtectionPolicy", func(in *shapes.GetDataProtectionPolicyInput) *string { return in.ResourceArn }), s.getDataProtection)
	awsapi.Handle(s.api, shapes.PutDataProtectionPolicy, onTopic("PutDataProtectionPolicy", func(in *shapes.PutDataProtectionPolicyInput) *string { return in.ResourceArn }), s.putDataProtection)
}

func (s *Service) registerSubscriptions() {
	awsapi.Handle(s.api, shapes.Subscribe, accessSubscribe, s.subscribe)
	awsapi.Handle(s.api, shapes.ConfirmSubscription, accessConfirm, s.confirmSubscription)
	awsapi.Handle(s.api, shapes.Unsubscribe, accessUnsubscribe, s.unsubscribe)
	awsapi.Handle(s.api, shapes.ListSubscriptions, nil, s.listSubscriptions)
	awsapi.Handle(s.api, shapes.ListSubscriptionsByTopic, onTopic("ListSubscriptionsByTopic", func(in *shapes.ListSubscriptionsByTopicInput) *string { return in.TopicArn }), s.listSubscriptionsByTopic)
	awsapi.Handle(s.api, shapes.GetSubscriptionAttributes, onSubscription("GetSubscriptionAttributes", func(in *shapes.GetSubscriptionAttributesInput) *string { return in.SubscriptionArn }), s.getSubscriptionAttributes)
	awsapi.Handle(s.api, shapes.SetSubscriptionAttributes, onSubscription("SetSubscriptionAttributes", func(in *shapes.SetSubscriptionAttributesInput) *string { return in.SubscriptionArn }), s.setSubscriptionAttributes)
}

func (s *Service) registerPublishing() {
	awsapi.Handle(s.api, shapes.Publish, accessPublish, s.publish)
	awsapi.Handle(s.api, shapes.PublishBatch, onTopic("Publish", func(in *shapes.PublishBatchInput) *string { return in.TopicArn }), s.publishBatch)
}

// registerNotOffered says why there is no mobile push and no SMS.
func (s *Service) registerNotOffered() {
	s.api.NotOffered("Apple's, Google's and Amazon's push services know AWS's applications, not nube's",
		"CreatePlatformApplication", "CreatePlatformEndpoint", "DeleteEndpoint", "DeletePlatformApplication", "GetEndpointAttributes",
		"GetPlatformApplicationAttributes", "ListEndpointsByPlatformApplication", "ListPlatformApplications", "SetEndpointAttributes",
		"SetPlatformApplicationAttributes")
	s.api.NotOffered("text messages need a contract with a telephone company",
		"CheckIfPhoneNumberIsOptedOut", "CreateSMSSandboxPhoneNumber", "DeleteSMSSandboxPhoneNumber", "GetSMSAttributes",
		"GetSMSSandboxAccountStatus", "ListOriginationNumbers", "ListPhoneNumbersOptedOut", "ListSMSSandboxPhoneNumbers", "OptInPhoneNumber",
		"SetSMSAttributes", "VerifySMSSandboxPhoneNumber")
}

// unsigned tells the operations that the links in messages call.
func unsigned(operation string) bool {
	return operation == "ConfirmSubscription" || operation == "Unsubscribe"
}

// anonymous reports whether a call comes from a link, or else without
// credentials.
func anonymous(ctx context.Context) bool { return awsapi.From(ctx).Actor.IsAnonymous() }
