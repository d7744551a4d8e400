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
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s space) domain(name string) kv.Key { return s.Key().Str("domain").Str(name).Done() }

func (s space) domains() kv.Range { return kv.Range(s.Key().Str("domain").Range()) }

func domainPath(name *string) string { return "/domainnames/" + value(name) }

func (s *Service) registerDomains() {
	awsapi.Handle(s.api, shapes.CreateDomainName, on("POST", func(*shapes.CreateDomainNameRequest) string { return "/domainnames" }), s.createDomainName)
	awsapi.Handle(s.api, shapes.GetDomainName, on("GET", func(in *shapes.GetDomainNameRequest) string { return domainPath(in.DomainName) }), s.getDomainName)
	awsapi.Handle(s.api, shapes.GetDomainNames, on("GET", func(*shapes.GetDomainNamesRequest) string { return "/domainnames" }), s.getDomainNames)
	awsapi.Handle(s.api, shapes.UpdateDomainName, on("PATCH", func(in *shapes.UpdateDomainNameRequest) string { return domainPath(in.DomainName) }), s.updateDomainName)
	awsapi.Handle(s.api, shapes.DeleteDomainName, on("DELETE", func(in *shapes.DeleteDomainNameRequest) string { return domainPath(in.DomainName) }), s.deleteDomainName)
	s.registerMappings()
}

func noSuchDomain() *fault.Error { return notFound("Invalid domain name identifier specified") }

var hostNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)
})

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDomainName.html
func (s *Service) createDomainName(ctx context.Context, in *shapes.CreateDomainNameRequest) (*shapes.DomainName, error) {
	name := strings.ToLower(*in.DomainName)
	if !hostNames().MatchString(name) {
		return nil, badRequest("Invalid domain name specified: %s", *in.DomainName)
	}
	switch {
	case in.MutualTlsAuthentication != nil:
		return nil, badRequest("mutualTlsAuthentication is not supported: domain names are served without TLS here.")
	case in.CertificateBody != nil || in.CertificatePrivateKey != nil || in.CertificateChain != nil:
		return nil, badRequest("A certificate's own text is not supported: name it by certificateArn or regionalCertificateArn.")
	}
	d := &shapes.DomainName{
		DomainName: &name, CertificateName: in.CertificateName, CertificateArn: in.CertificateArn, RegionalCertificateName: in.RegionalCertificateName,
		RegionalCertificateArn: in.RegionalCertificateArn, EndpointConfiguration: in.EndpointConfiguration, SecurityPolicy: in.SecurityPolicy, Tags: in.Tags,
		OwnershipVerificationCertificateArn: in.OwnershipVerificationCertificateArn, DomainNameStatus: ptr("AVAILABLE"),
	}
	if d.EndpointConfiguration == nil {
		d.EndpointConfiguration = &shapes.EndpointConfiguration{Types: []string{"EDGE"}}
	}
	if d.SecurityPolicy == nil {
		d.SecurityPolicy = ptr("TLS_1_2")
	}
	s.place(d, awsapi.From(ctx).Scope, s.clock.Now())
	err := s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		had, err := tx.Get(sp.domain(name))
		if err != nil {
			return err
		}
		if had != nil {
			return conflict("The domain name you provided already exists.")
		}
		return jsonrow.Set(tx, sp.domain(name), d)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// place gives a domain name the addresses that it has on AWS, to which nothing
// leads here: requests are found by their Host header.
func (s *Service) place(d *shapes.DomainName, scope arn.Scope, now clock.Instant) {
	for _, kind := range d.EndpointConfiguration.Types {
		switch {
		case kind == "REGIONAL" && d.RegionalDomainName == nil:
			d.RegionalDomainName = ptr("d-" + newID(10) + ".execute-api." + scope.Region + ".amazonaws.com")
			d.RegionalHostedZoneId = ptr("Z" + strings.ToUpper(newID(13)))
		case kind == "EDGE" && d.DistributionDomainName == nil:
			d.DistributionDomainName, d.CertificateUploadDate = ptr("d"+newID(13)+".cloudfront.net"), &now
			d.DistributionHostedZoneId = ptr("Z2FDTNDATAQYW2")
		}
	}
}

func (s *Service) readDomain(ctx context.Context, name *string) (*shapes.DomainName, error) {
	var d *shapes.DomainName
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		d, err = jsonrow.Load[shapes.DomainName](sn, sp.domain(strings.ToLower(value(name))))
		return err
	})
	if err == nil && d == nil {
		return nil, noSuchDomain()
	}
	return d, err
}

func (s *Service) getDomainName(ctx context.Context, in *shapes.GetDomainNameRequest) (*shapes.DomainName, error) {
	return s.readDomain(ctx, in.DomainName)
}

func (s *Service) getDomainNames(ctx context.Context, in *shapes.GetDomainNamesRequest) (*shapes.DomainNames, error) {
	var all []*shapes.DomainName
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[shapes.DomainName](sn, sp.domains())
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := pageOf(all, in.Position, in.Limit)
	return &shapes.DomainNames{Items: items, Position: next}, err
}

// changeDomain runs fn in a transaction on a domain name, which must exist.
func (s *Service) changeDomain(ctx context.Context, name *string, fn func(tx *kv.Tx, sp space, d *shapes.DomainName) error) error {
	return s.updateAll(ctx, func(tx *kv.Tx, sp space) error {
		d, err := jsonrow.Load[shapes.DomainName](tx, sp.domain(strings.ToLower(value(name))))
		if err != nil {
			return err
		}
		if d == nil {
			return noSuchDomain()
		}
		return fn(tx, sp, d)
	})
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateDomainName.html
func (s *Service) updateDomainName(ctx context.Context, in *shapes.UpdateDomainNameRequest) (*shapes.DomainName, error) {
	var out *shapes.DomainName
	scope, now := awsapi.From(ctx).Scope, s.clock.Now()
	err := s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		for _, p := range in.PatchOperations {
			switch path := value(p.Path); {
			case path == "/certificateName":
				d.CertificateName = p.Value
			case path == "/certificateArn":
				d.CertificateArn = p.Value
			case path == "/regionalCertificateName":
				d.RegionalCertificateName = p.Value
			case path == "/regionalCertificateArn":
				d.RegionalCertificateArn = p.Value
			case path == "/ownershipVerificationCertificateArn":
				d.OwnershipVerificationCertificateArn = p.Value
			case path == "/securityPolicy":
				d.SecurityPolicy = p.Value
			case path == "/endpointConfiguration/types":
				d.EndpointConfiguration.Types = patchList(d.EndpointConfiguration.Types, p, value(p.Value))
			case strings.HasPrefix(path, "/endpointConfiguration/types/"):
				d.EndpointConfiguration.Types = []string{value(p.Value)}
			default:
				return badPatch(p)
			}
		}
		s.place(d, scope, now)
		out = d
		return jsonrow.Set(tx, sp.domain(*d.DomainName), d)
	})
	return out, err
}

// deleteDomainName deletes a domain name with its mappings.
func (s *Service) deleteDomainName(ctx context.Context, in *shapes.DeleteDomainNameRequest) (*schema.Empty, error) {
	return nil, s.changeDomain(ctx, in.DomainName, func(tx *kv.Tx, sp space, d *shapes.DomainName) error {
		tx.Delete(sp.domain(*d.DomainName))
		tx.DeleteRange(sp.mappings(*d.DomainName))
		return nil
	})
}
