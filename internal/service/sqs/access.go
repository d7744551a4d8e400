package sqs

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html

// on is the access function of operations on a queue.
func on[I any](action string, queueURL func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		n, err := queueOf(ctx, queueURL(in))
		if err != nil {
			return nil, err
		}
		return need(action, n, nil), nil
	}
}

// own is on for operations that no other account can be permitted.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-customer-managed-policy-examples.html#grant-cross-account-permissions-to-role-and-user-name
func own[I any](action string, queueURL func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		n, err := queueOf(ctx, queueURL(in))
		if err != nil {
			return nil, err
		}
		if call := awsapi.From(ctx); call.Actor.Account != n.scope.Account {
			return nil, fault.New("AccessDenied", "Access to the resource %s is denied: %s does not work across accounts.", n.arn(), action)
		}
		return need(action, n, nil), nil
	}
}

// onSource is the access function of operations on the source of a message move
// task.
func onSource[I any](action string, source func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		n, ok := queueByARN(value(source(in)))
		if !ok {
			return nil, badSource(value(source(in)))
		}
		return need(action, n, nil), nil
	}
}

func need(action string, n name, keys policy.KeyMap) []awsapi.Access {
	a := awsapi.Access{Action: "sqs:" + action, Resource: n.arn()}
	if keys != nil {
		a.Keys = keys
	}
	return []awsapi.Access{a}
}

func accessCreate(ctx context.Context, in *shapes.CreateQueueRequest) ([]awsapi.Access, error) {
	n := name{awsapi.From(ctx).Scope, value(in.QueueName)}
	needs := need("CreateQueue", n, tagKeys(in.Tags))
	if len(in.Tags) > 0 {
		needs = append(needs, need("TagQueue", n, tagKeys(in.Tags))...)
	}
	return needs, nil
}

func accessURL(ctx context.Context, in *shapes.GetQueueUrlRequest) ([]awsapi.Access, error) {
	return need("GetQueueUrl", named(ctx, in), nil), nil
}

// named is the queue that GetQueueUrl names.
func named(ctx context.Context, in *shapes.GetQueueUrlRequest) name {
	scope := awsapi.From(ctx).Scope
	if owner := value(in.QueueOwnerAWSAccountId); owner != "" {
		scope.Account = owner
	}
	return name{scope, value(in.QueueName)}
}

func accessTag(ctx context.Context, in *shapes.TagQueueRequest) ([]awsapi.Access, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return need("TagQueue", n, tagKeys(in.Tags)), nil
}

func accessUntag(ctx context.Context, in *shapes.UntagQueueRequest) ([]awsapi.Access, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return need("UntagQueue", n, policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)}), nil
}

// tagKeys are the condition keys of tags that a request gives.
func tagKeys(tags map[string]string) policy.KeyMap {
	if len(tags) == 0 {
		return nil
	}
	keys := policy.KeyMap{"aws:tagkeys": policy.Many(sortedKeys(tags)...)}
	for k, v := range tags {
		keys["aws:requesttag/"+strings.ToLower(k)] = policy.One(v)
	}
	return keys
}

// accessStartMove: who moves messages receives, deletes and sends them.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func accessStartMove(_ context.Context, in *shapes.StartMessageMoveTaskRequest) ([]awsapi.Access, error) {
	source, ok := queueByARN(value(in.SourceArn))
	if !ok {
		return nil, badSource(value(in.SourceArn))
	}
	var needs []awsapi.Access
	for _, action := range [...]string{"StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		needs = append(needs, need(action, source, nil)...)
	}
	if in.DestinationArn != nil {
		target, ok := queueByARN(*in.DestinationArn)
		if !ok {
			return nil, badDestination(*in.DestinationArn)
		}
		needs = append(needs, need("SendMessage", target, nil)...)
	}
	return needs, nil
}

func accessCancelMove(_ context.Context, in *shapes.CancelMessageMoveTaskRequest) ([]awsapi.Access, error) {
	t, ok := parseTask(value(in.TaskHandle))
	if !ok {
		return nil, noTask()
	}
	return need("CancelMessageMoveTask", t.source, nil), nil
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of the queue.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	n, ok := queueByARN(string(resource))
	if !ok {
		return nil, nil
	}
	q, err := s.find(ctx, n)
	if fault.Is(err, "QueueDoesNotExist") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text := q.Attributes["Policy"]
	if text == "" {
		return nil, nil
	}
	if old, ok := s.policies.Load(n); ok && old.(*parsed).text == text {
		return old.(*parsed).doc, nil
	}
	doc, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", resource, err)
	}
	s.policies.Store(n, &parsed{text, doc})
	return doc, nil
}

// parsed is the policy of a queue as it was read last.
type parsed struct {
	text string
	doc  *policy.Doc
}
