package apigateway

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
)

// plan is what one stage serves: its settings and its deployment's routes.
type plan struct {
	api   *api
	stage *shapes.Stage
	deployment
	root *node
}

// node is one segment of the paths of an API.
type node struct {
	literal map[string]*node
	param   *node
	greedy  *node
	name    string // of the parameter
	here    *resource
}

func newPlan(a *api, st *shapes.Stage, d *deployment) *plan {
	p := &plan{api: a, stage: st, deployment: *d, root: &node{}}
	for _, r := range d.Resources {
		n := p.root
		for part := range strings.SplitSeq(strings.Trim(r.Path, "/"), "/") {
			if part != "" {
				n = n.child(part)
			}
		}
		n.here = r
	}
	return p
}

func (n *node) child(part string) *node {
	name, isParam := strings.CutPrefix(part, "{")
	if !isParam {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[part] == nil {
			n.literal[part] = &node{}
		}
		return n.literal[part]
	}
	slot := &n.param
	name = strings.TrimSuffix(name, "}")
	if greedy, ok := strings.CutSuffix(name, "+"); ok {
		slot, name = &n.greedy, greedy
	}
	if *slot == nil {
		*slot = &node{name: name}
	}
	return *slot
}

// match finds the resource of an escaped path: literal segments before
// parameters before greedy ones, going back where a branch leads nowhere.
func (n *node) match(path string, params map[string]string) *resource {
	if path == "" {
		if n.here != nil && len(n.here.Methods) > 0 {
			return n.here
		}
		return nil
	}
	part, rest, _ := strings.Cut(path, "/")
	if next := n.literal[part]; next != nil {
		if r := next.match(rest, params); r != nil {
			return r
		}
	}
	if n.param != nil && part != "" {
		if r := n.param.match(rest, params); r != nil {
			params[n.param.name] = unescape(part)
			return r
		}
	}
	if n.greedy != nil && n.greedy.here != nil {
		params[n.greedy.name] = unescape(path)
		return n.greedy.here
	}
	return nil
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// method returns the method that answers, ANY when there is no particular one.
func (r *resource) method(name string) *shapes.Method {
	if m := r.Methods[name]; m != nil {
		return m
	}
	return r.Methods["ANY"]
}

// Target is an API and a stage, as a request addressed them.
type Target struct {
	Scope  arn.Scope
	API    string
	Stage  string
	Path   string // below the stage, still escaped, beginning with a slash
	Base   string // what stood before Path: "/dev", or "" where the stage is not part of the address
	Domain string // host name that was addressed
}

// planCache keeps the plans of stages until anything of API Gateway changes.
type planCache struct {
	mu      sync.RWMutex
	plans   map[planKey]*plan
	epoch   uint64
	watched map[arn.Scope]bool
}

type planKey struct {
	scope      arn.Scope
	api, stage string
}

func (c *planCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans = nil
	c.epoch++
}

// plan returns what a stage serves; nil when there is no such API or stage.
func (s *Service) plan(ctx context.Context, t Target) (*plan, error) {
	key := planKey{t.Scope, t.API, t.Stage}
	s.plans.mu.RLock()
	p, epoch, watched := s.plans.plans[key], s.plans.epoch, s.plans.watched[t.Scope]
	s.plans.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	sp := spaceOf(t.Scope)
	if !watched { // before the read, so that no change is missed
		s.watch(t.Scope, sp)
	}
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		a, err := load[api](sn, sp.api(t.API))
		if err != nil || a == nil {
			return err
		}
		st, err := load[shapes.Stage](sn, sp.stage(t.API, t.Stage))
		if err != nil || st == nil {
			return err
		}
		d, err := load[deployment](sn, sp.deployment(t.API, value(st.DeploymentId)))
		if err != nil || d == nil {
			return err
		}
		p = newPlan(a, st, d)
		return nil
	})
	if err != nil || p == nil {
		return nil, err
	}
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.epoch == epoch {
		if s.plans.plans == nil {
			s.plans.plans = map[planKey]*plan{}
		}
		s.plans.plans[key] = p
	}
	return p, nil
}

func (s *Service) watch(scope arn.Scope, sp space) {
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.watched[scope] {
		return
	}
	if s.plans.watched == nil {
		s.plans.watched = map[arn.Scope]bool{}
	}
	s.plans.watched[scope] = true
	s.db.WatchFunc(s.plans.drop, sp.changed())
}

// Site is an API's stage as it can be addressed.
type Site struct {
	API, Name, Stage string
	Paths            []string // "ANY /users"
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
				site := Site{API: *a.Id, Name: value(a.Name), Stage: *st.StageName}
				d, err := load[deployment](sn, sp.deployment(*a.Id, value(st.DeploymentId)))
				if err != nil {
					return err
				}
				if d != nil {
					site.Paths = d.paths()
				}
				out = append(out, site)
			}
		}
		return nil
	})
	return out, err
}

func (d *deployment) paths() []string {
	var out []string
	for _, r := range d.Resources {
		for name, m := range r.Methods {
			if m.MethodIntegration != nil && value(m.MethodIntegration.Type) != "MOCK" {
				out = append(out, name+" "+r.Path)
			}
		}
	}
	return out
}
