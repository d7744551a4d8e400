package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// domainName is AWS::ApiGateway::DomainName. Ref is the name.
type domainName struct{ base }

// refusedOfDomain: there is no TLS here, and a domain name's mappings are its
// only routing.
func refusedOfDomain() []string {
	return []string{"EndpointAccessMode", "EndpointConfiguration.IpAddressType", "MutualTlsAuthentication", "RoutingMode"}
}

func (d domainName) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigateway.CreateDomainNameRequest{Tags: tagMap(r.Properties)}
	if err := bind(&in, r.Properties, "Tags"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, d.base, apigateway.CreateDomainName, &in)
	if r.Again && present(err) {
		name := strings.ToLower(val(in.DomainName))
		out, err = do(ctx, d.base, apigateway.GetDomainName, &apigateway.GetDomainNameRequest{DomainName: &name})
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return domainProgress(r, out), nil
}

func domainProgress(r stack.Request, d *apigateway.DomainName) stack.Progress {
	name := val(d.DomainName)
	return stack.Progress{PhysicalID: name, Attrs: stack.Attrs{
		"DistributionDomainName": val(d.DistributionDomainName), "DistributionHostedZoneId": val(d.DistributionHostedZoneId),
		"RegionalDomainName": val(d.RegionalDomainName), "RegionalHostedZoneId": val(d.RegionalHostedZoneId),
		"DomainNameArn": gatewayARN(r, "/domainnames/"+name),
	}}
}

func (d domainName) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var p patch
	p.scalar(r.Old, r.Properties, "CertificateArn", "/certificateArn", "")
	p.scalar(r.Old, r.Properties, "RegionalCertificateArn", "/regionalCertificateArn", "")
	p.scalar(r.Old, r.Properties, "OwnershipVerificationCertificateArn", "/ownershipVerificationCertificateArn", "")
	p.scalar(r.Old, r.Properties, "SecurityPolicy", "/securityPolicy", "TLS_1_2")
	was, is := texts(r.Old.Get("EndpointConfiguration"), "Types"), texts(r.Properties.Get("EndpointConfiguration"), "Types")
	if len(was) == 0 {
		was = []string{"EDGE"}
	}
	if len(is) == 0 {
		is = []string{"EDGE"}
	}
	if was[0] != is[0] {
		p.add("replace", "/endpointConfiguration/types/"+was[0], is[0])
	}
	out, err := do(ctx, d.base, apigateway.UpdateDomainName, &apigateway.UpdateDomainNameRequest{DomainName: &r.PhysicalID, PatchOperations: p})
	if err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	done := domainProgress(r, out)
	done.PhysicalID = r.PhysicalID
	return done, d.tag(ctx, r, gatewayARN(r, "/domainnames/"+r.PhysicalID))
}

func (d domainName) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, d.base, apigateway.DeleteDomainName, &apigateway.DeleteDomainNameRequest{DomainName: &r.PhysicalID}))
}

func (d domainName) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, d.base, apigateway.GetDomainName, &apigateway.GetDomainNameRequest{DomainName: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return domainProgress(r, out).Attrs, nil
}
