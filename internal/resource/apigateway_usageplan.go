package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// usagePlan is AWS::ApiGateway::UsagePlan. Ref is its id.
type usagePlan struct{ base }

// Create makes a plan. One without a name gets the name of the resource. A
// repeated creation looks for a plan of that name for the same stages.
func (u usagePlan) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "UsagePlanName")
	if name == "" {
		name = r.PhysicalID
	}
	in := apigateway.CreateUsagePlanRequest{Name: &name, Tags: tagMap(r.Properties)}
	if err := bind(&in, r.Properties, "UsagePlanName", "Tags"); err != nil {
		return stack.Progress{}, err
	}
	if r.Again {
		id, err := u.find(ctx, &in)
		if err != nil || id != "" {
			return planProgress(id), err
		}
	}
	out, err := do(ctx, u.base, apigateway.CreateUsagePlan, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return planProgress(val(out.Id)), nil
}

func planProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Id": id}}
}

func (u usagePlan) find(ctx context.Context, in *apigateway.CreateUsagePlanRequest) (string, error) {
	var position *string
	for {
		out, err := do(ctx, u.base, apigateway.GetUsagePlans, &apigateway.GetUsagePlansRequest{Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return "", err
		}
		for _, x := range out.Items {
			if val(x.Name) == val(in.Name) && sameStages(x.ApiStages, in.ApiStages) {
				return val(x.Id), nil
			}
		}
		if position = out.Position; position == nil {
			return "", nil
		}
	}
}

func sameStages(a, b []apigateway.ApiStage) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if val(a[i].ApiId) != val(b[i].ApiId) || val(a[i].Stage) != val(b[i].Stage) {
			return false
		}
	}
	return true
}

func (u usagePlan) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := planProgress(r.PhysicalID)
	var p patch
	p.scalar(r.Old, r.Properties, "UsagePlanName", "/name", r.LogicalID)
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	limits(&p, r.Old.Get("Quota"), r.Properties.Get("Quota"), "/quota", "Limit", "Offset", "Period")
	limits(&p, r.Old.Get("Throttle"), r.Properties.Get("Throttle"), "/throttle", "BurstLimit", "RateLimit")
	p.stages(r.Old, r.Properties)
	if len(p) > 0 {
		if err := run(ctx, u.base, apigateway.UpdateUsagePlan, &apigateway.UpdateUsagePlanRequest{UsagePlanId: &r.PhysicalID, PatchOperations: p}); err != nil {
			return done, err
		}
	}
	return done, u.tag(ctx, r, gatewayARN(r, "/usageplans/"+r.PhysicalID))
}

// limits brings a quota or a throttle from one version to another.
func limits(p *patch, old, new *template.Value, path string, names ...string) {
	if old != nil && new == nil {
		p.add("remove", path, "")
		return
	}
	for _, name := range names {
		if is := new.Get(name); is != nil && !same(old, new, name) {
			p.add("replace", path+"/"+lowerFirst(name), is.Text)
		} else if is == nil && old.Get(name) != nil {
			p.add("remove", path+"/"+lowerFirst(name), "")
		}
	}
}

func lowerFirst(s string) string { return string(s[0]|0x20) + s[1:] }

// stages brings the stages of a plan from one version to another. One whose
// throttles differ goes and comes again.
func (p *patch) stages(old, new *template.Value) {
	was, is := map[string]*template.Value{}, map[string]*template.Value{}
	name := func(st *template.Value) string { return text(st, "ApiId") + ":" + text(st, "Stage") }
	for _, st := range items(new, "ApiStages") {
		is[name(st)] = st
	}
	for _, st := range items(old, "ApiStages") {
		was[name(st)] = st
		if have := is[name(st)]; have == nil || !template.Equal(have, st) {
			p.addTo("remove", "/apiStages", name(st))
		}
	}
	for _, st := range items(new, "ApiStages") {
		if have := was[name(st)]; have != nil && template.Equal(have, st) {
			continue
		}
		p.add("add", "/apiStages", name(st))
		if throttle := st.Get("Throttle"); throttle != nil {
			for _, f := range throttle.Fields {
				limits(p, nil, f.Value, "/apiStages/"+name(st)+"/throttle/"+pointer(f.Key), "BurstLimit", "RateLimit")
			}
		}
	}
}

// Delete takes the plan's stages away first, without which it could not go.
func (u usagePlan) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	have, err := do(ctx, u.base, apigateway.GetUsagePlan, &apigateway.GetUsagePlanRequest{UsagePlanId: &r.PhysicalID})
	if err != nil {
		return gone(err)
	}
	var p patch
	for _, st := range have.ApiStages {
		p.addTo("remove", "/apiStages", val(st.ApiId)+":"+val(st.Stage))
	}
	if len(p) > 0 {
		if err := run(ctx, u.base, apigateway.UpdateUsagePlan, &apigateway.UpdateUsagePlanRequest{UsagePlanId: &r.PhysicalID, PatchOperations: p}); err != nil {
			return gone(err)
		}
	}
	return gone(run(ctx, u.base, apigateway.DeleteUsagePlan, &apigateway.DeleteUsagePlanRequest{UsagePlanId: &r.PhysicalID}))
}

func (u usagePlan) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, u.base, apigateway.GetUsagePlan, &apigateway.GetUsagePlanRequest{UsagePlanId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return planProgress(r.PhysicalID).Attrs, nil
}
