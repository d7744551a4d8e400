package apigatewayv2

import (
	"context"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/edge/proxy"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// site is what an API serves: its stages by name.
type site struct {
	api    *shapes.Api
	stages map[string]*plan
}

// plan is what one stage serves.
type plan struct {
	api        *shapes.Api
	stage      *shapes.Stage
	deployment *deployment
	root       node
	fallback   *route // $default, or nil
	cors       *proxy.CORS
	access     *accessLog // nil: there is none
	meter      StageMeter // nil where nothing is measured
}

// route is a route with all that it needs to answer.
type route struct {
	*shapes.Route
	method, path string   // of the key; "" of $default
	names        []string // of the path's variables
	integration  *shapes.Integration
	authorizer   *shapes.Authorizer
	limit        *limit
}

func newPlan(a *shapes.Api, st *shapes.Stage, d *deployment) *plan {
	p := &plan{api: a, stage: st, deployment: d, access: newAccessLog(a, st)}
	if c := d.CORS; c != nil {
		p.cors = &proxy.CORS{
			Credentials: value(c.AllowCredentials), Headers: c.AllowHeaders, Methods: c.AllowMethods, Origins: c.AllowOrigins, Expose: c.ExposeHeaders,
			MaxAge: value(c.MaxAge), HasMaxAge: c.MaxAge != nil,
		}
	}
	for _, shape := range d.Routes {
		r := &route{Route: shape, limit: limitOf(st, *shape.RouteKey)}
		if id, ok := strings.CutPrefix(value(shape.Target), "integrations/"); ok {
			r.integration = d.Integrations[id]
		}
		r.authorizer = d.Authorizers[value(shape.AuthorizerId)]
		if *shape.RouteKey == defaultRoute {
			p.fallback = r
			continue
		}
		p.root.add(r)
	}
	return p
}

// match finds the route of an escaped path, and the values of its variables.
func (p *plan) match(method, path string) (*route, []string) {
	if r, values := p.root.match(method, strings.Split(strings.TrimPrefix(path, "/"), "/")); r != nil {
		return r, values
	}
	return p.fallback, nil
}

// plans keeps what the APIs of a scope serve until anything changes.
type plans struct {
	mu      sync.RWMutex
	all     map[arn.Scope]*served
	epoch   uint64
	watched map[arn.Scope]bool
}

// served is everything that a scope serves.
type served struct {
	sites   map[string]*site
	ordered []*site // those with a stage, the oldest API first
	domains map[string][]*shapes.ApiMapping
}

func (c *plans) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
	c.epoch++
}

// served returns what a scope serves, from memory if nothing has changed.
func (s *Service) served(ctx context.Context, scope arn.Scope) (*served, error) {
	s.plans.mu.RLock()
	all, epoch, watched := s.plans.all[scope], s.plans.epoch, s.plans.watched[scope]
	s.plans.mu.RUnlock()
	if all != nil {
		return all, nil
	}
	if !watched { // before the read, so that no change is missed
		watched = s.watch(scope)
	}
	all, err := s.readServed(ctx, scope)
	if err != nil || !watched {
		return all, err
	}
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.epoch == epoch {
		if s.plans.all == nil {
			s.plans.all = map[arn.Scope]*served{}
		}
		s.plans.all[scope] = all
	}
	return all, nil
}

// maxScopes bounds the scopes that are kept: a region is a word in the Host of a
// request, and whoever sends one can name as many as he likes.
const maxScopes = 100

// watch has what a scope serves dropped when it changes. It reports false if it is
// not watched, because too many are: it must not be kept then.
func (s *Service) watch(scope arn.Scope) bool {
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.watched[scope] {
		return true
	}
	if len(s.plans.watched) >= maxScopes {
		return false
	}
	if s.plans.watched == nil {
		s.plans.watched = map[arn.Scope]bool{}
	}
	s.plans.watched[scope] = true
	s.DB.WatchFunc(s.plans.drop, spaceOf(scope).changed())
	return true
}

// readServed reads all APIs of a scope with their stages, and the domain names.
func (s *Service) readServed(ctx context.Context, scope arn.Scope) (*served, error) {
	out := &served{sites: map[string]*site{}, domains: map[string][]*shapes.ApiMapping{}}
	sp := spaceOf(scope)
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		as, err := list[shapes.Api](sn, sp.apis())
		if err != nil {
			return err
		}
		for _, a := range as {
			if out.sites[*a.ApiId], err = s.readSite(sn, scope, a); err != nil {
				return err
			}
		}
		out.order()
		ds, err := list[shapes.DomainName](sn, sp.domains())
		if err != nil {
			return err
		}
		for _, d := range ds {
			if out.domains[*d.DomainName], err = list[shapes.ApiMapping](sn, sp.mappings(*d.DomainName)); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) readSite(sn *kv.Snap, scope arn.Scope, a *shapes.Api) (*site, error) {
	sp := spaceOf(scope)
	out := &site{api: a, stages: map[string]*plan{}}
	sts, err := list[shapes.Stage](sn, sp.parts(stageKind, *a.ApiId))
	if err != nil {
		return nil, err
	}
	for _, st := range sts {
		if value(st.DeploymentId) == "" {
			continue
		}
		d, err := jsonrow.Load[deployment](sn, sp.part(deploymentKind, *a.ApiId, *st.DeploymentId))
		if err != nil {
			return nil, err
		}
		if d != nil {
			p := newPlan(a, st, d)
			if s.Meter != nil {
				p.meter = s.Meter.HTTPStage(scope, *a.ApiId, *st.StageName)
			}
			out.stages[*st.StageName] = p
		}
	}
	return out, nil
}

// find returns the stage that a target addresses, and completes the target; nil
// when there is none.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html#http-api-develop-routes.evaluation
func (s *Service) find(ctx context.Context, t *edge.Target) (*plan, error) {
	all, err := s.served(ctx, t.Scope)
	if err != nil {
		return nil, err
	}
	st := all.sites[t.API]
	switch {
	case st == nil:
		return nil, nil
	case t.Stage != "":
		return st.stages[t.Stage], nil
	case value(st.api.DisableExecuteApiEndpoint):
		return nil, nil
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(t.Path, "/"), "/")
	t.Stage = defaultStage
	if name := unescape(first); st.stages[name] != nil {
		t.Stage, t.Path = name, "/"+rest
		if name != defaultStage {
			t.Base = "/" + first
		}
	}
	return st.stages[t.Stage], nil
}
