package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerAPIs() {
	awsapi.Handle(s.api, shapes.CreateRestApi, on("POST", func(*shapes.CreateRestApiRequest) string { return "/restapis" }), s.createRestAPI)
	awsapi.Handle(s.api, shapes.GetRestApi, on("GET", func(in *shapes.GetRestApiRequest) string { return "/restapis/" + value(in.RestApiId) }), s.getRestAPI)
	awsapi.Handle(s.api, shapes.GetRestApis, on("GET", func(*shapes.GetRestApisRequest) string { return "/restapis" }), s.getRestAPIs)
	awsapi.Handle(s.api, shapes.UpdateRestApi, on("PATCH", func(in *shapes.UpdateRestApiRequest) string { return "/restapis/" + value(in.RestApiId) }), s.updateRestAPI)
	awsapi.Handle(s.api, shapes.DeleteRestApi, on("DELETE", func(in *shapes.DeleteRestApiRequest) string { return "/restapis/" + value(in.RestApiId) }), s.deleteRestAPI)
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRestApi.html
func (s *Service) createRestAPI(ctx context.Context, in *shapes.CreateRestApiRequest) (*shapes.RestApi, error) {
	if in.CloneFrom != nil {
		return nil, badRequest("cloneFrom is not supported: create the API and its resources instead.")
	}
	now := s.clock.Now()
	a := &api{shapes.RestApi{
		Id: ptr(newID(10)), Name: in.Name, Description: in.Description, Version: in.Version, CreatedDate: &now, BinaryMediaTypes: in.BinaryMediaTypes,
		MinimumCompressionSize: in.MinimumCompressionSize, ApiKeySource: in.ApiKeySource, EndpointConfiguration: in.EndpointConfiguration,
		Tags: in.Tags, Policy: in.Policy, DisableExecuteApiEndpoint: ptr(value(in.DisableExecuteApiEndpoint)), RootResourceId: ptr(newID(10)),
	}}
	if a.ApiKeySource == nil {
		a.ApiKeySource = ptr("HEADER")
	}
	if a.EndpointConfiguration == nil {
		a.EndpointConfiguration = &shapes.EndpointConfiguration{Types: []string{"EDGE"}}
	}
	if err := soundAPI(awsapi.From(ctx).Scope, a); err != nil {
		return nil, err
	}
	sp := spaceOf(awsapi.From(ctx).Scope)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		for _, m := range builtIn() {
			if err := jsonrow.Set(tx, sp.part(modelKind, *a.Id, *m.Name), m); err != nil {
				return err
			}
		}
		if err := jsonrow.Set(tx, sp.resource(*a.Id, *a.RootResourceId), &resource{ID: *a.RootResourceId, Path: "/"}); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.api(*a.Id), a)
	})
	if err != nil {
		return nil, err
	}
	return a.shown(), nil
}

// soundAPI refuses settings that could not be kept.
func soundAPI(scope arn.Scope, a *api) error {
	switch value(a.ApiKeySource) {
	case "HEADER", "AUTHORIZER":
	default:
		return badRequest("Invalid API Key source specified: %s; HEADER and AUTHORIZER are valid", value(a.ApiKeySource))
	}
	if n := value(a.MinimumCompressionSize); n < 0 || n > maxPayload {
		return badRequest("Invalid minimum compression size, must be between 0 and %d", maxPayload)
	}
	if value(a.Policy) == "" {
		a.Policy = nil
		return nil
	}
	_, err := parsePolicy(scope, *a.Id, *a.Policy)
	return err
}

func (s *Service) getRestAPI(ctx context.Context, in *shapes.GetRestApiRequest) (*shapes.RestApi, error) {
	a, err := s.readAPI(ctx, *in.RestApiId)
	if err != nil {
		return nil, err
	}
	return a.shown(), nil
}

func (s *Service) readAPI(ctx context.Context, id string) (*api, error) {
	var a *api
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		a, err = jsonrow.Load[api](sn, sp.api(id))
		return err
	})
	if err == nil && a == nil {
		err = noSuchAPI(id)
	}
	return a, err
}

func (s *Service) getRestAPIs(ctx context.Context, in *shapes.GetRestApisRequest) (*shapes.RestApis, error) {
	var as []*api
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		as, err = list[api](sn, sp.apis())
		return err
	})
	if err != nil {
		return nil, err
	}
	as, next, err := page(as, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &shapes.RestApis{Items: []shapes.RestApi{}, Position: next}
	for _, a := range as {
		out.Items = append(out.Items, *a.shown())
	}
	return out, nil
}

// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
func (s *Service) updateRestAPI(ctx context.Context, in *shapes.UpdateRestApiRequest) (*shapes.RestApi, error) {
	var out *shapes.RestApi
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		for _, p := range in.PatchOperations {
			if err := patchAPI(a, p); err != nil {
				return err
			}
		}
		if err := soundAPI(awsapi.From(ctx).Scope, a); err != nil {
			return err
		}
		out = a.shown()
		return jsonrow.Set(tx, sp.api(*a.Id), a)
	})
	return out, err
}

func patchAPI(a *api, p shapes.PatchOperation) error {
	path := value(p.Path)
	switch {
	case path == "/name":
		a.Name = p.Value
	case path == "/description":
		a.Description = p.Value
	case path == "/version":
		a.Version = p.Value
	case path == "/apiKeySource":
		a.ApiKeySource = p.Value
	case path == "/policy" && value(p.Op) == "remove":
		a.Policy = nil
	case path == "/policy":
		a.Policy = p.Value
	case path == "/disableExecuteApiEndpoint":
		a.DisableExecuteApiEndpoint = ptr(value(p.Value) == "true")
	case path == "/minimumCompressionSize":
		n, err := optionalInt(p)
		if err != nil {
			return err
		}
		a.MinimumCompressionSize = n
	case strings.HasPrefix(path, "/binaryMediaTypes/"):
		a.BinaryMediaTypes = patchList(a.BinaryMediaTypes, p, unescapePointer(path[len("/binaryMediaTypes/"):]))
	case strings.HasPrefix(path, "/endpointConfiguration/types/"):
		a.EndpointConfiguration = &shapes.EndpointConfiguration{Types: []string{value(p.Value)}}
	default:
		return badPatch(p)
	}
	return nil
}

// deleteRestAPI deletes an API with everything that belongs to it.
func (s *Service) deleteRestAPI(ctx context.Context, in *shapes.DeleteRestApiRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		tx.Delete(sp.api(*a.Id))
		for _, r := range []kv.Range{sp.resources(*a.Id), sp.deployments(*a.Id), sp.stages(*a.Id), sp.responses(*a.Id)} {
			tx.DeleteRange(r)
		}
		for _, kind := range []string{authorizerKind, validatorKind, modelKind} {
			tx.DeleteRange(sp.parts(kind, *a.Id))
		}
		return leavePlans(tx, sp, *a.Id, "")
	})
}
