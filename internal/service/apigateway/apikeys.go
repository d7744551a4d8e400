package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s space) apiKey(id string) kv.Key { return s.Key().Str("key").Str(id).Done() }

func (s space) apiKeys() kv.Range { return kv.Range(s.Key().Str("key").Range()) }

func keyPath(id *string) string { return "/apikeys/" + value(id) }

func (s *Service) registerKeys() {
	awsapi.Handle(s.api, shapes.CreateApiKey, on("POST", func(*shapes.CreateApiKeyRequest) string { return "/apikeys" }), s.createAPIKey)
	awsapi.Handle(s.api, shapes.GetApiKey, on("GET", func(in *shapes.GetApiKeyRequest) string { return keyPath(in.ApiKey) }), s.getAPIKey)
	awsapi.Handle(s.api, shapes.GetApiKeys, on("GET", func(*shapes.GetApiKeysRequest) string { return "/apikeys" }), s.getAPIKeys)
	awsapi.Handle(s.api, shapes.UpdateApiKey, on("PATCH", func(in *shapes.UpdateApiKeyRequest) string { return keyPath(in.ApiKey) }), s.updateAPIKey)
	awsapi.Handle(s.api, shapes.DeleteApiKey, on("DELETE", func(in *shapes.DeleteApiKeyRequest) string { return keyPath(in.ApiKey) }), s.deleteAPIKey)
}

// Lengths of the value of a key.
// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html
const (
	minKeyValue = 20
	maxKeyValue = 128
)

func noSuchKey() *fault.Error { return notFound("Invalid API Key identifier specified") }

// updateAll runs fn in a transaction on what belongs to no API, and tells the
// data plane that something changed.
func (s *Service) updateAll(ctx context.Context, fn func(tx *kv.Tx, sp space) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		tx.Signal(sp.changed())
		return fn(tx, sp)
	})
	return err
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html
func (s *Service) createAPIKey(ctx context.Context, in *shapes.CreateApiKeyRequest) (*shapes.ApiKey, error) {
	now := s.clock.Now()
	k := &shapes.ApiKey{
		Id: ptr(newID(10)), Value: in.Value, Name: in.Name, CustomerId: in.CustomerId, Description: in.Description, Enabled: ptr(value(in.Enabled)),
		CreatedDate: &now, LastUpdatedDate: &now, Tags: in.Tags,
	}
	if value(k.Value) == "" {
		k.Value = ptr(newID(40))
	}
	if n := len(*k.Value); n < minKeyValue {
		return nil, badRequest("API Key value should be at least %d characters", minKeyValue)
	} else if n > maxKeyValue {
		return nil, badRequest("API Key value exceeds maximum size of %d characters", maxKeyValue)
	}
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		all, err := list[shapes.ApiKey](tx, sp.apiKeys())
		if err != nil {
			return err
		}
		for _, other := range all {
			if *other.Value == *k.Value {
				return conflict("API Key already exists")
			}
		}
		k.StageKeys = []string{}
		for _, st := range in.StageKeys {
			had, err := tx.Get(sp.stage(value(st.RestApiId), value(st.StageName)))
			if err != nil {
				return err
			}
			if had == nil {
				return badRequest("Invalid stage identifier specified: %s/%s", value(st.RestApiId), value(st.StageName))
			}
			k.StageKeys = append(k.StageKeys, value(st.RestApiId)+"/"+value(st.StageName))
		}
		return jsonrow.Set(tx, sp.apiKey(*k.Id), k)
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (s *Service) getAPIKey(ctx context.Context, in *shapes.GetApiKeyRequest) (*shapes.ApiKey, error) {
	var k *shapes.ApiKey
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		k, err = jsonrow.Load[shapes.ApiKey](sn, sp.apiKey(*in.ApiKey))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case k == nil:
		return nil, noSuchKey()
	}
	if !value(in.IncludeValue) {
		k.Value = nil
	}
	return k, nil
}

func (s *Service) getAPIKeys(ctx context.Context, in *shapes.GetApiKeysRequest) (*shapes.ApiKeys, error) {
	var fitting []*shapes.ApiKey
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		all, err := list[shapes.ApiKey](sn, sp.apiKeys())
		for _, k := range all {
			if !strings.HasPrefix(value(k.Name), value(in.NameQuery)) || in.CustomerId != nil && value(k.CustomerId) != *in.CustomerId {
				continue
			}
			if !value(in.IncludeValues) {
				k.Value = nil
			}
			fitting = append(fitting, k)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := pageOf(fitting, in.Position, in.Limit)
	return &shapes.ApiKeys{Items: items, Position: next}, err
}

func (s *Service) updateAPIKey(ctx context.Context, in *shapes.UpdateApiKeyRequest) (*shapes.ApiKey, error) {
	var k *shapes.ApiKey
	now := s.clock.Now()
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) (err error) {
		if k, err = jsonrow.Load[shapes.ApiKey](tx, sp.apiKey(*in.ApiKey)); err != nil {
			return err
		}
		if k == nil {
			return noSuchKey()
		}
		for _, p := range in.PatchOperations {
			switch value(p.Path) {
			case "/name":
				k.Name = p.Value
			case "/description":
				k.Description = p.Value
			case "/customerId":
				k.CustomerId = p.Value
			case "/enabled":
				k.Enabled = ptr(value(p.Value) == "true")
			case "/stages":
				k.StageKeys = patchList(k.StageKeys, p, value(p.Value))
			default:
				return badPatch(p)
			}
		}
		k.LastUpdatedDate = &now
		return jsonrow.Set(tx, sp.apiKey(*k.Id), k)
	})
	if err != nil {
		return nil, err
	}
	k.Value = nil
	return k, nil
}

// deleteAPIKey deletes a key, and takes it out of all usage plans.
func (s *Service) deleteAPIKey(ctx context.Context, in *shapes.DeleteApiKeyRequest) (*schema.Empty, error) {
	return nil, s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		had, err := tx.Get(sp.apiKey(*in.ApiKey))
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchKey()
		}
		plans, err := list[shapes.UsagePlan](tx, sp.usagePlans())
		if err != nil {
			return err
		}
		for _, p := range plans {
			tx.Delete(sp.planKey(*p.Id, *in.ApiKey))
			forgetUsage(tx, sp, *p.Id, *in.ApiKey)
		}
		tx.Delete(sp.apiKey(*in.ApiKey))
		return nil
	})
}
