package lambda

import (
	"context"
	"maps"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
)

// maxTags is how many tags a function can have.
const maxTags = 50

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*schema.Empty, error) {
	if id, ok := mappingARN(ctx, in.Resource); ok {
		return &schema.Empty{}, s.tagged(ctx, id, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	}
	r, err := s.taggable(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, &r.name, func(_ *kv.Tx, _ space, f *function) error {
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		for k, v := range in.Tags {
			f.Tags[k] = v
		}
		if len(f.Tags) > maxTags {
			return invalid("Number of tags exceeds resource tag limit.")
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	if id, ok := mappingARN(ctx, in.Resource); ok {
		return &schema.Empty{}, s.tagged(ctx, id, func(tags map[string]string) {
			for _, k := range in.TagKeys {
				delete(tags, k)
			}
		})
	}
	r, err := s.taggable(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, &r.name, func(_ *kv.Tx, _ space, f *function) error {
		for _, k := range in.TagKeys {
			delete(f.Tags, k)
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsRequest) (*shapes.ListTagsResponse, error) {
	if id, ok := mappingARN(ctx, in.Resource); ok {
		m, _, err := s.mapping(ctx, id)
		if err != nil {
			return nil, err
		}
		return &shapes.ListTagsResponse{Tags: m.Tags}, nil
	}
	r, err := s.taggable(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	_, f, _, err := s.view(ctx, &r.name, nil)
	if err != nil {
		return nil, err
	}
	tags := f.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &shapes.ListTagsResponse{Tags: tags}, nil
}

// taggable reads the ARN of what has tags: a function, not its versions.
func (s *Service) taggable(ctx context.Context, resource *string) (ref, error) {
	r, err := parseRef(ctx, resource, nil)
	if err == nil && r.qualifier != "" {
		err = invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return r, err
}
