package ses

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

func (s *Service) registerIdentities() {
	awsapi.Handle(s.v1, v1.VerifyEmailIdentity, anywhere[*v1.VerifyEmailIdentityRequest](1, "VerifyEmailIdentity"), old(func(ctx context.Context, in *v1.VerifyEmailIdentityRequest) (*v1.VerifyEmailIdentityResponse, error) {
		return &v1.VerifyEmailIdentityResponse{}, s.verifyAddress(ctx, val(in.EmailAddress))
	}))
	awsapi.Handle(s.v1, v1.VerifyEmailAddress, anywhere[*v1.VerifyEmailAddressRequest](1, "VerifyEmailAddress"), old(func(ctx context.Context, in *v1.VerifyEmailAddressRequest) (*schema.Empty, error) {
		return &schema.Empty{}, s.verifyAddress(ctx, val(in.EmailAddress))
	}))
	awsapi.Handle(s.v1, v1.VerifyDomainIdentity, anywhere[*v1.VerifyDomainIdentityRequest](1, "VerifyDomainIdentity"), old(func(ctx context.Context, in *v1.VerifyDomainIdentityRequest) (*v1.VerifyDomainIdentityResponse, error) {
		id, err := s.verifyDomain(ctx, val(in.Domain))
		return &v1.VerifyDomainIdentityResponse{VerificationToken: &id.Token}, err
	}))
	awsapi.Handle(s.v1, v1.VerifyDomainDkim, anywhere[*v1.VerifyDomainDkimRequest](1, "VerifyDomainDkim"), old(func(ctx context.Context, in *v1.VerifyDomainDkimRequest) (*v1.VerifyDomainDkimResponse, error) {
		id, err := s.verifyDomain(ctx, val(in.Domain))
		return &v1.VerifyDomainDkimResponse{DkimTokens: id.Dkim}, err
	}))
	awsapi.Handle(s.v1, v1.GetIdentityVerificationAttributes, anywhere[*v1.GetIdentityVerificationAttributesRequest](1, "GetIdentityVerificationAttributes"), old(s.getVerification))
	awsapi.Handle(s.v1, v1.GetIdentityDkimAttributes, anywhere[*v1.GetIdentityDkimAttributesRequest](1, "GetIdentityDkimAttributes"), old(s.getDkim))
	awsapi.Handle(s.v1, v1.ListIdentities, anywhere[*v1.ListIdentitiesRequest](1, "ListIdentities"), old(s.listIdentities))
	awsapi.Handle(s.v1, v1.ListVerifiedEmailAddresses, anywhere[*schema.Empty](1, "ListVerifiedEmailAddresses"), old(s.listVerifiedAddresses))
	awsapi.Handle(s.v1, v1.DeleteIdentity, anywhere[*v1.DeleteIdentityRequest](1, "DeleteIdentity"), old(func(ctx context.Context, in *v1.DeleteIdentityRequest) (*v1.DeleteIdentityResponse, error) {
		_, err := s.deleteIdentity(ctx, val(in.Identity)) // one that is not there is no error
		return &v1.DeleteIdentityResponse{}, err
	}))
	awsapi.Handle(s.v1, v1.DeleteVerifiedEmailAddress, anywhere[*v1.DeleteVerifiedEmailAddressRequest](1, "DeleteVerifiedEmailAddress"), old(func(ctx context.Context, in *v1.DeleteVerifiedEmailAddressRequest) (*schema.Empty, error) {
		_, err := s.deleteIdentity(ctx, val(in.EmailAddress))
		return &schema.Empty{}, err
	}))

	awsapi.Handle(s.v2, v2.CreateEmailIdentity, s.accessCreateIdentity, recent(s.createIdentity))
	awsapi.Handle(s.v2, v2.GetEmailIdentity, onIdentity("GetEmailIdentity", func(in *v2.GetEmailIdentityRequest) *string { return in.EmailIdentity }), recent(s.getIdentity))
	awsapi.Handle(s.v2, v2.ListEmailIdentities, anywhere[*v2.ListEmailIdentitiesRequest](2, "ListEmailIdentities"), recent(s.listEmailIdentities))
	awsapi.Handle(s.v2, v2.DeleteEmailIdentity, onIdentity("DeleteEmailIdentity", func(in *v2.DeleteEmailIdentityRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.DeleteEmailIdentityRequest) (*v2.DeleteEmailIdentityResponse, error) {
		found, err := s.deleteIdentity(ctx, val(in.EmailIdentity))
		if err == nil && !found {
			err = noIdentity(val(in.EmailIdentity))
		}
		return &v2.DeleteEmailIdentityResponse{}, err
	}))
	awsapi.Handle(s.v2, v2.PutEmailIdentityConfigurationSetAttributes, onIdentity("PutEmailIdentityConfigurationSetAttributes", func(in *v2.PutEmailIdentityConfigurationSetAttributesRequest) *string { return in.EmailIdentity }), recent(s.putIdentitySet))
	s.registerPolicies()
}

// onIdentity is the access function of operations of the second API set on an
// identity.
//
//go:noinline
func onIdentity[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return onResource(action, func(in I) arn.ARN { return arn.ARN("identity/" + normal(val(name(in)))) })
}

// verifyAddress registers an address, and sends the mail with its link.
func (s *Service) verifyAddress(ctx context.Context, name string) error {
	if err := checkIdentity(name); err != nil {
		return err
	}
	if !isAddress(name) {
		return invalid("Invalid email address<%s>.", name)
	}
	c, name, now, fresh := cell(ctx), normal(name), s.Clock.Now(), newSecrets()
	k := spaceOf(c).identity(name)
	mailID := newMessageID(now)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var id identity
		ok, err := jsonrow.Get(tx, k, &id)
		if err != nil {
			return err
		}
		if !ok {
			id = s.begin(name, fresh, now)
			if err := jsonrow.Set(tx, k, &id); err != nil {
				return err
			}
		}
		return s.accept(tx, c, s.invitation(ctx, name, id.Token, mailID, now))
	})
	return err
}

// verifyDomain registers a domain.
func (s *Service) verifyDomain(ctx context.Context, name string) (id identity, err error) {
	if err := checkDomain(name); err != nil {
		return id, err
	}
	name, now, fresh := normal(name), s.Clock.Now(), newSecrets()
	k := spaceOf(cell(ctx)).identity(name)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		id = identity{}
		ok, err := jsonrow.Get(tx, k, &id)
		if err != nil || ok {
			return err
		}
		id = s.begin(name, fresh, now)
		return jsonrow.Set(tx, k, &id)
	})
	return id, err
}

// createIdentity registers an address or a domain. An address that is not
// verified at once gets its link.
func (s *Service) createIdentity(ctx context.Context, in *v2.CreateEmailIdentityRequest) (*v2.CreateEmailIdentityResponse, error) {
	name := val(in.EmailIdentity)
	if err := checkIdentity(name); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	c, now, fresh := cell(ctx), s.Clock.Now(), newSecrets()
	name = normal(name)
	sp := spaceOf(c)
	var id identity
	mailID := newMessageID(now)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if have, err := tx.Get(sp.identity(name)); err != nil {
			return err
		} else if have != nil {
			return fault.New(alreadyExists, "Email identity %s already exist.", name)
		}
		id = s.begin(name, fresh, now)
		id.Tags, id.Set = tags, val(in.ConfigurationSetName)
		if id.Set != "" {
			if have, err := tx.Get(sp.set(id.Set)); err != nil {
				return err
			} else if have == nil {
				return noSet(id.Set)
			}
		}
		if d := in.DkimSigningAttributes; d != nil {
			id.Selector = val(d.DomainSigningSelector)
		}
		if err := jsonrow.Set(tx, sp.identity(name), &id); err != nil {
			return err
		}
		if isAddress(name) {
			return s.accept(tx, c, s.invitation(ctx, name, id.Token, mailID, now))
		}
		return nil
	})
	return &v2.CreateEmailIdentityResponse{
		IdentityType: ptr(identityType(name)), VerifiedForSendingStatus: ptr(!id.Verified.IsZero()), DkimAttributes: id.dkim(name),
	}, err
}

func (s *Service) accessCreateIdentity(ctx context.Context, in *v2.CreateEmailIdentityRequest) ([]awsapi.Access, error) {
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[val(t.Key)] = val(t.Value)
	}
	return []awsapi.Access{{
		Action: "ses:CreateEmailIdentity", Resource: awsapi.From(ctx).Scope.Identity(normal(val(in.EmailIdentity))),
		Keys: tagKeys(policy.KeyMap{versionKey: policy.One("2")}, tags),
	}}, nil
}

func (s *Service) getIdentity(ctx context.Context, in *v2.GetEmailIdentityRequest) (*v2.GetEmailIdentityResponse, error) {
	name := normal(val(in.EmailIdentity))
	id, err := s.viewIdentity(ctx, name)
	if err != nil {
		return nil, err
	}
	return &v2.GetEmailIdentityResponse{
		IdentityType: ptr(identityType(name)), FeedbackForwardingStatus: ptr(!id.NoFeedback), VerifiedForSendingStatus: ptr(!id.Verified.IsZero()),
		DkimAttributes: id.dkim(name), MailFromAttributes: id.mailFrom(),
		Policies: policiesOf(&id), Tags: tagList(id.Tags), ConfigurationSetName: unlessEmpty(id.Set), VerificationStatus: ptr(id.status()),
	}, nil
}

// status is how far the verification is, in the words of the second API set.
func (id *identity) status() string {
	if id.Verified.IsZero() {
		return "PENDING"
	}
	return "SUCCESS"
}

func identityType(name string) string {
	if isAddress(name) {
		return "EMAIL_ADDRESS"
	}
	return "DOMAIN"
}

// dkim is how mail of the identity would be signed on AWS. Here nothing signs.
func (id *identity) dkim(name string) *v2.DkimAttributes {
	out := &v2.DkimAttributes{SigningEnabled: ptr(false), Status: ptr("NOT_STARTED"), SigningAttributesOrigin: ptr("AWS_SES")}
	if isAddress(name) {
		return out
	}
	out.SigningEnabled, out.Status, out.Tokens = ptr(!id.Unsigned), ptr(id.status()), id.Dkim
	out.NextSigningKeyLength, out.CurrentSigningKeyLength = ptr("RSA_2048_BIT"), ptr("RSA_2048_BIT")
	if id.Selector != "" {
		out.SigningAttributesOrigin, out.Tokens = ptr("EXTERNAL"), []string{id.Selector}
		out.NextSigningKeyLength, out.CurrentSigningKeyLength = nil, nil
	}
	return out
}

func (s *Service) deleteIdentity(ctx context.Context, name string) (found bool, err error) {
	k := spaceOf(cell(ctx)).identity(normal(name))
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		have, err := tx.Get(k)
		found = have != nil
		tx.Delete(k)
		return err
	})
	return found, err
}

func (s *Service) getVerification(ctx context.Context, in *v1.GetIdentityVerificationAttributesRequest) (*v1.GetIdentityVerificationAttributesResponse, error) {
	out := &v1.GetIdentityVerificationAttributesResponse{VerificationAttributes: map[string]v1.IdentityVerificationAttributes{}}
	err := s.eachIdentity(ctx, in.Identities, func(name string, id *identity) {
		if id == nil {
			return
		}
		a := v1.IdentityVerificationAttributes{VerificationStatus: ptr("Success")}
		if id.Verified.IsZero() {
			a.VerificationStatus = ptr("Pending")
		}
		if !isAddress(name) {
			a.VerificationToken = &id.Token
		}
		out.VerificationAttributes[name] = a
	})
	return out, err
}

func (s *Service) getDkim(ctx context.Context, in *v1.GetIdentityDkimAttributesRequest) (*v1.GetIdentityDkimAttributesResponse, error) {
	out := &v1.GetIdentityDkimAttributesResponse{DkimAttributes: map[string]v1.IdentityDkimAttributes{}}
	err := s.eachIdentity(ctx, in.Identities, func(name string, id *identity) {
		a := v1.IdentityDkimAttributes{DkimEnabled: ptr(false), DkimVerificationStatus: ptr("NotStarted")}
		if id != nil && !isAddress(name) {
			a = v1.IdentityDkimAttributes{DkimEnabled: ptr(true), DkimVerificationStatus: ptr("Success"), DkimTokens: id.Dkim}
		}
		out.DkimAttributes[name] = a
	})
	return out, err
}

// eachIdentity reads identities by the names that were asked for; nil stands for
// one that does not exist.
func (s *Service) eachIdentity(ctx context.Context, names []string, each func(name string, id *identity)) error {
	sp := spaceOf(cell(ctx))
	return s.DB.View(ctx, func(snap *kv.Snap) error {
		for _, name := range names {
			var id identity
			ok, err := jsonrow.Get(snap, sp.identity(normal(name)), &id)
			if err != nil {
				return err
			}
			if ok {
				each(name, &id)
			} else {
				each(name, nil)
			}
		}
		return nil
	})
}

func (s *Service) listIdentities(ctx context.Context, in *v1.ListIdentitiesRequest) (*v1.ListIdentitiesResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v1.ListIdentitiesResponse{Identities: []string{}}
	l := list[identity]{rows: sp.identities(), key: sp.identity, limit: limitOf(in.MaxItems, 1000, 1000), want: func(name string, _ *identity) bool {
		return in.IdentityType == nil || (*in.IdentityType == "EmailAddress") == isAddress(name)
	}}
	var err error
	out.NextToken, err = l.page(ctx, s, in.NextToken, func(name string, _ *identity) { out.Identities = append(out.Identities, name) })
	return out, err
}

func (s *Service) listVerifiedAddresses(ctx context.Context, _ *schema.Empty) (*v1.ListVerifiedEmailAddressesResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v1.ListVerifiedEmailAddressesResponse{VerifiedEmailAddresses: []string{}}
	l := list[identity]{rows: sp.identities(), key: sp.identity, limit: -1, want: func(name string, id *identity) bool {
		return isAddress(name) && !id.Verified.IsZero()
	}}
	_, err := l.page(ctx, s, nil, func(name string, _ *identity) { out.VerifiedEmailAddresses = append(out.VerifiedEmailAddresses, name) })
	return out, err
}

func (s *Service) listEmailIdentities(ctx context.Context, in *v2.ListEmailIdentitiesRequest) (*v2.ListEmailIdentitiesResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v2.ListEmailIdentitiesResponse{EmailIdentities: []v2.IdentityInfo{}}
	var err error
	out.NextToken, err = (&list[identity]{rows: sp.identities(), key: sp.identity, limit: limitOf(in.PageSize, 100, 1000)}).page(ctx, s, in.NextToken, func(name string, id *identity) {
		out.EmailIdentities = append(out.EmailIdentities, v2.IdentityInfo{
			IdentityType: ptr(identityType(name)), IdentityName: &name, SendingEnabled: ptr(!id.Verified.IsZero()), VerificationStatus: ptr(id.status()),
		})
	})
	return out, err
}

func (s *Service) putIdentitySet(ctx context.Context, in *v2.PutEmailIdentityConfigurationSetAttributesRequest) (*v2.PutEmailIdentityConfigurationSetAttributesResponse, error) {
	name := val(in.ConfigurationSetName)
	sp := spaceOf(cell(ctx))
	err := s.changeIdentity(ctx, val(in.EmailIdentity), func(tx *kv.Tx, id *identity) error {
		if name != "" {
			if have, err := tx.Get(sp.set(name)); err != nil {
				return err
			} else if have == nil {
				return noSet(name)
			}
		}
		id.Set = name
		return nil
	})
	return &v2.PutEmailIdentityConfigurationSetAttributesResponse{}, err
}
