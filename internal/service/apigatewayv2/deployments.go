package apigatewayv2

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerDeployments() {
	awsapi.Handle(s.api, shapes.CreateDeployment, on("POST", func(in *shapes.CreateDeploymentRequest) string { return apiPath(in.ApiId) + "/deployments" }), s.createDeployment)
	awsapi.Handle(s.api, shapes.GetDeployment, on("GET", func(in *shapes.GetDeploymentRequest) string { return deploymentPath(in.ApiId, in.DeploymentId) }), s.getDeployment)
	awsapi.Handle(s.api, shapes.GetDeployments, on("GET", func(in *shapes.GetDeploymentsRequest) string { return apiPath(in.ApiId) + "/deployments" }), s.getDeployments)
	awsapi.Handle(s.api, shapes.UpdateDeployment, on("PATCH", func(in *shapes.UpdateDeploymentRequest) string { return deploymentPath(in.ApiId, in.DeploymentId) }), s.updateDeployment)
	awsapi.Handle(s.api, shapes.DeleteDeployment, on("DELETE", func(in *shapes.DeleteDeploymentRequest) string { return deploymentPath(in.ApiId, in.DeploymentId) }), s.deleteDeployment)
}

func deploymentPath(api, id *string) string { return apiPath(api) + "/deployments/" + value(id) }

func noSuchDeployment() *fault.Error { return notFound("Invalid Deployment identifier specified") }

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-deployments.html#CreateDeployment
func (s *Service) createDeployment(ctx context.Context, in *shapes.CreateDeploymentRequest) (*shapes.CreateDeploymentResponse, error) {
	var d *deployment
	err := s.update(ctx, in.ApiId, func(c *change) (err error) {
		if d, err = c.snapshot(); err != nil {
			return err
		}
		if len(d.Routes) == 0 {
			return badRequest("Unable to deploy API because no routes exist in this API")
		}
		d.DeploymentId, d.Description, d.AutoDeployed = ptr("m"+c.id), in.Description, ptr(false)
		if err := jsonrow.Set(c.Tx, c.part(deploymentKind, *in.ApiId, *d.DeploymentId), d); err != nil || in.StageName == nil {
			return err
		}
		st, err := part[shapes.Stage](c.Tx, c.space, stageKind, *in.ApiId, *in.StageName, noSuchStage())
		if err != nil {
			return err
		}
		if value(st.AutoDeploy) {
			return badRequest("Deployment ID cannot be set on stage '%s' because auto-deploy is enabled", *in.StageName)
		}
		st.DeploymentId, st.LastUpdatedDate = d.DeploymentId, &c.now
		return jsonrow.Set(c.Tx, c.part(stageKind, *in.ApiId, *in.StageName), st)
	})
	if err != nil {
		return nil, err
	}
	out := shapes.CreateDeploymentResponse(d.Deployment)
	return &out, nil
}

// snapshot copies what the API is now.
func (c *change) snapshot() (*deployment, error) {
	api := *c.api.ApiId
	d := &deployment{Deployment: shapes.Deployment{CreatedDate: &c.now, DeploymentStatus: ptr("DEPLOYED")}, CORS: c.api.CorsConfiguration}
	var err error
	if d.Routes, err = listTx[shapes.Route](c.Tx, c.parts(routeKind, api)); err != nil {
		return nil, err
	}
	d.Integrations, err = byID(c.Tx, c.parts(integrationKind, api), func(i *shapes.Integration) string { return *i.IntegrationId })
	if err != nil {
		return nil, err
	}
	d.Authorizers, err = byID(c.Tx, c.parts(authorizerKind, api), func(a *shapes.Authorizer) string { return *a.AuthorizerId })
	return d, err
}

func byID[T any](tx *kv.Tx, r kv.Range, id func(*T) string) (map[string]*T, error) {
	all, err := listTx[T](tx, r)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := make(map[string]*T, len(all))
	for _, v := range all {
		out[id(v)] = v
	}
	return out, nil
}

// autoDeploy lets the stages that deploy by themselves serve what the API is
// now. What they served before is forgotten, unless another stage serves it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html
func (c *change) autoDeploy() error {
	api := *c.api.ApiId
	sts, err := listTx[shapes.Stage](c.Tx, c.parts(stageKind, api))
	if err != nil {
		return err
	}
	var d *deployment
	for _, st := range sts {
		if !value(st.AutoDeploy) {
			continue
		}
		if d == nil {
			if d, err = c.snapshot(); err != nil {
				return err
			}
			d.DeploymentId, d.AutoDeployed = &c.id, ptr(true)
			d.Description = ptr("Automatic deployment triggered by changes to the Api configuration")
			if err := jsonrow.Set(c.Tx, c.part(deploymentKind, api, c.id), d); err != nil {
				return err
			}
		}
		before := value(st.DeploymentId)
		st.DeploymentId, st.LastUpdatedDate = d.DeploymentId, &c.now
		st.LastDeploymentStatusMessage = ptr("Successfully deployed stage with deployment ID '" + c.id + "'")
		if err := jsonrow.Set(c.Tx, c.part(stageKind, api, *st.StageName), st); err != nil {
			return err
		}
		if err := c.leave(before, *st.StageName); err != nil {
			return err
		}
	}
	return nil
}

// leave deletes a deployment that was made by itself, when the only stage that
// served it does not any more.
func (c *change) leave(id, stage string) error {
	if id == "" || id == c.id {
		return nil
	}
	d, err := jsonrow.Load[deployment](c.Tx, c.part(deploymentKind, *c.api.ApiId, id))
	if err != nil || d == nil || !value(d.AutoDeployed) {
		return err
	}
	by, err := c.servedBy(id)
	if err != nil || by != "" && by != stage {
		return err
	}
	c.Delete(c.part(deploymentKind, *c.api.ApiId, id))
	return nil
}

// servedBy is a stage that serves a deployment; "" when there is none.
func (c *change) servedBy(deployment string) (string, error) {
	sts, err := listTx[shapes.Stage](c.Tx, c.parts(stageKind, *c.api.ApiId))
	if err != nil {
		return "", err
	}
	for _, st := range sts {
		if value(st.DeploymentId) == deployment {
			return *st.StageName, nil
		}
	}
	return "", nil
}

func (s *Service) getDeployment(ctx context.Context, in *shapes.GetDeploymentRequest) (*shapes.GetDeploymentResponse, error) {
	d, err := getPart[deployment](ctx, s, deploymentKind, in.ApiId, in.DeploymentId, noSuchDeployment())
	if err != nil {
		return nil, err
	}
	out := shapes.GetDeploymentResponse(d.Deployment)
	return &out, nil
}

func (s *Service) getDeployments(ctx context.Context, in *shapes.GetDeploymentsRequest) (*shapes.GetDeploymentsResponse, error) {
	items, next, err := pageOfParts[deployment](ctx, s, deploymentKind, in.ApiId, in.NextToken, in.MaxResults)
	out := &shapes.GetDeploymentsResponse{Items: []shapes.Deployment{}, NextToken: next}
	for _, d := range items {
		out.Items = append(out.Items, d.Deployment)
	}
	return out, err
}

func (s *Service) updateDeployment(ctx context.Context, in *shapes.UpdateDeploymentRequest) (*shapes.UpdateDeploymentResponse, error) {
	d, err := annotatePart(ctx, s, deploymentKind, in.ApiId, in.DeploymentId, noSuchDeployment(), func(d *deployment) { d.Description = in.Description })
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateDeploymentResponse(d.Deployment)
	return &out, nil
}

func (s *Service) deleteDeployment(ctx context.Context, in *shapes.DeleteDeploymentRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		if _, err := part[deployment](c.Tx, c.space, deploymentKind, *in.ApiId, *in.DeploymentId, noSuchDeployment()); err != nil {
			return err
		}
		by, err := c.servedBy(*in.DeploymentId)
		if err != nil {
			return err
		}
		if by != "" {
			return badRequest("Active stages pointing to this deployment must be moved or deleted: %s", by)
		}
		c.Delete(c.part(deploymentKind, *in.ApiId, *in.DeploymentId))
		return nil
	})
}
