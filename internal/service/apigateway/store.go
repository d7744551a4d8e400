package apigateway

import (
	"context"
	"iter"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The layout, below account and region:
//
//	"api" id                       → api
//	"resource" api id              → resource with its methods
//	"deployment" api id            → deployment with its snapshot
//	"stage" api name               → shapes.Stage
//	"response" api type            → shapes.GatewayResponse
//	"account"                      → shapes.Account
//	"authorizer" api id            → shapes.Authorizer
//	"validator" api id             → shapes.RequestValidator
//	"model" api name               → shapes.ModelShape
//	"key" id                       → shapes.ApiKey
//	"plan" id                      → shapes.UsagePlan
//	"member" plan key              → shapes.UsagePlanKey
//	"usage" plan key day           → a counter
//	"extension" plan key           → extension
//	"domain" name                  → shapes.DomainName
//	"mapping" domain base          → shapes.BasePathMapping
//
// Values are JSON, counters excepted.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.

// api is a REST API.
type api struct {
	shapes.RestApi
}

// resource is one path of an API.
type resource struct {
	ID       string
	Parent   string `json:",omitempty"`
	PathPart string `json:",omitempty"`
	Path     string
	Methods  map[string]*shapes.Method `json:",omitempty"` // by HTTP method or ANY
}

// deployment is a snapshot of an API.
type deployment struct {
	shapes.Deployment
	Resources []*resource
	Responses map[string]*shapes.GatewayResponse `json:",omitempty"`
	Binary    []string                           `json:",omitempty"`

	Authorizers map[string]*shapes.Authorizer       `json:",omitempty"` // by id
	Validators  map[string]*shapes.RequestValidator `json:",omitempty"` // by id
	Models      map[string]*shapes.ModelShape       `json:",omitempty"` // by name
	Policy      string                              `json:",omitempty"`
	KeySource   string                              `json:",omitempty"`
	Compress    *int32                              `json:",omitempty"` // minimumCompressionSize
}

type space struct{ keyspace.Subspace }

func spaceOf(s arn.Scope) space {
	return space{keyspace.Service(keyspace.Cell{Account: s.Account, Region: s.Region}, "apigateway", 0)}
}

func (s space) api(id string) kv.Key { return s.Key().Str("api").Str(id).Done() }

func (s space) apis() kv.Range { return kv.Range(s.Key().Str("api").Range()) }

func (s space) resource(api, id string) kv.Key {
	return s.Key().Str("resource").Str(api).Str(id).Done()
}

func (s space) resources(api string) kv.Range {
	return kv.Range(s.Key().Str("resource").Str(api).Range())
}

func (s space) deployment(api, id string) kv.Key {
	return s.Key().Str("deployment").Str(api).Str(id).Done()
}

func (s space) deployments(api string) kv.Range {
	return kv.Range(s.Key().Str("deployment").Str(api).Range())
}

func (s space) stage(api, name string) kv.Key {
	return s.Key().Str("stage").Str(api).Str(name).Done()
}

func (s space) stages(api string) kv.Range {
	return kv.Range(s.Key().Str("stage").Str(api).Range())
}

func (s space) response(api, kind string) kv.Key {
	return s.Key().Str("response").Str(api).Str(kind).Done()
}

func (s space) responses(api string) kv.Range {
	return kv.Range(s.Key().Str("response").Str(api).Range())
}

func (s space) account() kv.Key { return s.Key().Str("account").Done() }

func (s space) changed() kv.Key { return s.Key().Str("changed").Done() }

// scanner is what Tx and Snap have in common, too.
type scanner interface {
	Scan(r kv.Range, o kv.ScanOptions) iter.Seq2[kv.Pair, error]
}

// list reads the JSON values of a range.
func list[T any](s scanner, r kv.Range) ([]*T, error) {
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

// view runs fn on the durable state, below the caller's account and region.
func (s *Service) view(ctx context.Context, fn func(sn *kv.Snap, sp space) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope)
	return s.db.View(ctx, func(sn *kv.Snap) error { return fn(sn, sp) })
}

// update runs fn in a transaction on an API, which must exist, and tells the
// data plane that something changed.
func (s *Service) update(ctx context.Context, apiID string, fn func(tx *kv.Tx, sp space, a *api) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		a, err := jsonrow.Load[api](tx, sp.api(apiID))
		if err != nil {
			return err
		}
		if a == nil {
			return noSuchAPI(apiID)
		}
		tx.Signal(sp.changed())
		return fn(tx, sp, a)
	})
	return err
}
