package apigateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func (s space) usagePlan(id string) kv.Key { return s.Key().Str("plan").Str(id).Done() }

func (s space) usagePlans() kv.Range { return kv.Range(s.Key().Str("plan").Range()) }

// planKey says that a key belongs to a plan.
func (s space) planKey(plan, key string) kv.Key {
	return s.Key().Str("member").Str(plan).Str(key).Done()
}

func (s space) planKeys(plan string) kv.Range {
	return kv.Range(s.Key().Str("member").Str(plan).Range())
}

func planPath(id *string) string { return "/usageplans/" + value(id) }

func (s *Service) registerUsagePlans() {
	awsapi.Handle(s.api, shapes.CreateUsagePlan, on("POST", func(*shapes.CreateUsagePlanRequest) string { return "/usageplans" }), s.createUsagePlan)
	awsapi.Handle(s.api, shapes.GetUsagePlan, on("GET", func(in *shapes.GetUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.getUsagePlan)
	awsapi.Handle(s.api, shapes.GetUsagePlans, on("GET", func(*shapes.GetUsagePlansRequest) string { return "/usageplans" }), s.getUsagePlans)
	awsapi.Handle(s.api, shapes.UpdateUsagePlan, on("PATCH", func(in *shapes.UpdateUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.updateUsagePlan)
	awsapi.Handle(s.api, shapes.DeleteUsagePlan, on("DELETE", func(in *shapes.DeleteUsagePlanRequest) string { return planPath(in.UsagePlanId) }), s.deleteUsagePlan)
	awsapi.Handle(s.api, shapes.CreateUsagePlanKey, on("POST", func(in *shapes.CreateUsagePlanKeyRequest) string { return planPath(in.UsagePlanId) + "/keys" }), s.createUsagePlanKey)
	awsapi.Handle(s.api, shapes.GetUsagePlanKey, on("GET", func(in *shapes.GetUsagePlanKeyRequest) string {
		return planPath(in.UsagePlanId) + "/keys/" + value(in.KeyId)
	}), s.getUsagePlanKey)
	awsapi.Handle(s.api, shapes.GetUsagePlanKeys, on("GET", func(in *shapes.GetUsagePlanKeysRequest) string { return planPath(in.UsagePlanId) + "/keys" }), s.getUsagePlanKeys)
	awsapi.Handle(s.api, shapes.DeleteUsagePlanKey, on("DELETE", func(in *shapes.DeleteUsagePlanKeyRequest) string {
		return planPath(in.UsagePlanId) + "/keys/" + value(in.KeyId)
	}), s.deleteUsagePlanKey)
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
		return save(tx, sp.usagePlan(*p.Id), p)
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
		p, err = load[shapes.UsagePlan](sn, sp.usagePlan(id))
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
		if plan, err = load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId)); err != nil {
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
		return save(tx, sp.usagePlan(*plan.Id), plan)
	})
	return plan, err
}

func patchPlan(plan *shapes.UsagePlan, p shapes.PatchOperation) error {
	path, remove := value(p.Path), value(p.Op) == "remove"
	switch {
	case path == "/name":
		plan.Name = p.Value
	case path == "/description":
		plan.Description = p.Value
	case path == "/productCode":
		plan.ProductCode = p.Value
	case path == "/throttle" && remove:
		plan.Throttle = nil
	case path == "/quota" && remove:
		plan.Quota = nil
	case strings.HasPrefix(path, "/throttle/"):
		if plan.Throttle == nil {
			plan.Throttle = &shapes.ThrottleSettings{}
		}
		return patchThrottle(plan.Throttle, p, path[len("/throttle/"):])
	case strings.HasPrefix(path, "/quota/"):
		if plan.Quota == nil {
			plan.Quota = &shapes.QuotaSettings{}
		}
		return patchQuota(plan.Quota, p, path[len("/quota/"):])
	case path == "/apiStages":
		api, stage, ok := strings.Cut(value(p.Value), ":")
		if !ok {
			return badRequest("Invalid API stage %s: it must be API:STAGE", value(p.Value))
		}
		plan.ApiStages = slices.DeleteFunc(plan.ApiStages, func(st shapes.ApiStage) bool { return value(st.ApiId) == api && value(st.Stage) == stage })
		if !remove {
			plan.ApiStages = append(plan.ApiStages, shapes.ApiStage{ApiId: &api, Stage: &stage})
		}
	case strings.HasPrefix(path, "/apiStages/"):
		return patchStageOfPlan(plan, p, path[len("/apiStages/"):])
	default:
		return badPatch(p)
	}
	return nil
}

// patchStageOfPlan changes the throttles of methods in one stage of a plan:
// {api}:{stage}/throttle/{path}/{METHOD}/rateLimit.
func patchStageOfPlan(plan *shapes.UsagePlan, p shapes.PatchOperation, rest string) error {
	name, rest, _ := strings.Cut(rest, "/")
	api, stage, _ := strings.Cut(name, ":")
	at := slices.IndexFunc(plan.ApiStages, func(st shapes.ApiStage) bool { return value(st.ApiId) == api && value(st.Stage) == stage })
	if at < 0 {
		return notFound("API Stage not found: %s", name)
	}
	st := &plan.ApiStages[at]
	method, ok := strings.CutPrefix(rest, "throttle")
	method = strings.TrimPrefix(method, "/")
	if !ok {
		return badPatch(p)
	}
	if value(p.Op) == "remove" {
		if method == "" {
			st.Throttle = nil
		} else {
			delete(st.Throttle, unescapePointer(method))
		}
		return nil
	}
	cut := strings.LastIndexByte(method, '/')
	if cut < 0 {
		return badPatch(p)
	}
	limit := method[cut+1:]
	method = unescapePointer(method[:cut])
	t := st.Throttle[method]
	if err := patchThrottle(&t, p, limit); err != nil {
		return err
	}
	if st.Throttle == nil {
		st.Throttle = map[string]shapes.ThrottleSettings{}
	}
	st.Throttle[method] = t
	return nil
}

func patchThrottle(t *shapes.ThrottleSettings, p shapes.PatchOperation, name string) error {
	switch name {
	case "burstLimit":
		n, err := optionalInt(p)
		if err != nil {
			return err
		}
		t.BurstLimit = n
	case "rateLimit":
		if value(p.Op) == "remove" {
			t.RateLimit = nil
			return nil
		}
		f, err := strconv.ParseFloat(value(p.Value), 64)
		if err != nil {
			return badRequest("Invalid value %s for %s: it must be a number", value(p.Value), value(p.Path))
		}
		t.RateLimit = &f
	default:
		return badPatch(p)
	}
	return nil
}

func patchQuota(q *shapes.QuotaSettings, p shapes.PatchOperation, name string) (err error) {
	switch name {
	case "limit":
		q.Limit, err = optionalInt(p)
	case "offset":
		q.Offset, err = optionalInt(p)
	case "period":
		q.Period = p.Value
	default:
		err = badPatch(p)
	}
	return err
}

func (s *Service) deleteUsagePlan(ctx context.Context, in *shapes.DeleteUsagePlanRequest) (*schema.Empty, error) {
	return nil, s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		had, err := load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId))
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
		if err := save(tx, sp.usagePlan(*p.Id), p); err != nil {
			return err
		}
	}
	return nil
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlanKey.html
func (s *Service) createUsagePlanKey(ctx context.Context, in *shapes.CreateUsagePlanKeyRequest) (*shapes.UsagePlanKey, error) {
	if *in.KeyType != "API_KEY" {
		return nil, badRequest("Usage plan key type must be API_KEY")
	}
	var m *shapes.UsagePlanKey
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		plan, err := load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId))
		if err != nil {
			return err
		}
		if plan == nil {
			return noSuchPlan()
		}
		k, err := load[shapes.ApiKey](tx, sp.apiKey(*in.KeyId))
		if err != nil {
			return err
		}
		if k == nil {
			return noSuchKey()
		}
		had, err := tx.Get(sp.planKey(*plan.Id, *k.Id))
		if err != nil {
			return err
		}
		if had != nil {
			return conflict("%s is already associated with %s", *k.Id, *plan.Id)
		}
		if err := onePlan(tx, sp, plan, *k.Id); err != nil {
			return err
		}
		m = &shapes.UsagePlanKey{Id: k.Id, Type: in.KeyType, Name: k.Name, Value: k.Value}
		return save(tx, sp.planKey(*plan.Id, *k.Id), m)
	})
	return m, err
}

// onePlan refuses a key that has another plan for one of the plan's stages: a
// key has one plan for each stage of an API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func onePlan(tx *kv.Tx, sp space, plan *shapes.UsagePlan, key string) error {
	all, err := list[shapes.UsagePlan](tx, sp.usagePlans())
	if err != nil {
		return err
	}
	for _, other := range all {
		member, err := tx.Get(sp.planKey(*other.Id, key))
		if err != nil {
			return err
		}
		if member == nil {
			continue
		}
		for _, st := range other.ApiStages {
			if slices.ContainsFunc(plan.ApiStages, func(o shapes.ApiStage) bool {
				return value(o.ApiId) == value(st.ApiId) && value(o.Stage) == value(st.Stage)
			}) {
				return conflict("Usage plan %s already has this API key for the API stage %s:%s", *other.Id, value(st.ApiId), value(st.Stage))
			}
		}
	}
	return nil
}

func noSuchMember(plan, key string) *fault.Error {
	return notFound("Invalid API Key identifier specified: %s has no key %s", plan, key)
}

func (s *Service) getUsagePlanKey(ctx context.Context, in *shapes.GetUsagePlanKeyRequest) (*shapes.UsagePlanKey, error) {
	if _, err := s.readPlan(ctx, *in.UsagePlanId); err != nil {
		return nil, err
	}
	var m *shapes.UsagePlanKey
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		m, err = load[shapes.UsagePlanKey](sn, sp.planKey(*in.UsagePlanId, *in.KeyId))
		return err
	})
	if err == nil && m == nil {
		return nil, noSuchMember(*in.UsagePlanId, *in.KeyId)
	}
	return m, err
}

func (s *Service) getUsagePlanKeys(ctx context.Context, in *shapes.GetUsagePlanKeysRequest) (*shapes.UsagePlanKeys, error) {
	if _, err := s.readPlan(ctx, *in.UsagePlanId); err != nil {
		return nil, err
	}
	var fitting []*shapes.UsagePlanKey
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		all, err := list[shapes.UsagePlanKey](sn, sp.planKeys(*in.UsagePlanId))
		for _, m := range all {
			if strings.HasPrefix(value(m.Name), value(in.NameQuery)) {
				fitting = append(fitting, m)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := pageOf(fitting, in.Position, in.Limit)
	return &shapes.UsagePlanKeys{Items: items, Position: next}, err
}

func (s *Service) deleteUsagePlanKey(ctx context.Context, in *shapes.DeleteUsagePlanKeyRequest) (*schema.Empty, error) {
	return nil, s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		had, err := tx.Get(sp.planKey(*in.UsagePlanId, *in.KeyId))
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchMember(*in.UsagePlanId, *in.KeyId)
		}
		tx.Delete(sp.planKey(*in.UsagePlanId, *in.KeyId))
		tx.DeleteRange(sp.usageOf(*in.UsagePlanId, *in.KeyId))
		return nil
	})
}
