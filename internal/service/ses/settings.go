package ses

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// Settings about networks, signatures and reputation: they are kept and shown,
// and since mail goes through none of AWS's network they change nothing else.

func (s *Service) registerSettings() {
	awsapi.Handle(s.v2, v2.PutConfigurationSetDeliveryOptions, onSet("PutConfigurationSetDeliveryOptions", func(in *v2.PutConfigurationSetDeliveryOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetDeliveryOptionsRequest) (*v2.PutConfigurationSetDeliveryOptionsResponse, error) {
		if in.SendingPoolName != nil {
			return nil, fault.New(noSetCode, "Dedicated IP pool <%s> does not exist.", *in.SendingPoolName)
		}
		return &v2.PutConfigurationSetDeliveryOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) {
			c.Delivery = &v2.DeliveryOptions{TlsPolicy: in.TlsPolicy}
		})
	}))
	awsapi.Handle(s.v2, v2.PutConfigurationSetReputationOptions, onSet("PutConfigurationSetReputationOptions", func(in *v2.PutConfigurationSetReputationOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetReputationOptionsRequest) (*v2.PutConfigurationSetReputationOptionsResponse, error) {
		return &v2.PutConfigurationSetReputationOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) {
			c.Reputation = &v2.ReputationOptions{ReputationMetricsEnabled: in.ReputationMetricsEnabled}
		})
	}))
	awsapi.Handle(s.v2, v2.PutConfigurationSetTrackingOptions, onSet("PutConfigurationSetTrackingOptions", func(in *v2.PutConfigurationSetTrackingOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetTrackingOptionsRequest) (*v2.PutConfigurationSetTrackingOptionsResponse, error) {
		return &v2.PutConfigurationSetTrackingOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) {
			c.Tracking = nil
			if in.CustomRedirectDomain != nil {
				c.Tracking = &v2.TrackingOptions{CustomRedirectDomain: in.CustomRedirectDomain}
			}
		})
	}))
	awsapi.Handle(s.v2, v2.PutConfigurationSetVdmOptions, onSet("PutConfigurationSetVdmOptions", func(in *v2.PutConfigurationSetVdmOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetVdmOptionsRequest) (*v2.PutConfigurationSetVdmOptionsResponse, error) {
		return &v2.PutConfigurationSetVdmOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) { c.Vdm = in.VdmOptions })
	}))

	awsapi.Handle(s.v2, v2.PutEmailIdentityDkimAttributes, onIdentity("PutEmailIdentityDkimAttributes", func(in *v2.PutEmailIdentityDkimAttributesRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.PutEmailIdentityDkimAttributesRequest) (*v2.PutEmailIdentityDkimAttributesResponse, error) {
		return &v2.PutEmailIdentityDkimAttributesResponse{}, s.changeIdentity(ctx, val(in.EmailIdentity), func(_ *kv.Tx, id *identity) error {
			id.Unsigned = !val(in.SigningEnabled)
			return nil
		})
	}))
	awsapi.Handle(s.v2, v2.PutEmailIdentityDkimSigningAttributes, onIdentity("PutEmailIdentityDkimSigningAttributes", func(in *v2.PutEmailIdentityDkimSigningAttributesRequest) *string { return in.EmailIdentity }), recent(s.putSigning))
	awsapi.Handle(s.v2, v2.PutEmailIdentityFeedbackAttributes, onIdentity("PutEmailIdentityFeedbackAttributes", func(in *v2.PutEmailIdentityFeedbackAttributesRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.PutEmailIdentityFeedbackAttributesRequest) (*v2.PutEmailIdentityFeedbackAttributesResponse, error) {
		return &v2.PutEmailIdentityFeedbackAttributesResponse{}, s.changeIdentity(ctx, val(in.EmailIdentity), func(_ *kv.Tx, id *identity) error {
			id.NoFeedback = !val(in.EmailForwardingEnabled)
			return nil
		})
	}))
	awsapi.Handle(s.v2, v2.PutEmailIdentityMailFromAttributes, onIdentity("PutEmailIdentityMailFromAttributes", func(in *v2.PutEmailIdentityMailFromAttributesRequest) *string { return in.EmailIdentity }), recent(s.putMailFrom))
}

func (s *Service) putSigning(ctx context.Context, in *v2.PutEmailIdentityDkimSigningAttributesRequest) (*v2.PutEmailIdentityDkimSigningAttributesResponse, error) {
	name := normal(val(in.EmailIdentity))
	if isAddress(name) {
		return nil, invalid("DKIM signing attributes are of domains, and <%s> is an address.", name)
	}
	var shown *v2.DkimAttributes
	err := s.changeIdentity(ctx, name, func(_ *kv.Tx, id *identity) error {
		id.Selector = ""
		if val(in.SigningAttributesOrigin) == "EXTERNAL" {
			a := in.SigningAttributes
			if a == nil || val(a.DomainSigningSelector) == "" || val(a.DomainSigningPrivateKey) == "" {
				return invalid("Signing attributes of one's own need a selector and a private key.")
			}
			id.Selector = *a.DomainSigningSelector
		}
		shown = id.dkim(name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &v2.PutEmailIdentityDkimSigningAttributesResponse{DkimStatus: shown.Status, DkimTokens: shown.Tokens}, nil
}

// putMailFrom sets the domain to which bounces go; none takes it away.
func (s *Service) putMailFrom(ctx context.Context, in *v2.PutEmailIdentityMailFromAttributesRequest) (*v2.PutEmailIdentityMailFromAttributesResponse, error) {
	domain := val(in.MailFromDomain)
	if domain != "" {
		if err := checkDomain(domain); err != nil {
			return nil, err
		}
	}
	return &v2.PutEmailIdentityMailFromAttributesResponse{}, s.changeIdentity(ctx, val(in.EmailIdentity), func(_ *kv.Tx, id *identity) error {
		id.MailFrom, id.OnMxFailure = domain, val(in.BehaviorOnMxFailure)
		return nil
	})
}

// mailFrom is the setting as the API shows it. Its domain is taken as it is: there
// is no DNS that could tell otherwise.
func (id *identity) mailFrom() *v2.MailFromAttributes {
	out := &v2.MailFromAttributes{BehaviorOnMxFailure: ptr(or(id.OnMxFailure, "USE_DEFAULT_VALUE"))}
	if id.MailFrom != "" {
		out.MailFromDomain, out.MailFromDomainStatus = &id.MailFrom, ptr("SUCCESS")
	}
	return out
}
