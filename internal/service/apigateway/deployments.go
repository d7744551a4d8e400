package apigateway

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerDeployments() {
	awsapi.Handle(s.api, shapes.CreateDeployment, on("POST", func(in *shapes.CreateDeploymentRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/deployments"
	}), s.createDeployment)
	awsapi.Handle(s.api, shapes.GetDeployment, on("GET", func(in *shapes.GetDeploymentRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/deployments/" + value(in.DeploymentId)
	}), s.getDeployment)
	awsapi.Handle(s.api, shapes.GetDeployments, on("GET", func(in *shapes.GetDeploymentsRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/deployments"
	}), s.getDeployments)
	awsapi.Handle(s.api, shapes.UpdateDeployment, on("PATCH", func(in *shapes.UpdateDeploymentRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/deployments/" + value(in.DeploymentId)
	}), s.updateDeployment)
	awsapi.Handle(s.api, shapes.DeleteDeployment, on("DELETE", func(in *shapes.DeleteDeploymentRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/deployments/" + value(in.DeploymentId)
	}), s.deleteDeployment)
}

// snapshot copies what an API is now.
func snapshot(tx *kv.Tx, sp space, a *api, d *deployment) error {
	rs, err := list[resource](tx, sp.resources(*a.Id))
	if err != nil {
		return err
	}
	methods := 0
	for _, r := range rs {
		for _, m := range r.Methods {
			if m.MethodIntegration == nil {
				return badRequest("No integration defined for method")
			}
			methods++
		}
	}
	if methods == 0 {
		return badRequest("The REST API doesn't contain any methods")
	}
	responses, err := list[shapes.GatewayResponse](tx, sp.responses(*a.Id))
	if err != nil {
		return err
	}
	d.Resources, d.Binary, d.Responses = rs, a.BinaryMediaTypes, map[string]*shapes.GatewayResponse{}
	for _, g := range responses {
		d.Responses[*g.ResponseType] = g
	}
	d.Policy, d.KeySource, d.Compress = value(a.Policy), value(a.ApiKeySource), a.MinimumCompressionSize
	return d.takeParts(tx, sp, *a.Id)
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
func (s *Service) createDeployment(ctx context.Context, in *shapes.CreateDeploymentRequest) (*shapes.Deployment, error) {
	switch {
	case value(in.CacheClusterEnabled):
		return nil, badRequest("cacheClusterEnabled is not supported: responses are not cached.")
	case in.CanarySettings != nil:
		return nil, badRequest("canarySettings are not supported.")
	}
	now := s.clock.Now()
	id := newID(6)
	var d *deployment
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		d = &deployment{Deployment: shapes.Deployment{Id: &id, Description: in.Description, CreatedDate: &now}}
		if err := snapshot(tx, sp, a, d); err != nil {
			return err
		}
		if err := jsonrow.Set(tx, sp.deployment(*a.Id, id), d); err != nil {
			return err
		}
		if in.StageName == nil || *in.StageName == "" {
			return nil
		}
		return s.pointStage(tx, sp, *a.Id, id, in, now)
	})
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

// pointStage makes the stage of a new deployment, or moves it there.
func (s *Service) pointStage(tx *kv.Tx, sp space, apiID, deploymentID string, in *shapes.CreateDeploymentRequest, now clock.Instant) error {
	st, err := jsonrow.Load[shapes.Stage](tx, sp.stage(apiID, *in.StageName))
	if err != nil {
		return err
	}
	if st == nil {
		if st, err = newStage(*in.StageName, now); err != nil {
			return err
		}
	}
	st.DeploymentId, st.LastUpdatedDate = &deploymentID, &now
	if in.StageDescription != nil {
		st.Description = in.StageDescription
	}
	if in.Variables != nil {
		st.Variables = in.Variables
	}
	if in.TracingEnabled != nil {
		st.TracingEnabled = in.TracingEnabled
	}
	return jsonrow.Set(tx, sp.stage(apiID, *in.StageName), st)
}

func (s *Service) readDeployment(ctx context.Context, apiID, id string) (*deployment, error) {
	if _, err := s.readAPI(ctx, apiID); err != nil {
		return nil, err
	}
	var d *deployment
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		d, err = jsonrow.Load[deployment](sn, sp.deployment(apiID, id))
		return err
	})
	if err == nil && d == nil {
		err = noSuchDeployment()
	}
	return d, err
}

func (s *Service) getDeployment(ctx context.Context, in *shapes.GetDeploymentRequest) (*shapes.Deployment, error) {
	d, err := s.readDeployment(ctx, *in.RestApiId, *in.DeploymentId)
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

func (s *Service) getDeployments(ctx context.Context, in *shapes.GetDeploymentsRequest) (*shapes.Deployments, error) {
	if _, err := s.readAPI(ctx, *in.RestApiId); err != nil {
		return nil, err
	}
	var ds []*deployment
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		ds, err = list[deployment](sn, sp.deployments(*in.RestApiId))
		return err
	})
	if err != nil {
		return nil, err
	}
	ds, next, err := page(ds, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &shapes.Deployments{Items: []shapes.Deployment{}, Position: next}
	for _, d := range ds {
		out.Items = append(out.Items, d.Deployment)
	}
	return out, nil
}

func (s *Service) updateDeployment(ctx context.Context, in *shapes.UpdateDeploymentRequest) (*shapes.Deployment, error) {
	var d *deployment
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) (err error) {
		if d, err = jsonrow.Load[deployment](tx, sp.deployment(*a.Id, *in.DeploymentId)); err != nil {
			return err
		}
		if d == nil {
			return noSuchDeployment()
		}
		for _, p := range in.PatchOperations {
			if value(p.Path) != "/description" {
				return badPatch(p)
			}
			d.Description = p.Value
		}
		return jsonrow.Set(tx, sp.deployment(*a.Id, *d.Id), d)
	})
	if err != nil {
		return nil, err
	}
	return &d.Deployment, nil
}

func (s *Service) deleteDeployment(ctx context.Context, in *shapes.DeleteDeploymentRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		d, err := jsonrow.Load[deployment](tx, sp.deployment(*a.Id, *in.DeploymentId))
		if err != nil {
			return err
		}
		if d == nil {
			return noSuchDeployment()
		}
		stages, err := list[shapes.Stage](tx, sp.stages(*a.Id))
		if err != nil {
			return err
		}
		for _, st := range stages {
			if value(st.DeploymentId) == *d.Id {
				return badRequest("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		tx.Delete(sp.deployment(*a.Id, *d.Id))
		return nil
	})
}
