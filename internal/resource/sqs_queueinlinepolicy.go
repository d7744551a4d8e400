package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/stack"
)

// queueInlinePolicy is AWS::SQS::QueueInlinePolicy: the policy of one queue, which
// it names by its URL. Ref is that URL.
type queueInlinePolicy struct{ base }

func (q queueInlinePolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	url := text(r.Properties, "Queue")
	return stack.Progress{PhysicalID: url}, setQueuePolicy(ctx, q.base, url, document(r.Properties.Get("PolicyDocument")))
}

func (q queueInlinePolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return q.Create(ctx, r)
}

func (q queueInlinePolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(setQueuePolicy(ctx, q.base, text(r.Properties, "Queue"), ""))
}

func (q queueInlinePolicy) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	in := &sqs.GetQueueAttributesRequest{QueueUrl: ptr(text(r.Properties, "Queue")), AttributeNames: []string{"QueueArn"}}
	return stack.Attrs{}, found(run(ctx, q.base, sqs.GetQueueAttributes, in))
}
