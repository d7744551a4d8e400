package ses

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// Sending authorization: policies of an identity, which take part in the
// decision about who may send from it.
//
// https://docs.aws.amazon.com/ses/latest/dg/sending-authorization.html

func (s *Service) registerPolicies() {
	awsapi.Handle(s.v1, v1.PutIdentityPolicy, anywhere[*v1.PutIdentityPolicyRequest](1, "PutIdentityPolicy"), old(func(ctx context.Context, in *v1.PutIdentityPolicyRequest) (*v1.PutIdentityPolicyResponse, error) {
		return &v1.PutIdentityPolicyResponse{}, s.putPolicy(ctx, val(in.Identity), val(in.PolicyName), val(in.Policy), either)
	}))
	awsapi.Handle(s.v1, v1.DeleteIdentityPolicy, anywhere[*v1.DeleteIdentityPolicyRequest](1, "DeleteIdentityPolicy"), old(func(ctx context.Context, in *v1.DeleteIdentityPolicyRequest) (*v1.DeleteIdentityPolicyResponse, error) {
		return &v1.DeleteIdentityPolicyResponse{}, s.deletePolicy(ctx, val(in.Identity), val(in.PolicyName))
	}))
	awsapi.Handle(s.v1, v1.ListIdentityPolicies, anywhere[*v1.ListIdentityPoliciesRequest](1, "ListIdentityPolicies"), old(func(ctx context.Context, in *v1.ListIdentityPoliciesRequest) (*v1.ListIdentityPoliciesResponse, error) {
		id, err := s.viewIdentity(ctx, identityName(val(in.Identity)))
		return &v1.ListIdentityPoliciesResponse{PolicyNames: append([]string{}, slices.Sorted(maps.Keys(id.Policies))...)}, err
	}))
	awsapi.Handle(s.v1, v1.GetIdentityPolicies, anywhere[*v1.GetIdentityPoliciesRequest](1, "GetIdentityPolicies"), old(func(ctx context.Context, in *v1.GetIdentityPoliciesRequest) (*v1.GetIdentityPoliciesResponse, error) {
		id, err := s.viewIdentity(ctx, identityName(val(in.Identity)))
		out := &v1.GetIdentityPoliciesResponse{Policies: map[string]string{}}
		for _, name := range in.PolicyNames {
			if text, ok := id.Policies[name]; ok {
				out.Policies[name] = text
			}
		}
		return out, err
	}))

	awsapi.Handle(s.v2, v2.CreateEmailIdentityPolicy, onIdentity("CreateEmailIdentityPolicy", func(in *v2.CreateEmailIdentityPolicyRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.CreateEmailIdentityPolicyRequest) (*v2.CreateEmailIdentityPolicyResponse, error) {
		return &v2.CreateEmailIdentityPolicyResponse{}, s.putPolicy(ctx, val(in.EmailIdentity), val(in.PolicyName), val(in.Policy), mustBeNew)
	}))
	awsapi.Handle(s.v2, v2.UpdateEmailIdentityPolicy, onIdentity("UpdateEmailIdentityPolicy", func(in *v2.UpdateEmailIdentityPolicyRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.UpdateEmailIdentityPolicyRequest) (*v2.UpdateEmailIdentityPolicyResponse, error) {
		return &v2.UpdateEmailIdentityPolicyResponse{}, s.putPolicy(ctx, val(in.EmailIdentity), val(in.PolicyName), val(in.Policy), mustExist)
	}))
	awsapi.Handle(s.v2, v2.DeleteEmailIdentityPolicy, onIdentity("DeleteEmailIdentityPolicy", func(in *v2.DeleteEmailIdentityPolicyRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.DeleteEmailIdentityPolicyRequest) (*v2.DeleteEmailIdentityPolicyResponse, error) {
		return &v2.DeleteEmailIdentityPolicyResponse{}, s.deletePolicy(ctx, val(in.EmailIdentity), val(in.PolicyName))
	}))
	awsapi.Handle(s.v2, v2.GetEmailIdentityPolicies, onIdentity("GetEmailIdentityPolicies", func(in *v2.GetEmailIdentityPoliciesRequest) *string { return in.EmailIdentity }), recent(func(ctx context.Context, in *v2.GetEmailIdentityPoliciesRequest) (*v2.GetEmailIdentityPoliciesResponse, error) {
		id, err := s.viewIdentity(ctx, val(in.EmailIdentity))
		return &v2.GetEmailIdentityPoliciesResponse{Policies: policiesOf(&id)}, err
	}))
}

// policiesOf is never nil: an identity without policies has an empty map in
// answers.
func policiesOf(id *identity) map[string]string {
	if id.Policies == nil {
		return map[string]string{}
	}
	return id.Policies
}

// identityName is the identity of a name or of an ARN.
func identityName(s string) string {
	if arn.Looks(s) {
		_, name, _ := strings.Cut(arn.ARN(s).Resource(), "/")
		return name
	}
	return s
}

// presence is what a policy of the same name means for a new one.
type presence uint8

const (
	either presence = iota
	mustBeNew
	mustExist
)

// Limits of sending authorization.
const (
	policyMax   = 4 << 10
	policiesMax = 20
)

func (s *Service) putPolicy(ctx context.Context, name, policyName, text string, p presence) error {
	switch ok, err := regexp.MatchString(`^[A-Za-z0-9_-]{1,64}$`, policyName); {
	case err != nil:
		return err
	case !ok:
		return invalid("Invalid policy name <%s>: at most 64 alphanumeric characters, dashes and underscores.", policyName)
	case len(text) > policyMax:
		return fault.New(invalidPolicy, "The policy is larger than 4 KB.")
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return fault.New(invalidPolicy, "The policy is not valid: %v", err)
	}
	return s.changeIdentity(ctx, identityName(name), func(_ *kv.Tx, id *identity) error {
		_, have := id.Policies[policyName]
		switch {
		case have && p == mustBeNew:
			return fault.New(alreadyExists, "Policy %s already exist.", policyName)
		case !have && p == mustExist:
			return fault.New(noIdentityCode, "Policy %s does not exist.", policyName)
		case !have && len(id.Policies) >= policiesMax:
			return fault.New("LimitExceeded", "An identity has at most %d policies.", policiesMax)
		}
		if id.Policies == nil {
			id.Policies = map[string]string{}
		}
		id.Policies[policyName] = text
		return nil
	})
}

// deletePolicy deletes a policy; one that is not there is no error.
func (s *Service) deletePolicy(ctx context.Context, name, policyName string) error {
	return s.changeIdentity(ctx, identityName(name), func(_ *kv.Tx, id *identity) error {
		delete(id.Policies, policyName)
		return nil
	})
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policies of an
// identity as one document.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	name, ok := strings.CutPrefix(resource.Resource(), "identity/")
	if !ok {
		return nil, nil
	}
	p := resource.Parts()
	var id identity
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		_, err := jsonrow.Get(snap, spaceOf(keyspace.Cell{Account: p.Account, Region: p.Region}).identity(normal(name)), &id)
		return err
	})
	if err != nil || len(id.Policies) == 0 {
		return nil, err
	}
	text, err := joined(id.Policies)
	if err != nil {
		return nil, fmt.Errorf("policies of %s: %w", resource, err)
	}
	return policy.Parse(policy.Resource, text)
}

// joined makes one document of several.
func joined(docs map[string]string) (string, error) {
	all := []json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		var doc struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(docs[name]), &doc); err != nil {
			return "", err
		}
		var list []json.RawMessage
		if json.Unmarshal(doc.Statement, &list) != nil {
			list = []json.RawMessage{doc.Statement}
		}
		all = append(all, list...)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	return string(text), err
}
