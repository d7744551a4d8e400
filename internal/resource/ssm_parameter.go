package resource

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// parameter is AWS::SSM::Parameter. Ref is its name.
type parameter struct{ base }

func ssmTag(k, v string) ssm.Tag { return ssm.Tag{Key: &k, Value: &v} }

// parameterTags is the Tags property, which is a map.
func parameterTags(props *template.Value) map[string]string {
	v := props.Get("Tags")
	if v == nil || len(v.Fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(v.Fields))
	for _, f := range v.Fields {
		out[f.Key] = f.Value.Text
	}
	return out
}

func parameterProgress(r stack.Request) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{
		"Type": text(r.Properties, "Type"), "Value": text(r.Properties, "Value"), "Arn": r.Stack.Scope.Parameter(r.PhysicalID).String(),
	}}
}

func (t parameter) put(ctx context.Context, r stack.Request, overwrite bool) error {
	if text(r.Properties, "Type") == "SecureString" {
		return errors.New("AWS::SSM::Parameter cannot be a SecureString, whose value a template would show: put it with aws ssm put-parameter, or use AWS::SecretsManager::Secret")
	}
	in := &ssm.PutParameterRequest{Name: &r.PhysicalID}
	if err := bind(in, r.Properties, "Name", "Tags"); err != nil {
		return err
	}
	if overwrite {
		in.Overwrite = ptr(true)
	} else {
		in.Tags = pairs(parameterTags(r.Properties), ssmTag)
	}
	return run(ctx, t.base, ssm.PutParameter, in)
}

func (t parameter) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	err := t.put(ctx, r, false)
	if r.Again && present(err) {
		return t.Update(ctx, r)
	}
	return parameterProgress(r), err
}

func (t parameter) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := parameterProgress(r)
	if err := t.put(ctx, r, true); err != nil {
		return done, err
	}
	is, was := parameterTags(r.Properties), parameterTags(r.Old)
	var remove []string
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[k]; !ok {
			remove = append(remove, k)
		}
	}
	if len(remove) > 0 {
		if err := run(ctx, t.base, ssm.RemoveTagsFromResource, &ssm.RemoveTagsFromResourceRequest{ResourceType: ptr("Parameter"), ResourceId: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(is) > 0 {
		if err := run(ctx, t.base, ssm.AddTagsToResource, &ssm.AddTagsToResourceRequest{ResourceType: ptr("Parameter"), ResourceId: &r.PhysicalID, Tags: pairs(is, ssmTag)}); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (t parameter) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, ssm.DeleteParameter, &ssm.DeleteParameterRequest{Name: &r.PhysicalID}))
}

func (t parameter) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, ssm.GetParameter, &ssm.GetParameterRequest{Name: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	done := parameterProgress(r)
	if out.Parameter != nil {
		done.Attrs["Type"], done.Attrs["Value"] = val(out.Parameter.Type), val(out.Parameter.Value)
	}
	return done.Attrs, nil
}
