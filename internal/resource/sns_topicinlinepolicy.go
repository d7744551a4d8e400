package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/stack"
)

// topicInlinePolicy is AWS::SNS::TopicInlinePolicy: the policy of one topic. Ref
// is the topic's ARN.
type topicInlinePolicy struct{ base }

func (t topicInlinePolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	topic := text(r.Properties, "TopicArn")
	return stack.Progress{PhysicalID: topic}, setTopicPolicy(ctx, t.base, topic, document(r.Properties.Get("PolicyDocument")))
}

func (t topicInlinePolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return t.Create(ctx, r)
}

func (t topicInlinePolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(setTopicPolicy(ctx, t.base, text(r.Properties, "TopicArn"), ""))
}

func (t topicInlinePolicy) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	topic := text(r.Properties, "TopicArn")
	return stack.Attrs{}, found(run(ctx, t.base, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &topic}))
}
