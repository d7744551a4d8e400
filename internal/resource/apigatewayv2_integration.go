package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// httpIntegration is AWS::ApiGatewayV2::Integration. Ref is its id.
type httpIntegration struct{ base }

// refusedOfIntegration: private integrations, integrations with other services
// and those of WebSocket APIs.
func refusedOfIntegration() []string {
	return []string{
		"ConnectionId", "ContentHandlingStrategy", "IntegrationSubtype", "PassthroughBehavior", "RequestTemplates",
		"TemplateSelectionExpression", "TlsConfig",
	}
}

// Create makes an integration. Nothing but its id tells it from others that lead
// to the same place, so one that an interrupted creation may have made stays
// behind unused, until its API is deleted.
func (h httpIntegration) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateIntegrationRequest{ResponseParameters: responseParameters(r.Properties)}
	if err := bind(&in, r.Properties, "ResponseParameters"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, h.base, apigatewayv2.CreateIntegration, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return integrationProgress(val(out.IntegrationId)), nil
}

func integrationProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"IntegrationId": id}}
}

// responseParameters turns the lists of mappings that templates have for each
// status into the API's maps.
func responseParameters(props *template.Value) map[string]map[string]string {
	all := props.Get("ResponseParameters")
	if all == nil {
		return nil
	}
	out := map[string]map[string]string{}
	for _, f := range all.Fields {
		m := map[string]string{}
		for _, item := range items(f.Value, "ResponseParameters") {
			m[text(item, "Destination")] = text(item, "Source")
		}
		out[f.Key] = m
	}
	return out
}

func (h httpIntegration) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateIntegrationRequest{
		IntegrationId: &r.PhysicalID, TimeoutInMillis: ptr(int32(30_000)), Description: taken(r, "Description"),
		IntegrationMethod: taken(r, "IntegrationMethod"), CredentialsArn: taken(r, "CredentialsArn"), ResponseParameters: map[string]map[string]string{},
	}
	if err := bind(&in, r.Properties, "ResponseParameters", "RequestParameters"); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	// An empty mapping takes away what there was.
	in.RequestParameters = map[string]string{}
	for _, version := range []*template.Value{r.Old, r.Properties} {
		if m := version.Get("RequestParameters"); m != nil {
			for _, f := range m.Fields {
				in.RequestParameters[f.Key] = ""
				if version == r.Properties {
					in.RequestParameters[f.Key] = f.Value.Text
				}
			}
		}
	}
	for status := range responseParameters(r.Old) {
		in.ResponseParameters[status] = map[string]string{}
	}
	for status, m := range responseParameters(r.Properties) {
		in.ResponseParameters[status] = m
	}
	return integrationProgress(r.PhysicalID), run(ctx, h.base, apigatewayv2.UpdateIntegration, &in)
}

func (h httpIntegration) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	return gone(run(ctx, h.base, apigatewayv2.DeleteIntegration, &apigatewayv2.DeleteIntegrationRequest{ApiId: &api, IntegrationId: &r.PhysicalID}))
}

func (h httpIntegration) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetIntegration, &apigatewayv2.GetIntegrationRequest{ApiId: &api, IntegrationId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return integrationProgress(r.PhysicalID).Attrs, nil
}
