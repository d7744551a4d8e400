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
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerTags() {
	awsapi.Handle(s.api, shapes.TagResource, on("POST", func(in *shapes.TagResourceRequest) string { return tagPath(in.ResourceArn) }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, on("DELETE", func(in *shapes.UntagResourceRequest) string { return tagPath(in.ResourceArn) }), s.untagResource)
	awsapi.Handle(s.api, shapes.GetTags, on("GET", func(in *shapes.GetTagsRequest) string { return tagPath(in.ResourceArn) }), s.getTags)
}

func tagPath(resource *string) string {
	return "/tags/" + strings.ReplaceAll(value(resource), "/", "%2F")
}

// taggable is what an ARN names: an API, one of its stages, or a domain name.
type taggable struct{ api, stage, domain string }

func readTaggable(resource string) (t taggable, err error) {
	path := strings.Split(strings.TrimPrefix(arn.ARN(resource).Resource(), "/"), "/")
	switch {
	case len(path) == 2 && path[0] == "apis":
		return taggable{api: path[1]}, nil
	case len(path) == 4 && path[0] == "apis" && path[2] == "stages":
		return taggable{api: path[1], stage: path[3]}, nil
	case len(path) == 2 && path[0] == "domainnames":
		return taggable{domain: path[1]}, nil
	}
	return t, notFound("Invalid resource ARN %s: APIs, stages and domain names have tags", resource)
}

// retag changes the tags of what an ARN names. What is served stays as it is.
func (s *Service) retag(ctx context.Context, resource string, fn func(tags map[string]string) map[string]string) error {
	t, err := readTaggable(resource)
	switch {
	case err != nil:
		return err
	case t.domain != "":
		return s.changeDomain(ctx, &t.domain, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
			d.Tags = fn(d.Tags)
			return jsonrow.Set(tx, sp.domain(*d.DomainName), d)
		})
	case t.stage != "":
		_, err := annotatePart(ctx, s, stageKind, &t.api, &t.stage, noSuchStage(), func(st *shapes.Stage) { st.Tags = fn(st.Tags) })
		return err
	}
	return s.annotate(ctx, &t.api, func(c *change) error {
		c.api.Tags = fn(c.api.Tags)
		return jsonrow.Set(c.Tx, c.space.api(t.api), c.api)
	})
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*shapes.TagResourceResponse, error) {
	err := s.retag(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags)
		return tags
	})
	return &shapes.TagResourceResponse{}, err
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	return nil, s.retag(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return tags
	})
}

func (s *Service) getTags(ctx context.Context, in *shapes.GetTagsRequest) (*shapes.GetTagsResponse, error) {
	t, err := readTaggable(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	var tags map[string]string
	switch {
	case t.domain != "":
		d, err := s.readDomain(ctx, &t.domain)
		if err != nil {
			return nil, err
		}
		tags = d.Tags
	case t.stage != "":
		st, err := getPart[shapes.Stage](ctx, s, stageKind, &t.api, &t.stage, noSuchStage())
		if err != nil {
			return nil, err
		}
		tags = st.Tags
	default:
		a, err := s.getAPI(ctx, &shapes.GetApiRequest{ApiId: &t.api})
		if err != nil {
			return nil, err
		}
		tags = a.Tags
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &shapes.GetTagsResponse{Tags: tags}, nil
}
