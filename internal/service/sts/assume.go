package sts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// trusts gives roles' trust policies to the front, which decides AssumeRole
// with them. A role that does not exist trusts nobody, so that who asks cannot
// tell the two apart.
type trusts struct{ issuer Issuer }

// ResourcePolicy implements [awsapi.ResourcePolicier].
func (t trusts) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	if !isRole(resource) {
		return nil, nil
	}
	r, ok, err := t.issuer.Role(ctx, resource)
	if err != nil {
		return nil, err
	}
	if !ok {
		return policy.Nothing(policy.Trust), nil
	}
	return r.Trust, nil
}

func isRole(a arn.ARN) bool {
	return a.Service() == "iam" && strings.HasPrefix(a.Resource(), "role/")
}

// accessAssume says what beginning a session takes: to be trusted with it, and
// with its tags and its source identity.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func accessAssume(ctx context.Context, in *shapes.AssumeRoleRequest) ([]awsapi.Access, error) {
	caller := &awsapi.From(ctx).Actor
	if caller.Principal.IsRoot() {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	role := arn.ARN(value(in.RoleArn))
	if !isRole(role) {
		return nil, invalid("%s is invalid", role)
	}
	keys := policy.KeyMap{"sts:rolesessionname": policy.One(value(in.RoleSessionName))}
	if in.ExternalId != nil {
		keys["sts:externalid"] = policy.One(*in.ExternalId)
	}
	needs := []awsapi.Access{{Action: "sts:AssumeRole", Resource: role, Keys: keys}}
	source, inherited := sourceIdentity(caller, in)
	if source != "" {
		keys["sts:sourceidentity"] = policy.One(source)
		if !inherited || in.SourceIdentity != nil {
			needs = append(needs, awsapi.Access{Action: "sts:SetSourceIdentity", Resource: role, Keys: keys})
		}
	}
	if all := merged(caller, in); len(all) > 0 {
		var names []string
		for k, v := range all {
			keys["aws:requesttag/"+strings.ToLower(k)] = policy.One(v)
			names = append(names, k)
		}
		slices.Sort(names)
		keys["aws:tagkeys"] = policy.Many(names...)
		keys["sts:transitivetagkeys"] = policy.Many(in.TransitiveTagKeys...)
		needs = append(needs, awsapi.Access{Action: "sts:TagSession", Resource: role, Keys: keys})
	}
	return needs, nil
}

// sourceIdentity is who is behind the session: once said, it stays over all
// roles that are assumed from it.
func sourceIdentity(caller *awsapi.Actor, in *shapes.AssumeRoleRequest) (identity string, inherited bool) {
	if caller.Session != nil && caller.Session.SourceIdentity != "" {
		return caller.Session.SourceIdentity, true
	}
	return value(in.SourceIdentity), false
}

// merged are the tags that the session gets: the transitive ones of the
// caller's session, and those of the request.
func merged(caller *awsapi.Actor, in *shapes.AssumeRoleRequest) map[string]string {
	out := tags(in.Tags)
	if caller.Session != nil {
		for _, k := range caller.Session.Transitive {
			out[k] = caller.Session.Tags[k]
		}
	}
	return out
}

// assumeRole starts a session of a role.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *Service) assumeRole(ctx context.Context, in *shapes.AssumeRoleRequest) (*shapes.AssumeRoleResponse, error) {
	call := awsapi.From(ctx)
	role := arn.ARN(*in.RoleArn)
	r, ok, err := s.issuer.Role(ctx, role)
	switch {
	case err != nil:
		return nil, err
	case !ok: // authorisation is off
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s because no role trust policy allows the sts:AssumeRole action", &call.Actor.Principal, role)
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	case len(in.ProvidedContexts) > 0:
		return nil, invalid("ProvidedContexts: there are no context providers here")
	}
	if err := checkTags(&call.Actor, in); err != nil {
		return nil, err
	}
	source, _ := sourceIdentity(&call.Actor, in)
	if in.SourceIdentity != nil && *in.SourceIdentity != source {
		return nil, denied("SourceIdentity cannot be changed: it is %s already", source)
	}
	d := duration(in.DurationSeconds, hour)
	switch chained := call.Actor.Principal.Issuer != ""; {
	case chained && d > hour:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case d > r.MaxSession:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	docs, err := s.sessionPolicies(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	g := Grant{
		Role: role, RoleID: r.ID, Actor: call.Actor, Name: *in.RoleSessionName, Policies: docs, Tags: merged(&call.Actor, in),
		Transitive: transitive(&call.Actor, in), SourceIdentity: source, Expires: s.clock.Now().Add(d),
	}
	got, err := s.issuer.Issue(ctx, g)
	if err != nil {
		return nil, err
	}
	out := &shapes.AssumeRoleResponse{
		Credentials:      &got.Credentials,
		AssumedRoleUser:  &shapes.AssumedRoleUser{AssumedRoleId: &got.UserID, Arn: ptr(got.ARN.String())},
		PackedPolicySize: packed(docs, g.Tags),
	}
	if source != "" {
		out.SourceIdentity = &source
	}
	return out, nil
}

// transitive are the keys that the session's own sessions will inherit.
func transitive(caller *awsapi.Actor, in *shapes.AssumeRoleRequest) []string {
	out := slices.Clone(in.TransitiveTagKeys)
	if caller.Session != nil {
		out = append(out, caller.Session.Transitive...)
	}
	return out
}

// checkTags holds the tags of a session to the documented rules.
func checkTags(caller *awsapi.Actor, in *shapes.AssumeRoleRequest) error {
	given := tags(in.Tags)
	for _, k := range in.TransitiveTagKeys {
		if _, ok := given[k]; !ok {
			return fault.New("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.").With(http.StatusBadRequest)
		}
	}
	seen := map[string]bool{}
	for _, t := range in.Tags {
		k := strings.ToLower(value(t.Key))
		if seen[k] {
			return fault.New("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.").With(http.StatusBadRequest)
		}
		if seen[k] = true; caller.Session == nil {
			continue
		}
		if slices.ContainsFunc(caller.Session.Transitive, func(had string) bool { return strings.EqualFold(had, k) }) {
			return fault.New("InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.").With(http.StatusBadRequest)
		}
	}
	return nil
}

// maxPlain is the longest session policy that may be passed as it is, and
// maxPacked what policies and tags together may take.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxPlain  = 2048
	maxPacked = 4 * maxPlain
)

// packed tells in per cent how much of the quota policies and tags take. AWS
// packs them in a form of its own; here their plain length counts.
func packed(docs []string, tags map[string]string) *int32 {
	n := 0
	for _, d := range docs {
		n += policy.Size(d)
	}
	for k, v := range tags {
		n += len(k) + len(v)
	}
	if n == 0 {
		return nil
	}
	return ptr(int32(min(100, (n*100+maxPacked-1)/maxPacked)))
}

// sessionPolicies checks an inline session policy and finds managed ones.
func (s *Service) sessionPolicies(ctx context.Context, inline *string, managed []shapes.PolicyDescriptorType) ([]string, error) {
	var docs []string
	if inline != nil {
		if policy.Size(*inline) > maxPlain {
			return nil, invalid("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", maxPlain)
		}
		docs = append(docs, *inline)
	}
	for _, m := range managed {
		doc, ok, err := s.issuer.Managed(ctx, arn.ARN(value(m.Arn)))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, invalid("The specified policy ARN %s does not exist or is not attachable.", value(m.Arn))
		}
		docs = append(docs, doc)
	}
	for _, text := range docs {
		_, err := policy.Parse(policy.Session, text)
		var bad *policy.Error
		switch {
		case errors.As(err, &bad):
			return nil, fault.New("MalformedPolicyDocument", "%s", bad.Message).With(http.StatusBadRequest)
		case err != nil:
			return nil, err
		}
	}
	return docs, nil
}

func denied(format string, args ...any) *fault.Error {
	return fault.New("AccessDenied", format, args...).With(http.StatusForbidden)
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New("ValidationError", format, args...).With(http.StatusBadRequest)
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
