package apigateway

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s space) mapping(domain, base string) kv.Key {
	return s.Key().Str("mapping").Str(domain).Str(base).Done()
}

func (s space) mappings(domain string) kv.Range {
	return kv.Range(s.Key().Str("mapping").Str(domain).Range())
}

func mappingPath(domain, base *string) string {
	return domainPath(domain) + "/basepathmappings/" + value(base)
}

func (s *Service) registerMappings() {
	awsapi.Handle(s.api, shapes.CreateBasePathMapping, on("POST", func(in *shapes.CreateBasePathMappingRequest) string {
		return domainPath(in.DomainName) + "/basepathmappings"
	}), s.createMapping)
	awsapi.Handle(s.api, shapes.GetBasePathMapping, on("GET", func(in *shapes.GetBasePathMappingRequest) string { return mappingPath(in.DomainName, in.BasePath) }), s.getMapping)
	awsapi.Handle(s.api, shapes.GetBasePathMappings, on("GET", func(in *shapes.GetBasePathMappingsRequest) string {
		return domainPath(in.DomainName) + "/basepathmappings"
	}), s.getMappings)
	awsapi.Handle(s.api, shapes.UpdateBasePathMapping, on("PATCH", func(in *shapes.UpdateBasePathMappingRequest) string {
		return mappingPath(in.DomainName, in.BasePath)
	}), s.updateMapping)
	awsapi.Handle(s.api, shapes.DeleteBasePathMapping, on("DELETE", func(in *shapes.DeleteBasePathMappingRequest) string {
		return mappingPath(in.DomainName, in.BasePath)
	}), s.deleteMapping)
}

// noBase is how the empty base path is written.
const noBase = "(none)"

var basePaths = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9$._+!*'()-]+$`) })

func noSuchMapping() *fault.Error { return notFound("Invalid base path mapping identifier specified") }

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateBasePathMapping.html
func (s *Service) createMapping(ctx context.Context, in *shapes.CreateBasePathMappingRequest) (*shapes.BasePathMapping, error) {
	m := &shapes.BasePathMapping{BasePath: in.BasePath, RestApiId: in.RestApiId, Stage: in.Stage}
	if value(m.BasePath) == "" {
		m.BasePath = ptr(noBase)
	}
	err := s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		key := sp.mapping(*d.DomainName, *m.BasePath)
		had, err := tx.Get(key)
		if err != nil {
			return err
		}
		if had != nil {
			return conflict("Base path already exists for this domain name")
		}
		if err := soundMapping(tx, sp, m); err != nil {
			return err
		}
		return jsonrow.Set(tx, key, m)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// soundMapping refuses a mapping to what does not exist.
func soundMapping(tx *kv.Tx, sp space, m *shapes.BasePathMapping) error {
	if *m.BasePath != noBase && !basePaths().MatchString(*m.BasePath) {
		return badRequest("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	}
	a, err := tx.Get(sp.api(value(m.RestApiId)))
	if err != nil {
		return err
	}
	if a == nil {
		return badRequest("Invalid REST API identifier specified")
	}
	if value(m.Stage) == "" {
		return nil
	}
	st, err := tx.Get(sp.stage(*m.RestApiId, *m.Stage))
	if err != nil {
		return err
	}
	if st == nil {
		return badRequest("Invalid stage identifier specified")
	}
	return nil
}

func (s *Service) getMapping(ctx context.Context, in *shapes.GetBasePathMappingRequest) (*shapes.BasePathMapping, error) {
	d, err := s.readDomain(ctx, in.DomainName)
	if err != nil {
		return nil, err
	}
	var m *shapes.BasePathMapping
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		m, err = jsonrow.Load[shapes.BasePathMapping](sn, sp.mapping(*d.DomainName, *in.BasePath))
		return err
	})
	if err == nil && m == nil {
		return nil, noSuchMapping()
	}
	return m, err
}

func (s *Service) getMappings(ctx context.Context, in *shapes.GetBasePathMappingsRequest) (*shapes.BasePathMappings, error) {
	d, err := s.readDomain(ctx, in.DomainName)
	if err != nil {
		return nil, err
	}
	var all []*shapes.BasePathMapping
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[shapes.BasePathMapping](sn, sp.mappings(*d.DomainName))
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := pageOf(all, in.Position, in.Limit)
	return &shapes.BasePathMappings{Items: items, Position: next}, err
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateBasePathMapping.html
func (s *Service) updateMapping(ctx context.Context, in *shapes.UpdateBasePathMappingRequest) (*shapes.BasePathMapping, error) {
	var m *shapes.BasePathMapping
	err := s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) (err error) {
		if m, err = jsonrow.Load[shapes.BasePathMapping](tx, sp.mapping(*d.DomainName, *in.BasePath)); err != nil {
			return err
		}
		if m == nil {
			return noSuchMapping()
		}
		tx.Delete(sp.mapping(*d.DomainName, *in.BasePath))
		for _, p := range in.PatchOperations {
			switch value(p.Path) {
			case "/basePath":
				if m.BasePath = p.Value; value(p.Value) == "" {
					m.BasePath = ptr(noBase)
				}
			case "/restapiId":
				m.RestApiId = p.Value
			case "/stage":
				m.Stage = p.Value
			default:
				return badPatch(p)
			}
		}
		taken, err := tx.Get(sp.mapping(*d.DomainName, *m.BasePath))
		if err != nil {
			return err
		}
		if taken != nil {
			return conflict("Base path already exists for this domain name")
		}
		if err := soundMapping(tx, sp, m); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.mapping(*d.DomainName, *m.BasePath), m)
	})
	return m, err
}

func (s *Service) deleteMapping(ctx context.Context, in *shapes.DeleteBasePathMappingRequest) (*schema.Empty, error) {
	return nil, s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		key := sp.mapping(*d.DomainName, *in.BasePath)
		had, err := tx.Get(key)
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchMapping()
		}
		tx.Delete(key)
		return nil
	})
}

// hosts are the mappings of all domain names of a scope, by name and base path.
type hosts map[string]map[string]*shapes.BasePathMapping

// hosts returns them from memory, where they stay until something changes.
func (s *Service) hosts(ctx context.Context, scope arn.Scope) (hosts, error) {
	s.plans.mu.RLock()
	all, known := s.plans.hosts[scope]
	epoch, watched := s.plans.epoch, s.plans.watched[scope]
	s.plans.mu.RUnlock()
	if known {
		return all, nil
	}
	sp := spaceOf(scope)
	if !watched {
		s.watch(scope, sp)
	}
	all = hosts{}
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		ds, err := list[shapes.DomainName](sn, sp.domains())
		if err != nil {
			return err
		}
		for _, d := range ds {
			ms, err := list[shapes.BasePathMapping](sn, sp.mappings(*d.DomainName))
			if err != nil {
				return err
			}
			all[*d.DomainName] = map[string]*shapes.BasePathMapping{}
			for _, m := range ms {
				all[*d.DomainName][*m.BasePath] = m
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.epoch == epoch {
		if s.plans.hosts == nil {
			s.plans.hosts = map[arn.Scope]hosts{}
		}
		s.plans.hosts[scope] = all
	}
	return all, nil
}

// Domain implements [edge.Domains]: the API that a domain name and the first
// part of a path are mapped to.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
func (s *Service) Domain(ctx context.Context, scope arn.Scope, host, path string) (t edge.Target, ok bool, err error) {
	all, err := s.hosts(ctx, scope)
	if err != nil || len(all) == 0 {
		return t, false, err
	}
	bases := all[strings.ToLower(host)]
	if bases == nil {
		if _, rest, cut := strings.Cut(host, "."); cut {
			bases = all["*."+strings.ToLower(rest)]
		}
	}
	base, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	m := bases[base]
	if m == nil {
		if m, base, rest = bases[noBase], "", strings.TrimPrefix(path, "/"); m == nil {
			return t, false, nil
		}
	}
	t = edge.Target{Scope: scope, API: *m.RestApiId, Stage: value(m.Stage)}
	if base != "" {
		t.Base, t.Mapped = "/"+base, "/"+base
	}
	if t.Stage == "" {
		t.Stage, rest, _ = strings.Cut(rest, "/")
		t.Base += "/" + t.Stage
	}
	t.Path = "/" + rest
	return t, true, nil
}
