package resource

import (
	"context"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// usagePlanKey is AWS::ApiGateway::UsagePlanKey: a key in a plan. Ref is both
// ids, with a colon between them.
type usagePlanKey struct{ base }

func (u usagePlanKey) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in apigateway.CreateUsagePlanKeyRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	id := val(in.KeyId) + ":" + val(in.UsagePlanId)
	made := stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Id": id}}
	err := run(ctx, u.base, apigateway.CreateUsagePlanKey, &in)
	if r.Again && present(err) {
		return made, nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return made, nil
}

// Update is never called: every property makes a new resource.
func (u usagePlanKey) Update(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, errors.New("a key of a usage plan cannot be changed")
}

func (u usagePlanKey) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	key, plan, _ := strings.Cut(r.PhysicalID, ":")
	return gone(run(ctx, u.base, apigateway.DeleteUsagePlanKey, &apigateway.DeleteUsagePlanKeyRequest{UsagePlanId: &plan, KeyId: &key}))
}

func (u usagePlanKey) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	key, plan, _ := strings.Cut(r.PhysicalID, ":")
	if err := run(ctx, u.base, apigateway.GetUsagePlanKey, &apigateway.GetUsagePlanKeyRequest{UsagePlanId: &plan, KeyId: &key}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
