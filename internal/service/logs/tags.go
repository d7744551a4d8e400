package logs

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/fault"
)

// maxTags is how many tags a group can have.
const maxTags = 50

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*schema.Empty, error) {
	name, ok := groupOfARN(ctx, value(in.ResourceArn))
	if !ok {
		return nil, noResource()
	}
	return s.tag(ctx, name, noResource(), in.Tags)
}

func (s *Service) tagLogGroup(ctx context.Context, in *shapes.TagLogGroupRequest) (*schema.Empty, error) {
	return s.tag(ctx, value(in.LogGroupName), noGroup(), in.Tags)
}

func (s *Service) tag(ctx context.Context, name string, missing error, tags map[string]string) (*schema.Empty, error) {
	err := s.changeGroup(ctx, name, missing, func(g *group) error {
		if g.Tags == nil {
			g.Tags = make(map[string]string, len(tags))
		}
		for k, v := range tags {
			g.Tags[k] = v
		}
		if len(g.Tags) > maxTags {
			return fault.New("TooManyTagsException", "A resource can have no more than %d tags.", maxTags).
				WithDetail(&shapes.TooManyTagsException{ResourceName: &name})
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	name, ok := groupOfARN(ctx, value(in.ResourceArn))
	if !ok {
		return nil, noResource()
	}
	return s.untag(ctx, name, noResource(), in.TagKeys)
}

func (s *Service) untagLogGroup(ctx context.Context, in *shapes.UntagLogGroupRequest) (*schema.Empty, error) {
	return s.untag(ctx, value(in.LogGroupName), noGroup(), in.Tags)
}

func (s *Service) untag(ctx context.Context, name string, missing error, keys []string) (*schema.Empty, error) {
	err := s.changeGroup(ctx, name, missing, func(g *group) error {
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) listTagsForResource(ctx context.Context, in *shapes.ListTagsForResourceRequest) (*shapes.ListTagsForResourceResponse, error) {
	name, ok := groupOfARN(ctx, value(in.ResourceArn))
	if !ok {
		return nil, noResource()
	}
	g, err := s.viewGroup(ctx, name)
	if fault.Is(err, "ResourceNotFoundException") {
		err = noResource()
	}
	return &shapes.ListTagsForResourceResponse{Tags: g.tags()}, err
}

func (s *Service) listTagsLogGroup(ctx context.Context, in *shapes.ListTagsLogGroupRequest) (*shapes.ListTagsLogGroupResponse, error) {
	g, err := s.viewGroup(ctx, value(in.LogGroupName))
	return &shapes.ListTagsLogGroupResponse{Tags: g.tags()}, err
}

// tags is never nil: a group without tags has an empty map in answers.
func (g *group) tags() map[string]string {
	if g.Tags == nil {
		return map[string]string{}
	}
	return g.Tags
}
