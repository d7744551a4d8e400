package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// What the types of HTTP APIs have in common.

// first returns the first item of a list in pages of which is is true, nil when
// there is none.
func first[T any](fetch func(token *string) ([]T, *string, error), is func(*T) bool) (*T, error) {
	var token *string
	for {
		items, next, err := fetch(token)
		if err != nil {
			return nil, err
		}
		for i := range items {
			if is(&items[i]) {
				return &items[i], nil
			}
		}
		if token = next; token == nil {
			return nil, nil
		}
	}
}

// tagsOf are tags as these types have them: a map.
func tagsOf(props *template.Value) map[string]string {
	tags := props.Get("Tags")
	if tags == nil {
		return nil
	}
	out := make(map[string]string, len(tags.Fields))
	for _, f := range tags.Fields {
		out[f.Key] = f.Value.Text
	}
	return out
}

// tagV2 makes the tags of a thing what the properties say.
func (b base) tagV2(ctx context.Context, r stack.Request, arn string) error {
	was, is := tagsOf(r.Old), tagsOf(r.Properties)
	var remove []string
	for k := range was {
		if _, ok := is[k]; !ok {
			remove = append(remove, k)
		}
	}
	if len(remove) > 0 {
		if err := run(ctx, b, apigatewayv2.UntagResource, &apigatewayv2.UntagResourceRequest{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(is) == 0 {
		return nil
	}
	return run(ctx, b, apigatewayv2.TagResource, &apigatewayv2.TagResourceRequest{ResourceArn: &arn, Tags: is})
}

// taken returns "" for a property that an update takes away, nil for one that
// there never was: what is bound next replaces it.
func taken(r stack.Request, property string) *string {
	if r.Old.Has(property) && !r.Properties.Has(property) {
		return ptr("")
	}
	return nil
}
