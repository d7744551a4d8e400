package resource

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/stack"
)

// emailIdentity is AWS::SES::EmailIdentity. Ref is the address or the domain.
type emailIdentity struct{ base }

func ignoredOfEmailIdentity() []stack.Ignored {
	const signed = "nube signs no mail"
	return []stack.Ignored{
		{Property: "DkimAttributes", Why: signed},
		{Property: "DkimSigningAttributes", Why: signed},
		{Property: "FeedbackAttributes", Why: "what bounces is shown in the mailbox"},
		{Property: "MailFromAttributes", Why: "mail has no envelope that DNS would be asked about"},
	}
}

func (t emailIdentity) progress(name string, tokens []string) stack.Progress {
	attrs := stack.Attrs{}
	for i := range 3 {
		// Of an address there are none, and AWS returns empty texts.
		var record, value string
		if i < len(tokens) {
			record, value = tokens[i]+"._domainkey."+name, tokens[i]+".dkim.amazonses.com"
		}
		attrs[fmt.Sprintf("DkimDNSTokenName%d", i+1)] = record
		attrs[fmt.Sprintf("DkimDNSTokenValue%d", i+1)] = value
	}
	return stack.Progress{PhysicalID: name, Attrs: attrs}
}

func (t emailIdentity) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "EmailIdentity")
	in := &sesv2.CreateEmailIdentityRequest{EmailIdentity: &name, Tags: pairs(tagMap(r.Properties), sesTag)}
	if set := text(r.Properties, "ConfigurationSetAttributes", "ConfigurationSetName"); set != "" {
		in.ConfigurationSetName = &set
	}
	out, err := do(ctx, t.base, sesv2.CreateEmailIdentity, in)
	if r.Again && present(err) {
		r.PhysicalID = name
		return t.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return t.progress(name, tokensOf(out.DkimAttributes)), nil
}

func tokensOf(d *sesv2.DkimAttributes) []string {
	if d == nil {
		return nil
	}
	return d.Tokens
}

func (t emailIdentity) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	if changed(r.Old, r.Properties, "ConfigurationSetAttributes") {
		in := &sesv2.PutEmailIdentityConfigurationSetAttributesRequest{EmailIdentity: &r.PhysicalID}
		if set := text(r.Properties, "ConfigurationSetAttributes", "ConfigurationSetName"); set != "" {
			in.ConfigurationSetName = &set
		}
		if err := run(ctx, t.base, sesv2.PutEmailIdentityConfigurationSetAttributes, in); err != nil {
			return done, err
		}
	}
	if err := retagSES(ctx, t.base, r, "identity/"+r.PhysicalID); err != nil {
		return done, err
	}
	attrs, err := t.Read(ctx, r)
	done.Attrs = attrs
	return done, err
}

func (t emailIdentity) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, sesv2.DeleteEmailIdentity, &sesv2.DeleteEmailIdentityRequest{EmailIdentity: &r.PhysicalID}))
}

func (t emailIdentity) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, sesv2.GetEmailIdentity, &sesv2.GetEmailIdentityRequest{EmailIdentity: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return t.progress(r.PhysicalID, tokensOf(out.DkimAttributes)).Attrs, nil
}
