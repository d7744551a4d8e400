package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/stack"
)

// topicPolicy is AWS::SNS::TopicPolicy: the same policy of some topics. Ref is
// an id of CloudFormation's own.
type topicPolicy struct{ base }

// setTopicPolicy sets the policy of a topic; an empty one is that which every
// topic begins with.
func setTopicPolicy(ctx context.Context, b base, topic, doc string) error {
	return run(ctx, b, sns.SetTopicAttributes, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: ptr("Policy"), AttributeValue: &doc})
}

func (t topicPolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}
	doc := document(r.Properties.Get("PolicyDocument"))
	for _, topic := range texts(r.Properties, "Topics") {
		if err := setTopicPolicy(ctx, t.base, topic, doc); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (t topicPolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done, err := t.Create(ctx, r)
	if err != nil {
		return done, err
	}
	keep := texts(r.Properties, "Topics")
	for _, topic := range texts(r.Old, "Topics") {
		if slices.Contains(keep, topic) {
			continue
		}
		if err := setTopicPolicy(ctx, t.base, topic, ""); err != nil && !absent(err) {
			return done, err
		}
	}
	return done, nil
}

func (t topicPolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	for _, topic := range texts(r.Properties, "Topics") {
		if err := setTopicPolicy(ctx, t.base, topic, ""); err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	return stack.Progress{}, nil
}

func (t topicPolicy) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
