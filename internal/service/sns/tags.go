package sns

import (
	"context"
	"maps"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// maxTags is how many tags a topic may have.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html
const maxTags = 50

// newTags adds tags to those of a topic.
func newTags(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil && len(tags) > 0 {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		k := value(t.Key)
		if seen[k] {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		seen[k] = true
		out[k] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, fault.New("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	return out, nil
}

func noResource() *fault.Error { return fault.New("ResourceNotFound", "Resource does not exist") }

// changeTags changes the tags of a topic.
func (s *Service) changeTags(ctx context.Context, resource *string, change func(map[string]string) (map[string]string, error)) error {
	n, err := topicName(ctx, "ResourceArn", resource)
	if err != nil {
		return err
	}
	err = s.change(ctx, n, func(_ *kv.Tx, t *topic) (err error) {
		t.Tags, err = change(t.Tags)
		return err
	})
	if fault.Is(err, "NotFound") {
		return noResource()
	}
	return err
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*shapes.TagResourceResponse, error) {
	return &shapes.TagResourceResponse{}, s.changeTags(ctx, in.ResourceArn, func(old map[string]string) (map[string]string, error) {
		return newTags(old, in.Tags)
	})
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*shapes.UntagResourceResponse, error) {
	return &shapes.UntagResourceResponse{}, s.changeTags(ctx, in.ResourceArn, func(old map[string]string) (map[string]string, error) {
		out := maps.Clone(old)
		for _, k := range in.TagKeys {
			delete(out, k)
		}
		return out, nil
	})
}

func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsForResourceRequest) (*shapes.ListTagsForResourceResponse, error) {
	n, err := topicName(ctx, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t, err := s.view(ctx, n)
	if fault.Is(err, "NotFound") {
		return nil, noResource()
	}
	if err != nil {
		return nil, err
	}
	out := &shapes.ListTagsForResourceResponse{Tags: []shapes.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(t.Tags)) {
		out.Tags = append(out.Tags, shapes.Tag{Key: &k, Value: ptr(t.Tags[k])})
	}
	return out, nil
}
