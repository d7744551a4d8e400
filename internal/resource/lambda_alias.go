package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// alias is AWS::Lambda::Alias. Ref is its ARN.
type alias struct{ base }

// weights turns the routing, a list in templates, into the API's map. An empty
// one takes the routing away.
func weights(props *template.Value) *lambda.AliasRoutingConfiguration {
	out := &lambda.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
	for _, item := range items(props.Get("RoutingConfig"), "AdditionalVersionWeights") {
		w, _ := item.Get("FunctionWeight").AsFloat()
		out.AdditionalVersionWeights[text(item, "FunctionVersion")] = w
	}
	return out
}

func aliasProgress(c *lambda.AliasConfiguration) stack.Progress {
	return stack.Progress{PhysicalID: val(c.AliasArn), Attrs: stack.Attrs{"AliasArn": val(c.AliasArn)}}
}

func (a alias) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in lambda.CreateAliasRequest
	if err := bind(&in, r.Properties, "RoutingConfig", "ProvisionedConcurrencyConfig"); err != nil {
		return stack.Progress{}, err
	}
	if r.Properties.Has("RoutingConfig") {
		in.RoutingConfig = weights(r.Properties)
	}
	c, err := do(ctx, a.base, lambda.CreateAlias, &in)
	if r.Again && present(err) {
		return a.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return provision(ctx, a.base, r, aliasProgress(c))
}

func (a alias) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.UpdateAliasRequest{Description: ptr("")}
	if err := bind(&in, r.Properties, "RoutingConfig", "ProvisionedConcurrencyConfig"); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	in.RoutingConfig = weights(r.Properties)
	c, err := do(ctx, a.base, lambda.UpdateAlias, &in)
	if err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return provision(ctx, a.base, r, aliasProgress(c))
}

func (a alias) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	fn, name := qualified(r.PhysicalID)
	return gone(run(ctx, a.base, lambda.DeleteAlias, &lambda.DeleteAliasRequest{FunctionName: &fn, Name: &name}))
}

func (a alias) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	fn, name := qualified(r.PhysicalID)
	c, err := do(ctx, a.base, lambda.GetAlias, &lambda.GetAliasRequest{FunctionName: &fn, Name: &name})
	if err != nil {
		return nil, found(err)
	}
	return aliasProgress(c).Attrs, nil
}
