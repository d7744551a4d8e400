package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
)

// httpDomain is AWS::ApiGatewayV2::DomainName. Ref is the name.
type httpDomain struct{ base }

// refusedOfHTTPDomain: there is no TLS here, and a domain name's mappings are its
// only routing.
func refusedOfHTTPDomain() []string {
	return []string{"DomainNameConfigurations.IpAddressType", "MutualTlsAuthentication", "RoutingMode"}
}

func (h httpDomain) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateDomainNameRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	err := run(ctx, h.base, apigatewayv2.CreateDomainName, &in)
	if err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return h.progress(ctx, r, strings.ToLower(val(in.DomainName)))
}

func (h httpDomain) progress(ctx context.Context, r stack.Request, name string) (stack.Progress, error) {
	out, err := do(ctx, h.base, apigatewayv2.GetDomainName, &apigatewayv2.GetDomainNameRequest{DomainName: &name})
	if err != nil {
		return stack.Progress{PhysicalID: name}, err
	}
	attrs := stack.Attrs{"DomainNameArn": gatewayARN(r, "/domainnames/"+name)}
	for _, c := range out.DomainNameConfigurations {
		attrs["RegionalDomainName"], attrs["RegionalHostedZoneId"] = val(c.ApiGatewayDomainName), val(c.HostedZoneId)
	}
	return stack.Progress{PhysicalID: name, Attrs: attrs}, nil
}

func (h httpDomain) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateDomainNameRequest{}
	if err := bind(&in, r.Properties, "Tags"); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	if err := run(ctx, h.base, apigatewayv2.UpdateDomainName, &in); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	if err := h.tagV2(ctx, r, gatewayARN(r, "/domainnames/"+r.PhysicalID)); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return h.progress(ctx, r, r.PhysicalID)
}

func (h httpDomain) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, h.base, apigatewayv2.DeleteDomainName, &apigatewayv2.DeleteDomainNameRequest{DomainName: &r.PhysicalID}))
}

func (h httpDomain) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	p, err := h.progress(ctx, r, r.PhysicalID)
	return p.Attrs, found(err)
}
