package resource

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// restAPI is AWS::ApiGateway::RestApi. Ref is its id.
type restAPI struct{ base }

func refusedOfRestAPI() []string {
	return []string{
		"Body", "BodyS3Location", "CloneFrom", "EndpointAccessMode", "EndpointConfiguration.IpAddressType", "EndpointConfiguration.VpcEndpointIds", "FailOnWarnings", "Mode",
		"Parameters", "SecurityPolicy",
	}
}

// Create makes an API. The service gives the id, so a repeated creation looks
// for the API that it may have made: one of that name that is not older than the
// step.
func (a restAPI) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if r.Again {
		made, err := a.made(ctx, r)
		if err != nil {
			return stack.Progress{}, err
		}
		if made != nil {
			return restProgress(made), nil
		}
	}
	in := apigateway.CreateRestApiRequest{Tags: tagMap(r.Properties)}
	if err := bind(&in, r.Properties, "ApiKeySourceType=ApiKeySource", "Tags"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, apigateway.CreateRestApi, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return restProgress(out), nil
}

func restProgress(a *apigateway.RestApi) stack.Progress {
	return stack.Progress{PhysicalID: val(a.Id), Attrs: stack.Attrs{"RootResourceId": val(a.RootResourceId), "RestApiId": val(a.Id)}}
}

func (a restAPI) made(ctx context.Context, r stack.Request) (*apigateway.RestApi, error) {
	var position *string
	for {
		out, err := do(ctx, a.base, apigateway.GetRestApis, &apigateway.GetRestApisRequest{Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return nil, err
		}
		for i := range out.Items {
			x := &out.Items[i]
			if val(x.Name) == text(r.Properties, "Name") && val(x.CreatedDate) >= r.Since {
				return x, nil
			}
		}
		if position = out.Position; position == nil {
			return nil, nil
		}
	}
}

func (a restAPI) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var p patch
	p.scalar(r.Old, r.Properties, "Name", "/name", "")
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	p.scalar(r.Old, r.Properties, "Version", "/version", "")
	p.scalar(r.Old, r.Properties, "ApiKeySourceType", "/apiKeySource", "HEADER")
	p.scalar(r.Old, r.Properties, "DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint", "false")
	p.scalar(r.Old, r.Properties, "MinimumCompressionSize", "/minimumCompressionSize", "")
	p.members(texts(r.Old, "BinaryMediaTypes"), texts(r.Properties, "BinaryMediaTypes"), "/binaryMediaTypes")
	if had, has := document(r.Old.Get("Policy")), document(r.Properties.Get("Policy")); had != has {
		p.add("replace", "/policy", has)
	}
	was, is := texts(r.Old.Get("EndpointConfiguration"), "Types"), texts(r.Properties.Get("EndpointConfiguration"), "Types")
	if len(was) == 0 {
		was = []string{"EDGE"}
	}
	if len(is) == 0 {
		is = []string{"EDGE"}
	}
	if was[0] != is[0] {
		p.add("replace", "/endpointConfiguration/types/"+was[0], is[0])
	}
	if len(p) > 0 {
		if err := run(ctx, a.base, apigateway.UpdateRestApi, &apigateway.UpdateRestApiRequest{RestApiId: &r.PhysicalID, PatchOperations: p}); err != nil {
			return stack.Progress{PhysicalID: r.PhysicalID}, err
		}
	}
	if err := a.tag(ctx, r, r.Stack.Scope.RestAPI(r.PhysicalID).String()); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	out, err := do(ctx, a.base, apigateway.GetRestApi, &apigateway.GetRestApiRequest{RestApiId: &r.PhysicalID})
	if err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return restProgress(out), nil
}

// gatewayARN is the ARN of something of API Gateway that is no API.
func gatewayARN(r stack.Request, path string) string {
	s := r.Stack.Scope
	return arn.Scope{Partition: s.Partition, Region: s.Region}.Of("apigateway", path).String()
}

// tag makes the tags of something of API Gateway what the properties say.
func (b base) tag(ctx context.Context, r stack.Request, arn string) error {
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, b, apigateway.UntagResource, &apigateway.UntagResourceRequest{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	return run(ctx, b, apigateway.TagResource, &apigateway.TagResourceRequest{ResourceArn: &arn, Tags: set})
}

func (a restAPI) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, a.base, apigateway.DeleteRestApi, &apigateway.DeleteRestApiRequest{RestApiId: &r.PhysicalID}))
}

func (a restAPI) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, a.base, apigateway.GetRestApi, &apigateway.GetRestApiRequest{RestApiId: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return restProgress(out).Attrs, nil
}
