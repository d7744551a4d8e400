package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/edge"
)

// Best implements [edge.Chooser]: the API that [Service.Default] would let
// answer, and how well its route fits.
func (s *Service) Best(ctx context.Context, scope arn.Scope, method, path string) (best edge.Route, ok bool, err error) {
	sites, err := s.cachedSites(ctx, scope)
	if err != nil || len(sites) == 0 {
		return best, false, err
	}
	best = edge.Route{API: sites[0].API, Stage: sites[0].Stage, Created: sites[0].created}
	for _, site := range sites {
		p, err := s.plan(ctx, edge.Target{Scope: scope, API: site.API, Stage: site.Stage})
		if err != nil {
			return best, false, err
		}
		if p == nil {
			continue
		}
		if r := p.root.match(strings.Trim(path, "/"), map[string]string{}); r != nil && r.method(method) != nil {
			return edge.Route{API: site.API, Stage: site.Stage, Fit: edge.FitOf(r.Path), Created: site.created}, true, nil
		}
	}
	return best, true, nil
}
