package sqs

import (
	"context"
	"maps"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/kv"
)

// maxTags is how many tags a queue can have.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
const maxTags = 50

func checkTags(tags map[string]string) error {
	for k, v := range tags {
		switch {
		case k == "" || len(k) > 128:
			return invalid("Tag keys must be between 1 and 128 characters in length.")
		case len(v) > 256:
			return invalid("Tag values must be between 0 and 256 characters in length.")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return invalid("Tag keys must not begin with aws:, which is reserved.")
		}
	}
	if len(tags) > maxTags {
		return tooManyTags()
	}
	return nil
}

func tooManyTags() error { return invalid("Too many tags: a queue can have %d at most.", maxTags) }

func (s *Service) tagQueue(ctx context.Context, in *shapes.TagQueueRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err = s.change(ctx, n, func(_ *kv.Tx, r *row) error {
		if r.Tags == nil {
			r.Tags = map[string]string{}
		}
		maps.Copy(r.Tags, in.Tags)
		if len(r.Tags) > maxTags {
			return tooManyTags()
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) untagQueue(ctx context.Context, in *shapes.UntagQueueRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, n, func(_ *kv.Tx, r *row) error {
		for _, k := range in.TagKeys {
			delete(r.Tags, k)
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) listQueueTags(ctx context.Context, in *shapes.ListQueueTagsRequest) (*shapes.ListQueueTagsResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListQueueTagsResult{}
	err = s.look(ctx, n, func(_ *kv.Snap, q *queue) error {
		out.Tags = maps.Clone(q.Tags)
		return nil
	})
	return out, err
}
