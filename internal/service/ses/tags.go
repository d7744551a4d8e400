package ses

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// maxTags is how many tags a resource can have.
const maxTags = 50

func tagMap(tags []v2.Tag) (map[string]string, error) {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[val(t.Key)] = val(t.Value)
	}
	if len(out) > maxTags {
		return nil, invalid("A resource can have no more than %d tags.", maxTags)
	}
	return out, nil
}

func tagList(tags map[string]string) []v2.Tag {
	out := []v2.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, v2.Tag{Key: &k, Value: ptr(tags[k])})
	}
	return out
}

func (s *Service) registerTags() {
	awsapi.Handle(s.v2, v2.TagResource, func(_ context.Context, in *v2.TagResourceRequest) ([]awsapi.Access, error) {
		tags := map[string]string{}
		for _, t := range in.Tags {
			tags[val(t.Key)] = val(t.Value)
		}
		return []awsapi.Access{{Action: "ses:TagResource", Resource: arn.ARN(val(in.ResourceArn)), Keys: tagKeys(policy.KeyMap{versionKey: policy.One("2")}, tags)}}, nil
	}, recent(s.tagResource))
	awsapi.Handle(s.v2, v2.UntagResource, func(_ context.Context, in *v2.UntagResourceRequest) ([]awsapi.Access, error) {
		keys := policy.KeyMap{versionKey: policy.One("2"), "aws:tagkeys": policy.Many(in.TagKeys...)}
		return []awsapi.Access{{Action: "ses:UntagResource", Resource: arn.ARN(val(in.ResourceArn)), Keys: keys}}, nil
	}, recent(s.untagResource))
	awsapi.Handle(s.v2, v2.ListTagsForResource, func(_ context.Context, in *v2.ListTagsForResourceRequest) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "ses:ListTagsForResource", Resource: arn.ARN(val(in.ResourceArn)), Keys: policy.KeyMap{versionKey: policy.One("2")}}}, nil
	}, recent(s.listTags))
}

// tagged is the row of what an ARN names, of which only the tags are read. The
// rest is kept as it stands.
type tagged map[string]json.RawMessage

func (t tagged) tags() (map[string]string, error) {
	tags := map[string]string{}
	if t["Tags"] == nil {
		return tags, nil
	}
	err := json.Unmarshal(t["Tags"], &tags)
	return tags, err
}

// taggedKey is the key of the row of what an ARN of the account and region names.
func taggedKey(ctx context.Context, name *string) (kv.Key, error) {
	a := arn.ARN(val(name))
	missing := fault.New(noIdentityCode, "The resource %s does not exist.", a)
	scope, p := awsapi.From(ctx).Scope, a.Parts()
	kind, rest, ok := strings.Cut(p.Resource, "/")
	if p.Service != "ses" || p.Account != scope.Account || p.Region != scope.Region || !ok {
		return nil, missing
	}
	sp := spaceOf(cell(ctx))
	switch kind {
	case "identity":
		return sp.identity(normal(rest)), nil
	case "configuration-set":
		return sp.set(rest), nil
	case "template":
		return sp.template(rest), nil
	}
	return nil, missing
}

// changeTags changes the tags of what an ARN names, which must exist.
func (s *Service) changeTags(ctx context.Context, name *string, change func(map[string]string)) error {
	k, err := taggedKey(ctx, name)
	if err != nil {
		return err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		var row tagged
		if ok, err := jsonrow.Get(tx, k, &row); err != nil {
			return err
		} else if !ok {
			return fault.New(noIdentityCode, "The resource %s does not exist.", val(name))
		}
		tags, err := row.tags()
		if err != nil {
			return err
		}
		if change(tags); len(tags) > maxTags {
			return invalid("A resource can have no more than %d tags.", maxTags)
		}
		text, err := json.Marshal(tags)
		if err != nil {
			return err
		}
		row["Tags"] = text
		return jsonrow.Set(tx, k, row)
	})
	return err
}

func (s *Service) tagResource(ctx context.Context, in *v2.TagResourceRequest) (*v2.TagResourceResponse, error) {
	return &v2.TagResourceResponse{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[val(t.Key)] = val(t.Value)
		}
	})
}

func (s *Service) untagResource(ctx context.Context, in *v2.UntagResourceRequest) (*v2.UntagResourceResponse, error) {
	return &v2.UntagResourceResponse{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(ctx context.Context, in *v2.ListTagsForResourceRequest) (*v2.ListTagsForResourceResponse, error) {
	k, err := taggedKey(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &v2.ListTagsForResourceResponse{}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		var row tagged
		if ok, err := jsonrow.Get(snap, k, &row); err != nil {
			return err
		} else if !ok {
			return fault.New(noIdentityCode, "The resource %s does not exist.", val(in.ResourceArn))
		}
		tags, err := row.tags()
		out.Tags = tagList(tags)
		return err
	})
	return out, err
}
