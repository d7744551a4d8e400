package apigatewayv2

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The layout, below account and region:
//
//	"api" id                → shapes.Api
//	"integration" api id    → shapes.Integration
//	"route" api id          → shapes.Route
//	"authorizer" api id     → shapes.Authorizer
//	"model" api id          → shapes.ModelShape
//	"stage" api name        → shapes.Stage
//	"deployment" api id     → deployment with its snapshot
//	"domain" name           → shapes.DomainName
//	"mapping" domain id     → shapes.ApiMapping
//
// Values are JSON. "changed" is a topic without a value.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.

// The kinds of the parts of an API.
const (
	integrationKind = "integration"
	routeKind       = "route"
	authorizerKind  = "authorizer"
	modelKind       = "model"
	stageKind       = "stage"
	deploymentKind  = "deployment"
)

// deployment is a snapshot of an API.
type deployment struct {
	shapes.Deployment
	Routes       []*shapes.Route
	Integrations map[string]*shapes.Integration `json:",omitempty"` // by id
	Authorizers  map[string]*shapes.Authorizer  `json:",omitempty"` // by id
	CORS         *shapes.Cors                   `json:",omitempty"`
}

type space struct{ keyspace.Subspace }

func spaceOf(s arn.Scope) space {
	return space{keyspace.Service(keyspace.Cell{Account: s.Account, Region: s.Region}, "apigatewayv2", 0)}
}

func (s space) api(id string) kv.Key { return s.Key().Str("api").Str(id).Done() }
func (s space) apis() kv.Range       { return kv.Range(s.Key().Str("api").Range()) }
func (s space) part(kind, api, id string) kv.Key {
	return s.Key().Str(kind).Str(api).Str(id).Done()
}
func (s space) parts(kind, api string) kv.Range { return kv.Range(s.Key().Str(kind).Str(api).Range()) }
func (s space) domain(name string) kv.Key       { return s.Key().Str("domain").Str(name).Done() }
func (s space) domains() kv.Range               { return kv.Range(s.Key().Str("domain").Range()) }
func (s space) mapping(domain, id string) kv.Key {
	return s.Key().Str("mapping").Str(domain).Str(id).Done()
}
func (s space) mappings(domain string) kv.Range {
	return kv.Range(s.Key().Str("mapping").Str(domain).Range())
}
func (s space) changed() kv.Key { return s.Key().Str("changed").Done() }

// list reads the values of a range in a snapshot.
func list[T any](s *kv.Snap, r kv.Range) ([]*T, error) {
	var out []*T
	for p, err := range s.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		v, err := jsonrow.Parse[T](p.Key, p.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// listTx is list in a transaction, whose reads it joins.
func listTx[T any](tx *kv.Tx, r kv.Range) ([]*T, error) {
	var out []*T
	for p, err := range tx.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		v, err := jsonrow.Parse[T](p.Key, p.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// view runs fn on the durable state, below the caller's account and region.
func (s *Service) view(ctx context.Context, fn func(sn *kv.Snap, sp space) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope)
	return s.DB.View(ctx, func(sn *kv.Snap) error { return fn(sn, sp) })
}

// change is an update of an API under way.
type change struct {
	*kv.Tx
	space
	scope arn.Scope
	api   *shapes.Api
	id    string // of the deployment that the change may make
	now   clock.Instant
}

// update changes an API, which must exist. Stages that deploy by themselves then
// serve what it has become.
func (s *Service) update(ctx context.Context, apiID *string, fn func(c *change) error) error {
	return s.annotate(ctx, apiID, func(c *change) error {
		if err := fn(c); err != nil {
			return err
		}
		return c.autoDeploy()
	})
}

// annotate changes of an API what no deployment has, such as tags.
func (s *Service) annotate(ctx context.Context, apiID *string, fn func(c *change) error) error {
	scope := awsapi.From(ctx).Scope
	id, now := newID(6), s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		c := &change{Tx: tx, space: spaceOf(scope), scope: scope, id: id, now: now}
		var err error
		if c.api, err = jsonrow.Load[shapes.Api](tx, c.space.api(value(apiID))); err != nil {
			return err
		}
		if c.api == nil {
			return noSuchAPI(value(apiID))
		}
		tx.Signal(c.changed())
		return fn(c)
	})
	return err
}

// part reads a part of an API, which must exist.
func part[T any](r jsonrow.Getter, sp space, kind, api, id string, absent *fault.Error) (*T, error) {
	v, err := jsonrow.Load[T](r, sp.part(kind, api, id))
	if err == nil && v == nil {
		return nil, absent
	}
	return v, err
}

// getPart reads a part of an API for a caller.
func getPart[T any](ctx context.Context, s *Service, kind string, api, id *string, absent *fault.Error) (v *T, err error) {
	err = s.view(ctx, func(sn *kv.Snap, sp space) error {
		if err := exists(sn, sp, api); err != nil {
			return err
		}
		v, err = part[T](sn, sp, kind, value(api), value(id), absent)
		return err
	})
	return v, err
}

// exists fails where there is no such API.
func exists(r jsonrow.Getter, sp space, api *string) error {
	a, err := r.Get(sp.api(value(api)))
	if err == nil && a == nil {
		return noSuchAPI(value(api))
	}
	return err
}

// pageOfParts lists parts of an API for a caller.
func pageOfParts[T any](ctx context.Context, s *Service, kind string, api, token, limit *string) ([]T, *string, error) {
	var all []*T
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		if err := exists(sn, sp, api); err != nil {
			return err
		}
		all, err = list[T](sn, sp.parts(kind, *api))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return page(all, token, limit)
}

// changePart changes a part of an API.
func changePart[T any](ctx context.Context, s *Service, kind string, api, id *string, absent *fault.Error, fn func(c *change, v *T) error) (v *T, err error) {
	err = s.update(ctx, api, func(c *change) error {
		v, err = changed(c, kind, value(id), absent, fn)
		return err
	})
	return v, err
}

// annotatePart changes of a part of an API what no deployment has.
func annotatePart[T any](ctx context.Context, s *Service, kind string, api, id *string, absent *fault.Error, fn func(v *T)) (v *T, err error) {
	err = s.annotate(ctx, api, func(c *change) error {
		v, err = changed(c, kind, value(id), absent, func(_ *change, v *T) error { fn(v); return nil })
		return err
	})
	return v, err
}

func changed[T any](c *change, kind, id string, absent *fault.Error, fn func(c *change, v *T) error) (*T, error) {
	v, err := part[T](c.Tx, c.space, kind, *c.api.ApiId, id, absent)
	if err != nil {
		return nil, err
	}
	if err := fn(c, v); err != nil {
		return nil, err
	}
	return v, jsonrow.Set(c.Tx, c.part(kind, *c.api.ApiId, id), v)
}
