package apigateway

import (
	"context"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Parts of an API are what belongs to it as a whole: authorizers, request
// validators and models, each kind below a key of its own.

func (s space) part(kind, api, id string) kv.Key { return s.Key().Str(kind).Str(api).Str(id).Done() }

func (s space) parts(kind, api string) kv.Range {
	return kv.Range(s.Key().Str(kind).Str(api).Range())
}

// The kinds of parts.
const (
	authorizerKind = "authorizer"
	validatorKind  = "validator"
	modelKind      = "model"
)

// readPart returns a part of an API, or the error for one that is not there.
func readPart[T any](ctx context.Context, s *Service, kind, apiID, id string, absent *fault.Error) (*T, error) {
	if _, err := s.readAPI(ctx, apiID); err != nil {
		return nil, err
	}
	var v *T
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		v, err = jsonrow.Load[T](sn, sp.part(kind, apiID, id))
		return err
	})
	if err == nil && v == nil {
		return nil, absent
	}
	return v, err
}

// pageOfParts returns one page of the parts of a kind.
func pageOfParts[T any](ctx context.Context, s *Service, kind, apiID string, position *string, limit *int32) ([]T, *string, error) {
	if _, err := s.readAPI(ctx, apiID); err != nil {
		return nil, nil, err
	}
	var all []*T
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[T](sn, sp.parts(kind, apiID))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return pageOf(all, position, limit)
}

// pageOf is [page] of values.
func pageOf[T any](all []*T, position *string, limit *int32) ([]T, *string, error) {
	all, next, err := page(all, position, limit)
	out := make([]T, len(all))
	for i, v := range all {
		out[i] = *v
	}
	return out, next, err
}

// changePart changes a part of an API.
func changePart[T any](ctx context.Context, s *Service, kind, apiID, id string, absent *fault.Error, fn func(tx *kv.Tx, sp space, v *T) error) (*T, error) {
	var v *T
	err := s.update(ctx, apiID, func(tx *kv.Tx, sp space, _ *api) (err error) {
		if v, err = jsonrow.Load[T](tx, sp.part(kind, apiID, id)); err != nil {
			return err
		}
		if v == nil {
			return absent
		}
		if err := fn(tx, sp, v); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.part(kind, apiID, id), v)
	})
	return v, err
}

// usedBy returns a method of an API that uses a part, or nothing.
func usedBy(tx *kv.Tx, sp space, api string, uses func(m *shapes.Method) bool) (string, error) {
	rs, err := list[resource](tx, sp.resources(api))
	if err != nil {
		return "", err
	}
	for _, r := range rs {
		for name, m := range r.Methods {
			if uses(m) {
				return "resource " + r.ID + ", method " + name, nil
			}
		}
	}
	return "", nil
}

// takeParts copies the parts of an API into a deployment.
func (d *deployment) takeParts(s scanner, sp space, apiID string) (err error) {
	if d.Authorizers, err = partsBy(s, sp.parts(authorizerKind, apiID), func(a *shapes.Authorizer) string { return *a.Id }); err != nil {
		return err
	}
	if d.Validators, err = partsBy(s, sp.parts(validatorKind, apiID), func(v *shapes.RequestValidator) string { return *v.Id }); err != nil {
		return err
	}
	d.Models, err = partsBy(s, sp.parts(modelKind, apiID), func(m *shapes.ModelShape) string { return *m.Name })
	return err
}

func partsBy[T any](s scanner, r kv.Range, name func(*T) string) (map[string]*T, error) {
	all, err := list[T](s, r)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := make(map[string]*T, len(all))
	for _, v := range all {
		out[name(v)] = v
	}
	return out, nil
}
