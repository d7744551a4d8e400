package sns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html

// onTopic is the access function of operations on a topic.
//
//go:noinline
func onTopic[I any](action string, topic func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		n, err := topicName(ctx, topicParameter(action), topic(in))
		if err != nil {
			return nil, err
		}
		return need(ctx, action, n, nil), nil
	}
}

// topicParameter is how an operation calls the topic that it is on.
func topicParameter(action string) string {
	if strings.HasSuffix(action, "DataProtectionPolicy") || strings.HasSuffix(action, "ForResource") {
		return "ResourceArn"
	}
	return "TopicArn"
}

// onSubscription is the access function of operations on a subscription, which
// are permitted on its topic.
//
//go:noinline
func onSubscription[I any](action string, subscription func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		n, err := subscriptionName(ctx, subscription(in))
		if err != nil {
			return nil, err
		}
		return need(ctx, action, n, nil), nil
	}
}

// need is a permission on a topic. A service that acts for a resource of an
// account has the key aws:SourceOwner, by which the policy that every topic
// begins with lets in what belongs to the topic's own account.
func need(ctx context.Context, action string, n name, keys policy.KeyMap) []awsapi.Access {
	if a := awsapi.From(ctx).Actor; a.Principal.Service != "" {
		if keys == nil {
			keys = policy.KeyMap{}
		}
		owner := a.SourceARN.Account()
		if owner == "" {
			owner = a.Account
		}
		keys["aws:sourceowner"] = policy.One(owner)
	}
	access := awsapi.Access{Action: "sns:" + action, Resource: arn.ARN(n.arn())}
	if keys != nil {
		access.Keys = keys
	}
	return []awsapi.Access{access}
}

func accessCreate(ctx context.Context, in *shapes.CreateTopicInput) ([]awsapi.Access, error) {
	n := name{scope: awsapi.From(ctx).Scope, topic: value(in.Name)}
	needs := need(ctx, "CreateTopic", n, tagKeys(in.Tags))
	if len(in.Tags) > 0 {
		needs = append(needs, need(ctx, "TagResource", n, tagKeys(in.Tags))...)
	}
	return needs, nil
}

func accessTag(ctx context.Context, in *shapes.TagResourceRequest) ([]awsapi.Access, error) {
	n, err := topicName(ctx, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return need(ctx, "TagResource", n, tagKeys(in.Tags)), nil
}

func accessUntag(ctx context.Context, in *shapes.UntagResourceRequest) ([]awsapi.Access, error) {
	n, err := topicName(ctx, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return need(ctx, "UntagResource", n, policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)}), nil
}

// tagKeys are the condition keys of tags that a request gives.
func tagKeys(tags []shapes.Tag) policy.KeyMap {
	if len(tags) == 0 {
		return nil
	}
	keys := policy.KeyMap{}
	var names []string
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(value(t.Key))] = policy.One(value(t.Value))
		names = append(names, value(t.Key))
	}
	slices.Sort(names)
	keys["aws:tagkeys"] = policy.Many(names...)
	return keys
}

func accessSubscribe(ctx context.Context, in *shapes.SubscribeInput) ([]awsapi.Access, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	return need(ctx, "Subscribe", n, policy.KeyMap{"sns:protocol": policy.One(value(in.Protocol)), "sns:endpoint": policy.One(value(in.Endpoint))}), nil
}

// accessConfirm: whoever has the token may use it; who has credentials as well
// must be permitted.
func accessConfirm(ctx context.Context, in *shapes.ConfirmSubscriptionInput) ([]awsapi.Access, error) {
	if anonymous(ctx) {
		return nil, nil
	}
	n, err := topicName(ctx, "Topic", in.TopicArn)
	if err != nil {
		return nil, err
	}
	return need(ctx, "ConfirmSubscription", n, nil), nil
}

func accessUnsubscribe(ctx context.Context, in *shapes.UnsubscribeInput) ([]awsapi.Access, error) {
	if anonymous(ctx) {
		return nil, nil // the subscription says whether the link will do
	}
	n, err := subscriptionName(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return need(ctx, "Unsubscribe", n, nil), nil
}

func accessPublish(ctx context.Context, in *shapes.PublishInput) ([]awsapi.Access, error) {
	n, err := publishTarget(ctx, in)
	if err != nil {
		return nil, err
	}
	return need(ctx, "Publish", n, nil), nil
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of the topic.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	if resource.Service() != "sns" {
		return nil, nil
	}
	topicOf, _, _ := strings.Cut(resource.Resource(), ":")
	n := name{scope: resource.Scope(), topic: topicOf}
	var t topic
	var ok bool
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		ok, err = jsonrow.Get(snap, spaceOf(keyspace.Cell{Account: resource.Account(), Region: resource.Region()}).topic(topicOf), &t)
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	text := t.policy(n)
	if old, ok := s.policies.Load(n.arn()); ok && old.(*parsed).text == text {
		return old.(*parsed).doc, nil
	}
	doc, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", resource, err)
	}
	s.policies.Store(n.arn(), &parsed{text, doc})
	return doc, nil
}

// parsed is the policy of a topic as it was read last.
type parsed struct {
	text string
	doc  *policy.Doc
}
