package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/stack"
)

// queuePolicy is AWS::SQS::QueuePolicy: the same policy of some queues, which it
// names by their URLs. Ref is an id of CloudFormation's own.
type queuePolicy struct{ base }

// setQueuePolicy sets the policy of a queue; an empty one takes it away.
func setQueuePolicy(ctx context.Context, b base, url, doc string) error {
	return run(ctx, b, sqs.SetQueueAttributes, &sqs.SetQueueAttributesRequest{QueueUrl: &url, Attributes: map[string]string{"Policy": doc}})
}

func (q queuePolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}
	doc := document(r.Properties.Get("PolicyDocument"))
	for _, url := range texts(r.Properties, "Queues") {
		if err := setQueuePolicy(ctx, q.base, url, doc); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (q queuePolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done, err := q.Create(ctx, r)
	if err != nil {
		return done, err
	}
	keep := texts(r.Properties, "Queues")
	for _, url := range texts(r.Old, "Queues") {
		if slices.Contains(keep, url) {
			continue
		}
		if err := setQueuePolicy(ctx, q.base, url, ""); err != nil && !absent(err) {
			return done, err
		}
	}
	return done, nil
}

func (q queuePolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	for _, url := range texts(r.Properties, "Queues") {
		if err := setQueuePolicy(ctx, q.base, url, ""); err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	return stack.Progress{}, nil
}

func (q queuePolicy) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
