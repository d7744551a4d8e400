package apigatewayv2

import (
	"context"
	"net"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Domain names are found by the Host of a request, on both ports. That the name
// leads here is for the caller's DNS, or its --resolve, to see to; certificates
// are named and not used, because this cloud speaks HTTP.

func (s *Service) registerDomains() {
	awsapi.Handle(s.api, shapes.CreateDomainName, on("POST", func(*shapes.CreateDomainNameRequest) string { return "/domainnames" }), s.createDomain)
	awsapi.Handle(s.api, shapes.GetDomainName, on("GET", func(in *shapes.GetDomainNameRequest) string { return domainPath(in.DomainName) }), s.getDomain)
	awsapi.Handle(s.api, shapes.GetDomainNames, on("GET", func(*shapes.GetDomainNamesRequest) string { return "/domainnames" }), s.getDomains)
	awsapi.Handle(s.api, shapes.UpdateDomainName, on("PATCH", func(in *shapes.UpdateDomainNameRequest) string { return domainPath(in.DomainName) }), s.updateDomain)
	awsapi.Handle(s.api, shapes.DeleteDomainName, on("DELETE", func(in *shapes.DeleteDomainNameRequest) string { return domainPath(in.DomainName) }), s.deleteDomain)
}

func domainPath(name *string) string { return "/domainnames/" + value(name) }

func noSuchDomain() *fault.Error { return notFound("Invalid domain name identifier specified") }

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames.html#CreateDomainName
func (s *Service) createDomain(ctx context.Context, in *shapes.CreateDomainNameRequest) (*shapes.CreateDomainNameResponse, error) {
	name := strings.ToLower(*in.DomainName)
	if net.ParseIP(name) != nil || !strings.Contains(name, ".") || strings.ContainsAny(name, " /:") {
		return nil, badRequest("Invalid domain name specified: %s", *in.DomainName)
	}
	if in.MutualTlsAuthentication != nil {
		return nil, refused("mutual TLS: mutualTlsAuthentication")
	}
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	d := &shapes.DomainName{
		DomainName: &name, Tags: in.Tags, DomainNameConfigurations: in.DomainNameConfigurations, ApiMappingSelectionExpression: ptr("$request.basepath"),
	}
	if len(d.DomainNameConfigurations) == 0 {
		d.DomainNameConfigurations = []shapes.DomainNameConfiguration{{}}
	}
	for i := range d.DomainNameConfigurations {
		c := &d.DomainNameConfigurations[i]
		c.EndpointType, c.SecurityPolicy = orDefault(c.EndpointType, "REGIONAL"), orDefault(c.SecurityPolicy, "TLS_1_2")
		c.ApiGatewayDomainName = ptr("d-" + newID(10) + ".execute-api." + scope.Region + ".amazonaws.com")
		c.HostedZoneId, c.DomainNameStatus, c.CertificateUploadDate = ptr("Z0"+strings.ToUpper(newID(12))), ptr("AVAILABLE"), &now
	}
	sp := spaceOf(scope)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(sp.domain(name))
		if err != nil || had != nil {
			return orErr(err, conflict("The domain name you provided already exists."))
		}
		tx.Signal(sp.changed())
		return jsonrow.Set(tx, sp.domain(name), d)
	})
	out := shapes.CreateDomainNameResponse(*d)
	return &out, err
}

func (s *Service) readDomain(ctx context.Context, name *string) (d *shapes.DomainName, err error) {
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		d, err = jsonrow.Load[shapes.DomainName](sn, sp.domain(strings.ToLower(value(name))))
		return err
	})
	if err == nil && d == nil {
		err = noSuchDomain()
	}
	return d, err
}

func (s *Service) getDomain(ctx context.Context, in *shapes.GetDomainNameRequest) (*shapes.GetDomainNameResponse, error) {
	d, err := s.readDomain(ctx, in.DomainName)
	if err != nil {
		return nil, err
	}
	out := shapes.GetDomainNameResponse(*d)
	return &out, nil
}

func (s *Service) getDomains(ctx context.Context, in *shapes.GetDomainNamesRequest) (*shapes.GetDomainNamesResponse, error) {
	var all []*shapes.DomainName
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[shapes.DomainName](sn, sp.domains())
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(all, in.NextToken, in.MaxResults)
	return &shapes.GetDomainNamesResponse{Items: items, NextToken: next}, err
}

// changeDomain changes a domain name, which must exist.
func (s *Service) changeDomain(ctx context.Context, name *string, fn func(tx *kv.Tx, sp space, d *shapes.DomainName) error) error {
	sp, key := spaceOf(awsapi.From(ctx).Scope), strings.ToLower(value(name))
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		d, err := jsonrow.Load[shapes.DomainName](tx, sp.domain(key))
		if err != nil || d == nil {
			return orErr(err, noSuchDomain())
		}
		tx.Signal(sp.changed())
		return fn(tx, sp, d)
	})
	return err
}

func (s *Service) updateDomain(ctx context.Context, in *shapes.UpdateDomainNameRequest) (*shapes.UpdateDomainNameResponse, error) {
	if in.MutualTlsAuthentication != nil {
		return nil, refused("mutual TLS: mutualTlsAuthentication")
	}
	var out shapes.UpdateDomainNameResponse
	err := s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		for i, c := range in.DomainNameConfigurations {
			if i < len(d.DomainNameConfigurations) {
				merge(&d.DomainNameConfigurations[i], &c)
			}
		}
		out = shapes.UpdateDomainNameResponse(*d)
		return jsonrow.Set(tx, sp.domain(*d.DomainName), d)
	})
	return &out, err
}

// deleteDomain deletes a domain name with its mappings.
func (s *Service) deleteDomain(ctx context.Context, in *shapes.DeleteDomainNameRequest) (*schema.Empty, error) {
	return nil, s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		tx.DeleteRange(sp.mappings(*d.DomainName))
		tx.Delete(sp.domain(*d.DomainName))
		return nil
	})
}
