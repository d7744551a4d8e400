package apigateway

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s space) usagePlan(id string) kv.Key { return s.Key().Str("plan").Str(id).Done() }

func (s space) usagePlans() kv.Range { return kv.Range(s.Key().Str("plan").Range()) }

func planPath(id *string) string { return "/usageplans/" + value(id) }

func (s *Service) registerUsagePlans() {
	awsapi.Handle(s.api, shapes.CreateUsagePlan, on("POST", func(*shapes.CreateUsagePlanRequest) string { return "/usageplans" }), s.createUsagePlan)
	awsapi.Handle(s.api, shapes.GetUsagePlan, on("GET", func(in *shapes.GetUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.getUsagePlan)
	awsapi.Handle(s.api, shapes.GetUsagePlans, on("GET", func(*shapes.GetUsagePlansRequest) string { return "/usageplans" }), s.getUsagePlans)
	awsapi.Handle(s.api, shapes.UpdateUsagePlan, on("PATCH", func(in *shapes.UpdateUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.updateUsagePlan)
	awsapi.Handle(s.api, shapes.DeleteUsagePlan, on("DELETE", func(in *shapes.DeleteUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.deleteUsagePlan)
	s.registerMembers()
	awsapi.Handle(s.api, shapes.GetUsage, on("GET", func(in *shapes.GetUsageRequest) string { return planPath(in.UsagePlanId) + "/usage" }), s.getUsage)
	awsapi.Handle(s.api, shapes.UpdateUsage, on("PATCH", func(in *shapes.UpdateUsageRequest) string {
		return planPath(in.UsagePlanId) + "/keys/" + value(in.KeyId) + "/usage"
	}), s.updateUsage)
}

func noSuchPlan() *fault.Error { return notFound("Invalid Usage Plan ID specified") }

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlan.html
func (s *Service) createUsagePlan(ctx context.Context, in *shapes.CreateUsagePlanRequest) (*shapes.UsagePlan, error) {
	p := &shapes.UsagePlan{
		Id: ptr(newID(6)), Name: in.Name, Description: in.Description, ApiStages: in.ApiStages, Throttle: in.Throttle, Quota: in.Quota, Tags: in.Tags,
	}
	if p.ApiStages == nil {
		p.ApiStages = []shapes.ApiStage{}
	}
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		if err := sound(tx, sp, p); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.usagePlan(*p.Id), p)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// sound refuses a plan of what does not exist or could not be counted.
func sound(tx *kv.Tx, sp space, p *shapes.UsagePlan) error {
	if q := p.Quota; q != nil {
		days := map[string]int32{"DAY": 0, "WEEK": 6, "MONTH": 27}
		most, ok := days[value(q.Period)]
		switch {
		case !ok:
			return badRequest("Usage Plan quota period should be one of DAY, WEEK, MONTH")
		case value(q.Limit) < 0:
			return badRequest("Usage Plan quota limit must not be negative")
		case value(q.Offset) < 0 || value(q.Offset) > most:
			return badRequest("Usage Plan quota offset must be between 0 and %d for the period %s", most, value(q.Period))
		}
	}
	for _, st := range p.ApiStages {
		had, err := tx.Get(sp.stage(value(st.ApiId), value(st.Stage)))
		if err != nil {
			return err
		}
		if had == nil {
			return notFound("API Stage not found: %s:%s", value(st.ApiId), value(st.Stage))
		}
	}
	return nil
}

func (s *Service) readPlan(ctx context.Context, id string) (*shapes.UsagePlan, error) {
	var p *shapes.UsagePlan
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		p, err = jsonrow.Load[shapes.UsagePlan](sn, sp.usagePlan(id))
		return err
	})
	if err == nil && p == nil {
		return nil, noSuchPlan()
	}
	return p, err
}

func (s *Service) getUsagePlan(ctx context.Context, in *shapes.GetUsagePlanRequest) (*shapes.UsagePlan, error) {
	return s.readPlan(ctx, *in.UsagePlanId)
}

func (s *Service) getUsagePlans(ctx context.Context, in *shapes.GetUsagePlansRequest) (*shapes.UsagePlans, error) {
	var fitting []*shapes.UsagePlan
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		all, err := list[shapes.UsagePlan](sn, sp.usagePlans())
		for _, p := range all {
			if in.KeyId != nil {
				member, err := sn.Get(sp.planKey(*p.Id, *in.KeyId))
				if err != nil {
					return err
				}
				if member == nil {
					continue
				}
			}
			fitting = append(fitting, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := pageOf(fitting, in.Position, in.Limit)
	return &shapes.UsagePlans{Items: items, Position: next}, err
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsagePlan.html
func (s *Service) updateUsagePlan(ctx context.Context, in *shapes.UpdateUsagePlanRequest) (*shapes.UsagePlan, error) {
	var plan *shapes.UsagePlan
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) (err error) {
		if plan, err = jsonrow.Load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId)); err != nil {
			return err
		}
		if plan == nil {
			return noSuchPlan()
		}
		for _, p := range in.PatchOperations {
			if err := patchPlan(plan, p); err != nil {
				return err
			}
		}
		if err := sound(tx, sp, plan); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.usagePlan(*plan.Id), plan)
	})
	return plan, err
}

func (s *Service) deleteUsagePlan(ctx context.Context, in *shapes.DeleteUsagePlanRequest) (*schema.Empty, error) {
	return nil, s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		had, err := jsonrow.Load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId))
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchPlan()
		}
		if len(had.ApiStages) > 0 {
			return badRequest("Cannot delete usage plan because it is associated with API Stage: %s:%s", value(had.ApiStages[0].ApiId), value(had.ApiStages[0].Stage))
		}
		tx.Delete(sp.usagePlan(*had.Id))
		tx.DeleteRange(sp.planKeys(*had.Id))
		tx.DeleteRange(sp.usageOfPlan(*had.Id))
		tx.DeleteRange(sp.extensionsOfPlan(*had.Id))
		return nil
	})
}

// leavePlans takes a stage that is deleted, or all of an API, out of the usage
// plans.
func leavePlans(tx *kv.Tx, sp space, api, stage string) error {
	plans, err := list[shapes.UsagePlan](tx, sp.usagePlans())
	if err != nil {
		return err
	}
	for _, p := range plans {
		n := len(p.ApiStages)
		p.ApiStages = slices.DeleteFunc(p.ApiStages, func(st shapes.ApiStage) bool {
			return value(st.ApiId) == api && (stage == "" || value(st.Stage) == stage)
		})
		if len(p.ApiStages) == n {
			continue
		}
		if err := jsonrow.Set(tx, sp.usagePlan(*p.Id), p); err != nil {
			return err
		}
	}
	return nil
}
