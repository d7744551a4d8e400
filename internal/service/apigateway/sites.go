package apigateway

import (
	"context"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Site is an API's stage as it can be addressed.
type Site struct {
	API, Name, Stage string
	Routes           []Route

	created clock.Instant
}

// Sites lists the stages of all APIs of a scope, oldest API first, for the
// gateway's default address and for tables shown to people.
func (s *Service) Sites(ctx context.Context, scope arn.Scope) ([]Site, error) {
	var out []Site
	sp := spaceOf(scope)
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		as, err := list[api](sn, sp.apis())
		if err != nil {
			return err
		}
		for _, a := range as {
			sts, err := list[shapes.Stage](sn, sp.stages(*a.Id))
			if err != nil {
				return err
			}
			for _, st := range sts {
				site := Site{created: value(a.CreatedDate), API: *a.Id, Name: value(a.Name), Stage: *st.StageName}
				d, err := jsonrow.Load[deployment](sn, sp.deployment(*a.Id, value(st.DeploymentId)))
				if err != nil {
					return err
				}
				if d != nil {
					site.Routes = d.routes()
				}
				out = append(out, site)
			}
		}
		return nil
	})
	sort.SliceStable(out, func(i, j int) bool { return out[i].created < out[j].created })
	return out, err
}

// cachedSites is Sites from memory.
func (s *Service) cachedSites(ctx context.Context, scope arn.Scope) ([]Site, error) {
	s.plans.mu.RLock()
	sites, epoch, watched := s.plans.sites[scope], s.plans.epoch, s.plans.watched[scope]
	s.plans.mu.RUnlock()
	if sites != nil {
		return sites, nil
	}
	if !watched {
		s.watch(scope, spaceOf(scope))
	}
	sites, err := s.Sites(ctx, scope)
	if err != nil {
		return nil, err
	}
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if sites == nil {
		sites = []Site{} // none is an answer too
	}
	if s.plans.epoch == epoch {
		if s.plans.sites == nil {
			s.plans.sites = map[arn.Scope][]Site{}
		}
		s.plans.sites[scope] = sites
	}
	return sites, nil
}

// Default implements [edge.APIs]: of several APIs the oldest that has a method
// for the path answers, else the oldest.
func (s *Service) Default(ctx context.Context, scope arn.Scope, method, path string) (apiID, stage string, ok bool, err error) {
	sites, err := s.cachedSites(ctx, scope)
	if err != nil || len(sites) == 0 {
		return "", "", false, err
	}
	if len(sites) > 1 {
		for _, site := range sites {
			p, err := s.plan(ctx, edge.Target{Scope: scope, API: site.API, Stage: site.Stage})
			if err != nil {
				return "", "", false, err
			}
			if p == nil {
				continue
			}
			if r := p.root.match(strings.Trim(path, "/"), map[string]string{}); r != nil && r.method(method) != nil {
				return site.API, site.Stage, true, nil
			}
		}
	}
	return sites[0].API, sites[0].Stage, true, nil
}

// Route is a method that leads to a function.
type Route struct {
	Method, Path string
	Function     arn.ARN
}

func (d *deployment) routes() []Route {
	var out []Route
	for _, r := range d.Resources {
		for name, m := range r.Methods {
			if m.MethodIntegration == nil {
				continue
			}
			if fn, ok := functionOf(value(m.MethodIntegration.Uri)); ok {
				out = append(out, Route{Method: name, Path: r.Path, Function: fn})
			}
		}
	}
	return out
}

// Routes lists the methods of all stages of a scope that lead to functions.
func (s *Service) Routes(ctx context.Context, scope arn.Scope) ([]Route, error) {
	sites, err := s.Sites(ctx, scope)
	var out []Route
	for _, site := range sites {
		out = append(out, site.Routes...)
	}
	return out, err
}
