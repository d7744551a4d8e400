package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// httpAPI is AWS::ApiGatewayV2::Api. Ref is its id.
type httpAPI struct{ base }

func refusedOfHTTPAPI() []string { return []string{"BodyS3Location", "IpAddressType"} }

// imported are the properties that belong to the import of a definition.
func imported() []string { return []string{"Body", "BasePath", "FailOnWarnings"} }

// isImport reports whether an API is made from a definition. What only makes
// sense with one asks for it, and the service misses it.
func isImport(props *template.Value) bool {
	return slices.ContainsFunc(imported(), func(name string) bool { return props.Has(name) })
}

// Create makes an API, from its definition if it has one. The service gives the
// id, so a repeated creation looks for the API that it may have made: one of that
// name that is not older than the step.
func (a httpAPI) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if isImport(r.Properties) {
		return a.imports(ctx, r)
	}
	if r.Again {
		made, err := a.made(ctx, r, text(r.Properties, "Name"))
		if err != nil || made != nil {
			return httpProgress(r, made), err
		}
	}
	in := apigatewayv2.CreateApiRequest{}
	if err := bind(&in, r.Properties, imported()...); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, apigatewayv2.CreateApi, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	made := apigatewayv2.Api(*out)
	return httpProgress(r, &made), nil
}

// imports makes an API from its definition; the other properties come on top.
func (a httpAPI) imports(ctx context.Context, r stack.Request) (stack.Progress, error) {
	body := document(r.Properties.Get("Body"))
	var made *apigatewayv2.Api
	if r.Again {
		title, _ := r.Properties.Get("Body", "info", "title").AsString()
		var err error
		if made, err = a.made(ctx, r, title); err != nil {
			return stack.Progress{}, err
		}
	}
	if made == nil {
		out, err := do(ctx, a.base, apigatewayv2.ImportApi, &apigatewayv2.ImportApiRequest{Body: &body, Basepath: a.basePath(r), FailOnWarnings: a.strict(r)})
		if err != nil {
			return stack.Progress{}, err
		}
		x := apigatewayv2.Api(*out)
		made = &x
	}
	done := httpProgress(r, made)
	if err := a.onTop(ctx, r, made.ApiId); err != nil {
		return done, err
	}
	return done, a.tagV2(ctx, r, r.Stack.Scope.HTTPAPI(done.PhysicalID).String())
}

func (a httpAPI) basePath(r stack.Request) *string {
	if !r.Properties.Has("BasePath") {
		return nil
	}
	return ptr(text(r.Properties, "BasePath"))
}

func (a httpAPI) strict(r stack.Request) *bool {
	if !r.Properties.Has("FailOnWarnings") {
		return nil
	}
	return ptr(has(r.Properties, "FailOnWarnings"))
}

// onTop sets what properties say beside the definition.
func (a httpAPI) onTop(ctx context.Context, r stack.Request, id *string) error {
	in := apigatewayv2.UpdateApiRequest{ApiId: id, Description: taken(r, "Description"), Version: taken(r, "Version")}
	if r.Old.Has("DisableExecuteApiEndpoint") {
		in.DisableExecuteApiEndpoint = ptr(false)
	}
	if err := bind(&in, r.Properties, append(imported(), "ProtocolType", "Tags")...); err != nil {
		return err
	}
	// What was given when the API was made with a target is not given again.
	for _, f := range []struct {
		name string
		at   **string
	}{{"RouteKey", &in.RouteKey}, {"Target", &in.Target}, {"CredentialsArn", &in.CredentialsArn}} {
		if same(r.Old, r.Properties, f.name) {
			*f.at = nil
		}
	}
	if r.Old.Has("CorsConfiguration") && !r.Properties.Has("CorsConfiguration") {
		if err := run(ctx, a.base, apigatewayv2.DeleteCorsConfiguration, &apigatewayv2.DeleteCorsConfigurationRequest{ApiId: id}); err != nil {
			return err
		}
	}
	if r.Old == nil && !r.Properties.Has("Name") && len(plain(r.Properties)) == 0 {
		return nil
	}
	return run(ctx, a.base, apigatewayv2.UpdateApi, &in)
}

// plain are the properties that are not about the import.
func plain(props *template.Value) []string {
	var out []string
	for _, f := range props.Fields {
		switch f.Key {
		case "Body", "BasePath", "FailOnWarnings", "ProtocolType", "Tags":
		default:
			out = append(out, f.Key)
		}
	}
	return out
}

func httpProgress(r stack.Request, a *apigatewayv2.Api) stack.Progress {
	if a == nil {
		return stack.Progress{}
	}
	id := val(a.ApiId)
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{
		"ApiId": id, "ApiEndpoint": val(a.ApiEndpoint), "ExecuteApiArn": r.Stack.Scope.Of("execute-api", id).String(),
	}}
}

func (a httpAPI) made(ctx context.Context, r stack.Request, name string) (*apigatewayv2.Api, error) {
	return first(func(token *string) ([]apigatewayv2.Api, *string, error) {
		out, err := do(ctx, a.base, apigatewayv2.GetApis, &apigatewayv2.GetApisRequest{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	}, func(x *apigatewayv2.Api) bool { return val(x.Name) == name && val(x.CreatedDate) >= r.Since })
}

func (a httpAPI) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: r.Attrs}
	if isImport(r.Properties) && changed(r.Old, r.Properties, imported()...) {
		body := document(r.Properties.Get("Body"))
		in := apigatewayv2.ReimportApiRequest{ApiId: &r.PhysicalID, Body: &body, Basepath: a.basePath(r), FailOnWarnings: a.strict(r)}
		if err := run(ctx, a.base, apigatewayv2.ReimportApi, &in); err != nil {
			return done, err
		}
	}
	if err := a.onTop(ctx, r, &r.PhysicalID); err != nil {
		return done, err
	}
	return done, a.tagV2(ctx, r, r.Stack.Scope.HTTPAPI(r.PhysicalID).String())
}

func (a httpAPI) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, a.base, apigatewayv2.DeleteApi, &apigatewayv2.DeleteApiRequest{ApiId: &r.PhysicalID}))
}

func (a httpAPI) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, a.base, apigatewayv2.GetApi, &apigatewayv2.GetApiRequest{ApiId: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	x := apigatewayv2.Api(*out)
	return httpProgress(r, &x).Attrs, nil
}
