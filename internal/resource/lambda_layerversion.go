package resource

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/stack"
)

// layerVersion is AWS::Lambda::LayerVersion. Ref is its ARN, with the number.
type layerVersion struct{ base }

// Create publishes a version. Publishing is not idempotent, so a repeated
// creation looks for the version that it may have made: the newest one, if it
// is not older than the step.
func (l layerVersion) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "LayerName")
	if name == "" {
		name = r.PhysicalID
	}
	if r.Again {
		id, err := l.newest(ctx, name, r.Since)
		if err != nil {
			return stack.Progress{}, err
		}
		if id != "" {
			return layerProgress(id), nil
		}
	}
	in := lambda.PublishLayerVersionRequest{LayerName: &name, Content: &lambda.LayerVersionContentInput{}}
	if err := bind(&in, r.Properties, "LayerName", "Content"); err != nil {
		return stack.Progress{}, err
	}
	if err := bind(in.Content, packaged(r.Properties.Get("Content"))); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, l.base, lambda.PublishLayerVersion, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return layerProgress(val(out.LayerVersionArn)), nil
}

func layerProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"LayerVersionArn": id}}
}

func (l layerVersion) newest(ctx context.Context, name string, since clock.Instant) (string, error) {
	out, err := do(ctx, l.base, lambda.ListLayerVersions, &lambda.ListLayerVersionsRequest{LayerName: &name})
	if absent(err) || err == nil && len(out.LayerVersions) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	v := out.LayerVersions[0] // the newest comes first
	made, err := parseTime(val(v.CreatedDate))
	if err != nil || made < since {
		return "", err
	}
	return val(v.LayerVersionArn), nil
}

// Update is never called: every property makes a new version.
func (l layerVersion) Update(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, errors.New("a layer version cannot be changed")
}

func (l layerVersion) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	layer, number := qualified(r.PhysicalID)
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return stack.Progress{}, errors.New(r.PhysicalID + " is not the ARN of a layer version")
	}
	return gone(run(ctx, l.base, lambda.DeleteLayerVersion, &lambda.DeleteLayerVersionRequest{LayerName: &layer, VersionNumber: &n}))
}

func (l layerVersion) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, l.base, lambda.GetLayerVersionByArn, &lambda.GetLayerVersionByArnRequest{Arn: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return layerProgress(r.PhysicalID).Attrs, nil
}

// parseTime reads the times that Lambda writes, 2006-01-02T15:04:05.000+0000.
func parseTime(s string) (clock.Instant, error) {
	t, err := time.Parse("2006-01-02T15:04:05.000-0700", s)
	if err != nil {
		return 0, err
	}
	return clock.At(t), nil
}
