package apigatewayv2

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerMappings() {
	awsapi.Handle(s.api, shapes.CreateApiMapping, on("POST", func(in *shapes.CreateApiMappingRequest) string { return domainPath(in.DomainName) + "/apimappings" }), s.createMapping)
	awsapi.Handle(s.api, shapes.GetApiMapping, on("GET", func(in *shapes.GetApiMappingRequest) string { return mappingPath(in.DomainName, in.ApiMappingId) }), s.getMapping)
	awsapi.Handle(s.api, shapes.GetApiMappings, on("GET", func(in *shapes.GetApiMappingsRequest) string { return domainPath(in.DomainName) + "/apimappings" }), s.getMappings)
	awsapi.Handle(s.api, shapes.UpdateApiMapping, on("PATCH", func(in *shapes.UpdateApiMappingRequest) string { return mappingPath(in.DomainName, in.ApiMappingId) }), s.updateMapping)
	awsapi.Handle(s.api, shapes.DeleteApiMapping, on("DELETE", func(in *shapes.DeleteApiMappingRequest) string { return mappingPath(in.DomainName, in.ApiMappingId) }), s.deleteMapping)
}

func mappingPath(domain, id *string) string { return domainPath(domain) + "/apimappings/" + value(id) }

func noSuchMapping() *fault.Error { return notFound("Invalid API mapping identifier specified") }

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mappings.html
func (s *Service) createMapping(ctx context.Context, in *shapes.CreateApiMappingRequest) (*shapes.CreateApiMappingResponse, error) {
	m := &shapes.ApiMapping{ApiMappingId: ptr(newID(6)), ApiId: in.ApiId, Stage: in.Stage, ApiMappingKey: ptr(value(in.ApiMappingKey))}
	if err := s.keepMapping(ctx, in.DomainName, m, ""); err != nil {
		return nil, err
	}
	out := shapes.CreateApiMappingResponse(*m)
	return &out, nil
}

// keepMapping stores a mapping whose API and stage exist.
func (s *Service) keepMapping(ctx context.Context, domain *string, m *shapes.ApiMapping, replaces string) error {
	if k := *m.ApiMappingKey; strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$-_.+!*'()/") != "" || strings.HasPrefix(k, "/") || strings.HasSuffix(k, "/") {
		return badRequest("API mapping key should not start or end with a '/' or contain anything but letters, digits and $-_.+!*'()/")
	}
	if err := s.hasStage(ctx, m); err != nil {
		return err
	}
	return s.changeDomain(ctx, domain, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		if replaces != "" {
			if had, err := tx.Get(sp.mapping(*d.DomainName, replaces)); err != nil || had == nil {
				return orErr(err, noSuchMapping())
			}
		}
		all, err := listTx[shapes.ApiMapping](tx, sp.mappings(*d.DomainName))
		if err != nil {
			return err
		}
		for _, other := range all {
			if value(other.ApiMappingKey) == *m.ApiMappingKey && *other.ApiMappingId != *m.ApiMappingId {
				return conflict("ApiMapping key already exists for this domain name")
			}
		}
		return jsonrow.Set(tx, sp.mapping(*d.DomainName, *m.ApiMappingId), m)
	})
}

// hasStage checks that a mapping leads to a stage: of an HTTP API, or of a REST
// API where service apigateway has it.
func (s *Service) hasStage(ctx context.Context, m *shapes.ApiMapping) error {
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		if err := exists(sn, sp, m.ApiId); err != nil {
			return err
		}
		_, err := part[shapes.Stage](sn, sp, stageKind, value(m.ApiId), value(m.Stage), badRequest("Invalid stage identifier specified"))
		return err
	})
	if !fault.Is(err, "NotFoundException") || s.Caller == nil {
		return err
	}
	_, err = awsapi.Do(ctx, s.Caller, apigateway.GetStage, &apigateway.GetStageRequest{RestApiId: m.ApiId, StageName: m.Stage})
	if fault.Is(err, "NotFoundException") {
		return badRequest("Invalid API identifier or stage specified: %s, %s", value(m.ApiId), value(m.Stage))
	}
	return err
}

func (s *Service) readMapping(ctx context.Context, domain, id *string) (m *shapes.ApiMapping, err error) {
	d, err := s.readDomain(ctx, domain)
	if err != nil {
		return nil, err
	}
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		m, err = jsonrow.Load[shapes.ApiMapping](sn, sp.mapping(*d.DomainName, value(id)))
		return err
	})
	if err == nil && m == nil {
		err = noSuchMapping()
	}
	return m, err
}

func (s *Service) getMapping(ctx context.Context, in *shapes.GetApiMappingRequest) (*shapes.GetApiMappingResponse, error) {
	m, err := s.readMapping(ctx, in.DomainName, in.ApiMappingId)
	if err != nil {
		return nil, err
	}
	out := shapes.GetApiMappingResponse(*m)
	return &out, nil
}

func (s *Service) getMappings(ctx context.Context, in *shapes.GetApiMappingsRequest) (*shapes.GetApiMappingsResponse, error) {
	d, err := s.readDomain(ctx, in.DomainName)
	if err != nil {
		return nil, err
	}
	var all []*shapes.ApiMapping
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[shapes.ApiMapping](sn, sp.mappings(*d.DomainName))
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(all, in.NextToken, in.MaxResults)
	return &shapes.GetApiMappingsResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateMapping(ctx context.Context, in *shapes.UpdateApiMappingRequest) (*shapes.UpdateApiMappingResponse, error) {
	m, err := s.readMapping(ctx, in.DomainName, in.ApiMappingId)
	if err != nil {
		return nil, err
	}
	merge(m, in)
	if err := s.keepMapping(ctx, in.DomainName, m, *m.ApiMappingId); err != nil {
		return nil, err
	}
	out := shapes.UpdateApiMappingResponse(*m)
	return &out, nil
}

func (s *Service) deleteMapping(ctx context.Context, in *shapes.DeleteApiMappingRequest) (*schema.Empty, error) {
	return nil, s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		key := sp.mapping(*d.DomainName, *in.ApiMappingId)
		if had, err := tx.Get(key); err != nil || had == nil {
			return orErr(err, noSuchMapping())
		}
		tx.Delete(key)
		return nil
	})
}

// mappedBy is a domain name with a mapping of which fn is true; "" when there is
// none.
func mappedBy(tx *kv.Tx, sp space, fn func(*shapes.ApiMapping) bool) (string, error) {
	ds, err := listTx[shapes.DomainName](tx, sp.domains())
	if err != nil {
		return "", err
	}
	for _, d := range ds {
		ms, err := listTx[shapes.ApiMapping](tx, sp.mappings(*d.DomainName))
		if err != nil {
			return "", err
		}
		for _, m := range ms {
			if fn(m) {
				return *d.DomainName, nil
			}
		}
	}
	return "", nil
}
