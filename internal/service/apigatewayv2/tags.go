package apigatewayv2

import (
	"context"
	"maps"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerTags() {
	awsapi.Handle(s.api, shapes.TagResource, on("POST", func(in *shapes.TagResourceRequest) string { return tagPath(in.ResourceArn) }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, on("DELETE", func(in *shapes.UntagResourceRequest) string { return tagPath(in.ResourceArn) }), s.untagResource)
	awsapi.Handle(s.api, shapes.GetTags, on("GET", func(in *shapes.GetTagsRequest) string { return tagPath(in.ResourceArn) }), s.getTags)
}

func tagPath(resource *string) string {
	return "/tags/" + strings.ReplaceAll(value(resource), "/", "%2F")
}

// tagged runs fn on the tags of an API, a stage or a domain name.
func (s *Service) tagged(ctx context.Context, resource string, fn func(tags map[string]string) map[string]string) error {
	path := strings.Split(strings.TrimPrefix(arn.ARN(resource).Resource(), "/"), "/")
	switch {
	case len(path) == 2 && path[0] == "apis":
		return s.update(ctx, &path[1], func(c *change) error {
			c.api.Tags = fn(c.api.Tags)
			return save(c.Tx, c.space.api(path[1]), c.api)
		})
	case len(path) == 4 && path[0] == "apis" && path[2] == "stages":
		_, err := changePart(ctx, s, stageKind, &path[1], &path[3], noSuchStage(), func(_ *change, st *shapes.Stage) error {
			st.Tags = fn(st.Tags)
			return nil
		})
		return err
	case len(path) == 2 && path[0] == "domainnames":
		return s.changeDomain(ctx, &path[1], func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
			d.Tags = fn(d.Tags)
			return save(tx, sp.domain(*d.DomainName), d)
		})
	}
	return notFound("Invalid resource ARN %s: APIs, stages and domain names have tags", resource)
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*shapes.TagResourceResponse, error) {
	err := s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags)
		return tags
	})
	return &shapes.TagResourceResponse{}, err
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	return nil, s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return tags
	})
}

func (s *Service) getTags(ctx context.Context, in *shapes.GetTagsRequest) (*shapes.GetTagsResponse, error) {
	out := &shapes.GetTagsResponse{Tags: map[string]string{}}
	err := s.tagged(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		maps.Copy(out.Tags, tags)
		return tags
	})
	return out, err
}
