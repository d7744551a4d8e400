package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// httpStage is AWS::ApiGatewayV2::Stage. Ref is its name.
type httpStage struct{ base }

func (h httpStage) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateStageRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	err := run(ctx, h.base, apigatewayv2.CreateStage, &in)
	r.PhysicalID = val(in.StageName)
	if r.Again && present(err) {
		return h.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID}, nil
}

func (h httpStage) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	api := text(r.Properties, "ApiId")
	if r.Old.Has("AccessLogSettings") && !r.Properties.Has("AccessLogSettings") {
		if err := run(ctx, h.base, apigatewayv2.DeleteAccessLogSettings, &apigatewayv2.DeleteAccessLogSettingsRequest{ApiId: &api, StageName: &r.PhysicalID}); err != nil {
			return done, err
		}
	}
	for _, key := range without(r.Old.Get("RouteSettings"), r.Properties.Get("RouteSettings")) {
		err := run(ctx, h.base, apigatewayv2.DeleteRouteSettings, &apigatewayv2.DeleteRouteSettingsRequest{ApiId: &api, StageName: &r.PhysicalID, RouteKey: &key})
		if err != nil && !absent(err) {
			return done, err
		}
	}
	in := apigatewayv2.UpdateStageRequest{AutoDeploy: ptr(false), Description: taken(r, "Description"), DefaultRouteSettings: &apigatewayv2.RouteSettings{DetailedMetricsEnabled: ptr(false)}}
	if err := bind(&in, r.Properties, "Tags"); err != nil {
		return done, err
	}
	for _, name := range without(r.Old.Get("StageVariables"), r.Properties.Get("StageVariables")) {
		if in.StageVariables == nil {
			in.StageVariables = map[string]string{}
		}
		in.StageVariables[name] = ""
	}
	if err := run(ctx, h.base, apigatewayv2.UpdateStage, &in); err != nil {
		return done, err
	}
	return done, h.tagV2(ctx, r, r.Stack.Scope.HTTPAPI(api).String()+"/stages/"+r.PhysicalID)
}

// without are the keys of a map that another has not.
func without(old, new *template.Value) []string {
	if old == nil {
		return nil
	}
	var out []string
	for _, f := range old.Fields {
		if !new.Has(f.Key) {
			out = append(out, f.Key)
		}
	}
	return out
}

func (h httpStage) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	return gone(run(ctx, h.base, apigatewayv2.DeleteStage, &apigatewayv2.DeleteStageRequest{ApiId: &api, StageName: &r.PhysicalID}))
}

func (h httpStage) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetStage, &apigatewayv2.GetStageRequest{ApiId: &api, StageName: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{}, nil
}
