package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack"
)

// httpDeployment is AWS::ApiGatewayV2::Deployment. Ref is its id.
type httpDeployment struct{ base }

// Create deploys the API as it is. A repeated creation takes the deployment that
// the step has made.
func (h httpDeployment) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateDeploymentRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	if r.Again {
		made, err := first(func(token *string) ([]apigatewayv2.Deployment, *string, error) {
			out, err := do(ctx, h.base, apigatewayv2.GetDeployments, &apigatewayv2.GetDeploymentsRequest{ApiId: in.ApiId, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		}, func(d *apigatewayv2.Deployment) bool { return !val(d.AutoDeployed) && val(d.CreatedDate) >= r.Since })
		if err != nil {
			return stack.Progress{}, err
		}
		if made != nil {
			return httpDeploymentProgress(val(made.DeploymentId)), nil
		}
	}
	out, err := do(ctx, h.base, apigatewayv2.CreateDeployment, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return httpDeploymentProgress(val(out.DeploymentId)), nil
}

func httpDeploymentProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"DeploymentId": id}}
}

func (h httpDeployment) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done, api := httpDeploymentProgress(r.PhysicalID), text(r.Properties, "ApiId")
	if changed(r.Old, r.Properties, "Description") {
		in := apigatewayv2.UpdateDeploymentRequest{ApiId: &api, DeploymentId: &r.PhysicalID, Description: ptr(text(r.Properties, "Description"))}
		if err := run(ctx, h.base, apigatewayv2.UpdateDeployment, &in); err != nil {
			return done, err
		}
	}
	if name := text(r.Properties, "StageName"); name != "" && changed(r.Old, r.Properties, "StageName") {
		return done, run(ctx, h.base, apigatewayv2.UpdateStage, &apigatewayv2.UpdateStageRequest{ApiId: &api, StageName: &name, DeploymentId: &r.PhysicalID})
	}
	return done, nil
}

// Delete removes the deployment. One that a stage of another resource still
// serves stays for as long as its API.
func (h httpDeployment) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	err := run(ctx, h.base, apigatewayv2.DeleteDeployment, &apigatewayv2.DeleteDeploymentRequest{ApiId: &api, DeploymentId: &r.PhysicalID})
	if e, ok := fault.As(err); ok && strings.HasPrefix(e.Message, "Active stages") {
		err = nil
	}
	return gone(err)
}

func (h httpDeployment) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetDeployment, &apigatewayv2.GetDeploymentRequest{ApiId: &api, DeploymentId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return httpDeploymentProgress(r.PhysicalID).Attrs, nil
}
