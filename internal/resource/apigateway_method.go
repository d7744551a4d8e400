package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// method is AWS::ApiGateway::Method, with its integration and responses. Ref is
// an id of CloudFormation's own.
type method struct{ base }

// methodKey is which method a request is about.
type methodKey struct{ api, resource, verb string }

func keyOf(props *template.Value) methodKey {
	return methodKey{api: text(props, "RestApiId"), resource: text(props, "ResourceId"), verb: text(props, "HttpMethod")}
}

func (m method) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if r.Again {
		if err := m.remove(ctx, keyOf(r.Properties)); err != nil {
			return stack.Progress{}, err
		}
	}
	in := apigateway.PutMethodRequest{AuthorizationType: ptr("NONE")}
	if err := bind(&in, r.Properties, "Integration", "MethodResponses"); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, m.base, apigateway.PutMethod, &in); err != nil {
		return stack.Progress{}, err
	}
	made := stack.Progress{PhysicalID: r.PhysicalID}
	k := keyOf(r.Properties)
	for _, item := range items(r.Properties, "MethodResponses") {
		in := apigateway.PutMethodResponseRequest{RestApiId: &k.api, ResourceId: &k.resource, HttpMethod: &k.verb}
		if err := bind(&in, item); err != nil {
			return made, err
		}
		if err := run(ctx, m.base, apigateway.PutMethodResponse, &in); err != nil {
			return made, err
		}
	}
	return made, m.integrate(ctx, k, r.Properties.Get("Integration"))
}

// integrate puts the integration and its responses.
func (m method) integrate(ctx context.Context, k methodKey, props *template.Value) error {
	if props == nil {
		return nil
	}
	in := apigateway.PutIntegrationRequest{RestApiId: &k.api, ResourceId: &k.resource, HttpMethod: &k.verb}
	if err := bind(&in, props, "IntegrationResponses"); err != nil {
		return err
	}
	if err := run(ctx, m.base, apigateway.PutIntegration, &in); err != nil {
		return err
	}
	for _, item := range items(props, "IntegrationResponses") {
		in := apigateway.PutIntegrationResponseRequest{RestApiId: &k.api, ResourceId: &k.resource, HttpMethod: &k.verb}
		if err := bind(&in, item); err != nil {
			return err
		}
		if err := run(ctx, m.base, apigateway.PutIntegrationResponse, &in); err != nil {
			return err
		}
	}
	return nil
}

func (m method) remove(ctx context.Context, k methodKey) error {
	err := run(ctx, m.base, apigateway.DeleteMethod, &apigateway.DeleteMethodRequest{RestApiId: &k.api, ResourceId: &k.resource, HttpMethod: &k.verb})
	if absent(err) {
		return nil
	}
	return err
}

// Update makes the method anew. Nobody notices: what is served is the snapshot
// of a deployment.
func (m method) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	r.Again = true
	p, err := m.Create(ctx, r)
	p.PhysicalID = r.PhysicalID
	return p, err
}

func (m method) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return stack.Progress{}, m.remove(ctx, keyOf(r.Properties))
}

func (m method) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	k := keyOf(r.Properties)
	return stack.Attrs{}, found(run(ctx, m.base, apigateway.GetMethod, &apigateway.GetMethodRequest{RestApiId: &k.api, ResourceId: &k.resource, HttpMethod: &k.verb}))
}
