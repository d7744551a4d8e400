package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerTags() {
	awsapi.Handle(s.api, shapes.TagResource, on("PUT", func(in *shapes.TagResourceRequest) string { return tagPath(in.ResourceArn) }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, on("DELETE", func(in *shapes.UntagResourceRequest) string { return tagPath(in.ResourceArn) }), s.untagResource)
	awsapi.Handle(s.api, shapes.GetTags, on("GET", func(in *shapes.GetTagsRequest) string { return tagPath(in.ResourceArn) }), s.getTags)
}

func tagPath(resource *string) string {
	return "/tags/" + strings.ReplaceAll(value(resource), "/", "%2F")
}

// tagged runs fn on the tags of an API or a stage.
func (s *Service) tagged(ctx context.Context, resource string, fn func(tags map[string]string) map[string]string) error {
	path := strings.Split(strings.TrimPrefix(arn.ARN(resource).Resource(), "/"), "/")
	if len(path) < 2 || path[0] != "restapis" {
		return notFound("Invalid resource ARN %s", resource)
	}
	return s.update(ctx, path[1], func(tx *kv.Tx, sp space, a *api) error {
		if len(path) == 4 && path[2] == "stages" {
			st, err := load[shapes.Stage](tx, sp.stage(*a.Id, path[3]))
			if err != nil {
				return err
			}
			if st == nil {
				return noSuchStage()
			}
			st.Tags = fn(st.Tags)
			return save(tx, sp.stage(*a.Id, path[3]), st)
		}
		a.Tags = fn(a.Tags)
		return save(tx, sp.api(*a.Id), a)
	})
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*schema.Empty, error) {
	return nil, s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		if tags == nil {
			tags = map[string]string{}
		}
		for k, v := range in.Tags {
			tags[k] = v
		}
		return tags
	})
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	return nil, s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return tags
	})
}

func (s *Service) getTags(ctx context.Context, in *shapes.GetTagsRequest) (*shapes.Tags, error) {
	out := &shapes.Tags{Tags: map[string]string{}}
	err := s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		for k, v := range tags {
			out.Tags[k] = v
		}
		return tags
	})
	return out, err
}
