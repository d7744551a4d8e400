package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// basePathMapping is AWS::ApiGateway::BasePathMapping. Ref is the domain name
// and the base path, with a bar between them.
type basePathMapping struct{ base }

func (b basePathMapping) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in apigateway.CreateBasePathMappingRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	base := text(r.Properties, "BasePath")
	if base == "" {
		base = "(none)"
	}
	made := stack.Progress{PhysicalID: val(in.DomainName) + "|" + base}
	err := run(ctx, b.base, apigateway.CreateBasePathMapping, &in)
	if r.Again && present(err) {
		return made, nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return made, nil
}

func (b basePathMapping) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	var p patch
	p.scalar(r.Old, r.Properties, "RestApiId", "/restapiId", "")
	p.scalar(r.Old, r.Properties, "Stage", "/stage", "")
	if len(p) == 0 {
		return done, nil
	}
	domain, base, _ := strings.Cut(r.PhysicalID, "|")
	return done, run(ctx, b.base, apigateway.UpdateBasePathMapping, &apigateway.UpdateBasePathMappingRequest{DomainName: &domain, BasePath: &base, PatchOperations: p})
}

func (b basePathMapping) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	domain, base, _ := strings.Cut(r.PhysicalID, "|")
	return gone(run(ctx, b.base, apigateway.DeleteBasePathMapping, &apigateway.DeleteBasePathMappingRequest{DomainName: &domain, BasePath: &base}))
}

func (b basePathMapping) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	domain, base, _ := strings.Cut(r.PhysicalID, "|")
	return stack.Attrs{}, found(run(ctx, b.base, apigateway.GetBasePathMapping, &apigateway.GetBasePathMappingRequest{DomainName: &domain, BasePath: &base}))
}
