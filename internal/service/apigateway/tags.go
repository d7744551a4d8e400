package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerTags() {
	awsapi.Handle(s.api, shapes.TagResource, on("PUT", func(in *shapes.TagResourceRequest) string { return tagPath(in.ResourceArn) }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, on("DELETE", func(in *shapes.UntagResourceRequest) string { return tagPath(in.ResourceArn) }), s.untagResource)
	awsapi.Handle(s.api, shapes.GetTags, on("GET", func(in *shapes.GetTagsRequest) string { return tagPath(in.ResourceArn) }), s.getTags)
}

func tagPath(resource *string) string {
	return "/tags/" + strings.ReplaceAll(value(resource), "/", "%2F")
}

// tagged runs fn on the tags of an API or a stage, an API key, a usage
// plan or a domain name.
func (s *Service) tagged(ctx context.Context, resource string, fn func(tags map[string]string) map[string]string) error {
	path := strings.Split(strings.TrimPrefix(arn.ARN(resource).Resource(), "/"), "/")
	switch {
	case len(path) == 2 && path[0] == "apikeys":
		return s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
			return retag(tx, sp.apiKey(path[1]), noSuchKey(), func(k *shapes.ApiKey) *map[string]string { return &k.Tags }, fn)
		})
	case len(path) == 2 && path[0] == "usageplans":
		return s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
			return retag(tx, sp.usagePlan(path[1]), noSuchPlan(), func(p *shapes.UsagePlan) *map[string]string { return &p.Tags }, fn)
		})
	case len(path) == 2 && path[0] == "domainnames":
		return s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
			return retag(tx, sp.domain(path[1]), noSuchDomain(), func(d *shapes.DomainName) *map[string]string { return &d.Tags }, fn)
		})
	case len(path) < 2 || path[0] != "restapis":
		return notFound("Invalid resource ARN %s", resource)
	}
	return s.update(ctx, path[1], func(tx *kv.Tx, sp space, a *api) error {
		if len(path) == 4 && path[2] == "stages" {
			return retag(tx, sp.stage(*a.Id, path[3]), noSuchStage(), func(st *shapes.Stage) *map[string]string { return &st.Tags }, fn)
		}
		a.Tags = fn(a.Tags)
		return jsonrow.Set(tx, sp.api(*a.Id), a)
	})
}

// retag changes the tags of what is stored under a key.
func retag[T any](tx *kv.Tx, k kv.Key, absent *fault.Error, tags func(*T) *map[string]string, fn func(map[string]string) map[string]string) error {
	v, err := jsonrow.Load[T](tx, k)
	if err != nil {
		return err
	}
	if v == nil {
		return absent
	}
	at := tags(v)
	*at = fn(*at)
	return jsonrow.Set(tx, k, v)
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
