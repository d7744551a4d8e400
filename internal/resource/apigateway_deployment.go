package resource

import (
	"context"
	"errors"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// deployment is AWS::ApiGateway::Deployment, with the stage that it makes or
// moves when it has a StageName. Ref is its id.
type deployment struct{ base }

func refusedOfDeployment() []string {
	return []string{
		"DeploymentCanarySettings", "StageDescription.CanarySetting", "StageDescription.ClientCertificateId", "StageDescription.DocumentationVersion",
	}
}

// redeploys: what a deployment does to its stage, it does when it is made.
func redeploys(_, _ *template.Value, changed []string) bool {
	return slices.Contains(changed, "StageName") || slices.Contains(changed, "StageDescription")
}

// previous is the attribute that holds what the stage served before: when the
// deployment is taken back, the stage goes back too.
const previous = "nube:PreviousDeployment"

func (d deployment) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api, stage := text(r.Properties, "RestApiId"), text(r.Properties, "StageName")
	if stage == "" && r.Properties.Has("StageDescription") {
		return stack.Progress{}, errors.New("StageDescription describes the stage of StageName, which is missing")
	}
	was, err := d.serves(ctx, api, stage)
	if err != nil {
		return stack.Progress{}, err
	}
	id := ""
	if r.Again {
		var before string
		if id, before, err = d.made(ctx, api, r); err != nil {
			return stack.Progress{}, err
		}
		if was == id {
			was = before
		}
	}
	if id == "" {
		in := apigateway.CreateDeploymentRequest{}
		if err := bind(&in, r.Properties, "StageDescription"); err != nil {
			return stack.Progress{}, err
		}
		about := r.Properties.Get("StageDescription")
		if about != nil {
			own := template.New(about.Pos, template.Object{})
			for _, name := range []string{"CacheClusterEnabled", "CacheClusterSize", "Variables", "TracingEnabled"} {
				if v := about.Get(name); v != nil {
					own = own.With(name, v)
				}
			}
			if err := bind(&in, own); err != nil {
				return stack.Progress{}, err
			}
			if desc := about.Get("Description"); desc != nil {
				in.StageDescription = &desc.Text
			}
		}
		out, err := do(ctx, d.base, apigateway.CreateDeployment, &in)
		if err != nil {
			return stack.Progress{}, err
		}
		id = val(out.Id)
	}
	made := stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"DeploymentId": id}}
	if was != "" && was != id {
		made.Attrs[previous] = was
	}
	return made, d.describeStage(ctx, r, api, stage)
}

// describeStage sets what of a stage cannot be said when its deployment is
// made.
func (d deployment) describeStage(ctx context.Context, r stack.Request, api, name string) error {
	about := r.Properties.Get("StageDescription")
	if about == nil || name == "" {
		return nil
	}
	var p patch
	settings(&p, "/*/*", about)
	for _, s := range items(about, "MethodSettings") {
		settings(&p, settingsPath(s), s)
	}
	accessLogs(&p, nil, about.Get("AccessLogSetting"))
	if len(p) > 0 {
		if err := run(ctx, d.base, apigateway.UpdateStage, &apigateway.UpdateStageRequest{RestApiId: &api, StageName: &name, PatchOperations: p}); err != nil {
			return err
		}
	}
	return d.tag(ctx, stack.Request{Properties: about}, stageARN(r, api, name))
}

// serves returns the deployment that a stage serves, or nothing.
func (b base) serves(ctx context.Context, api, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	st, err := do(ctx, b, apigateway.GetStage, &apigateway.GetStageRequest{RestApiId: &api, StageName: &name})
	if absent(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return val(st.DeploymentId), nil
}

// made returns the deployment that an earlier call of the same step has made,
// the newest one that is not older than the step, and the newest before it.
func (d deployment) made(ctx context.Context, api string, r stack.Request) (id, before string, err error) {
	var position *string
	var newest, older apigateway.Deployment
	for {
		out, err := do(ctx, d.base, apigateway.GetDeployments, &apigateway.GetDeploymentsRequest{RestApiId: &api, Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return "", "", err
		}
		for _, x := range out.Items {
			switch made := val(x.CreatedDate); {
			case made >= r.Since && made >= val(newest.CreatedDate):
				newest = x
			case made < r.Since && made >= val(older.CreatedDate):
				older = x
			}
		}
		if position = out.Position; position == nil {
			return val(newest.Id), val(older.Id), nil
		}
	}
}

func (d deployment) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: r.Attrs}
	api := text(r.Properties, "RestApiId")
	var p patch
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	if len(p) == 0 {
		return done, nil
	}
	return done, run(ctx, d.base, apigateway.UpdateDeployment, &apigateway.UpdateDeploymentRequest{RestApiId: &api, DeploymentId: &r.PhysicalID, PatchOperations: p})
}

// Delete removes the deployment. A stage that it made and that still serves it
// goes back to what it served before, or goes with it.
func (d deployment) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api, name := text(r.Properties, "RestApiId"), text(r.Properties, "StageName")
	now, err := d.serves(ctx, api, name)
	if err != nil {
		return stack.Progress{}, err
	}
	if now != "" && now == r.PhysicalID {
		if err := d.leave(ctx, r, api, name); err != nil {
			return stack.Progress{}, err
		}
	}
	return gone(run(ctx, d.base, apigateway.DeleteDeployment, &apigateway.DeleteDeploymentRequest{RestApiId: &api, DeploymentId: &r.PhysicalID}))
}

// leave makes a stage serve something else than the deployment.
func (d deployment) leave(ctx context.Context, r stack.Request, api, name string) error {
	if was, ok := r.Attrs[previous].(string); ok {
		err := run(ctx, d.base, apigateway.GetDeployment, &apigateway.GetDeploymentRequest{RestApiId: &api, DeploymentId: &was})
		if err == nil {
			var p patch
			p.add("replace", "/deploymentId", was)
			return run(ctx, d.base, apigateway.UpdateStage, &apigateway.UpdateStageRequest{RestApiId: &api, StageName: &name, PatchOperations: p})
		}
		if !absent(err) {
			return err
		}
	}
	err := run(ctx, d.base, apigateway.DeleteStage, &apigateway.DeleteStageRequest{RestApiId: &api, StageName: &name})
	if absent(err) {
		return nil
	}
	return err
}

func (d deployment) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	if err := run(ctx, d.base, apigateway.GetDeployment, &apigateway.GetDeploymentRequest{RestApiId: &api, DeploymentId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{"DeploymentId": r.PhysicalID}, nil
}
