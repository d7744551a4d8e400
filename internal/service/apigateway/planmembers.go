package apigateway

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// planKey says that a key belongs to a plan.
func (s space) planKey(plan, key string) kv.Key {
	return s.Key().Str("member").Str(plan).Str(key).Done()
}

func (s space) planKeys(plan string) kv.Range {
	return kv.Range(s.Key().Str("member").Str(plan).Range())
}

func (s *Service) registerMembers() {
	awsapi.Handle(s.api, shapes.CreateUsagePlanKey, on("POST", func(in *shapes.CreateUsagePlanKeyRequest) string { return planPath(in.UsagePlanId) + "/keys" }), s.createUsagePlanKey)
	awsapi.Handle(s.api, shapes.GetUsagePlanKey, on("GET", func(in *shapes.GetUsagePlanKeyRequest) string {
		return planPath(in.UsagePlanId) + "/keys/" + value(in.KeyId)
	}), s.getUsagePlanKey)
	awsapi.Handle(s.api, shapes.GetUsagePlanKeys, on("GET", func(in *shapes.GetUsagePlanKeysRequest) string { return planPath(in.UsagePlanId) + "/keys" }), s.getUsagePlanKeys)
	awsapi.Handle(s.api, shapes.DeleteUsagePlanKey, on("DELETE", func(in *shapes.DeleteUsagePlanKeyRequest) string {
		return planPath(in.UsagePlanId) + "/keys/" + value(in.KeyId)
	}), s.deleteUsagePlanKey)
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlanKey.html
func (s *Service) createUsagePlanKey(ctx context.Context, in *shapes.CreateUsagePlanKeyRequest) (*shapes.UsagePlanKey, error) {
	if *in.KeyType != "API_KEY" {
		return nil, badRequest("Usage plan key type must be API_KEY")
	}
	var m *shapes.UsagePlanKey
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		plan, err := jsonrow.Load[shapes.UsagePlan](tx, sp.usagePlan(*in.UsagePlanId))
		if err != nil {
			return err
		}
		if plan == nil {
			return noSuchPlan()
		}
		k, err := jsonrow.Load[shapes.ApiKey](tx, sp.apiKey(*in.KeyId))
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
		return jsonrow.Set(tx, sp.planKey(*plan.Id, *k.Id), m)
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
		m, err = jsonrow.Load[shapes.UsagePlanKey](sn, sp.planKey(*in.UsagePlanId, *in.KeyId))
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
		forgetUsage(tx, sp, *in.UsagePlanId, *in.KeyId)
		return nil
	})
}
