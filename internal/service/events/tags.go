package events

import (
	"context"
	"maps"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// maxTags is how many tags a bus or a rule may have.
const maxTags = 50

// addTags adds tags to those that there are.
func addTags(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil && len(tags) > 0 {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		k := value(t.Key)
		if seen[k] {
			return nil, invalid("Duplicate tag keys are not allowed: %s", k)
		}
		seen[k] = true
		out[k] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	return out, nil
}

// changeTags changes the tags of the bus or rule with an ARN.
func (s *Service) changeTags(ctx context.Context, resource string, change func(map[string]string) (map[string]string, error)) error {
	if b, ok := busOfARN(resource); ok {
		_, err := s.changeBus(ctx, b, func(row *busRow) (err error) {
			row.Tags, err = change(row.Tags)
			return err
		})
		return err
	}
	r, ok := ruleOfARN(resource)
	if !ok {
		return notTagged(resource)
	}
	return s.changeRule(ctx, r, func(old *ruleRow) (_ *ruleRow, err error) {
		if old == nil {
			return nil, noRule(r)
		}
		old.Tags, err = change(old.Tags)
		return old, err
	})
}

// isTagged reports whether an ARN is of something that has tags.
func isTagged(resource string) bool {
	_, isBus := busOfARN(resource)
	_, isRule := ruleOfARN(resource)
	return isBus || isRule
}

func notTagged(resource string) error {
	return invalid("Parameter ResourceARN is not valid. Reason: %s is neither an event bus nor a rule.", resource)
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*shapes.TagResourceResponse, error) {
	return &shapes.TagResourceResponse{}, s.changeTags(ctx, value(in.ResourceARN), func(old map[string]string) (map[string]string, error) {
		return addTags(old, in.Tags)
	})
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*shapes.UntagResourceResponse, error) {
	return &shapes.UntagResourceResponse{}, s.changeTags(ctx, value(in.ResourceARN), func(old map[string]string) (map[string]string, error) {
		out := maps.Clone(old)
		for _, k := range in.TagKeys {
			delete(out, k)
		}
		return out, nil
	})
}

func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsForResourceRequest) (*shapes.ListTagsForResourceResponse, error) {
	var tags map[string]string
	resource := value(in.ResourceARN)
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		if b, ok := busOfARN(resource); ok {
			row, err := loadBus(snap, b)
			tags = row.Tags
			return err
		}
		r, ok := ruleOfARN(resource)
		if !ok {
			return notTagged(resource)
		}
		var row ruleRow
		ok, err := jsonrow.Get(snap, r.key(), &row)
		if err == nil && !ok {
			err = noRule(r)
		}
		tags = row.Tags
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &shapes.ListTagsForResourceResponse{Tags: []shapes.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, shapes.Tag{Key: &k, Value: ptr(tags[k])})
	}
	return out, nil
}
