package sts

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// assumeRole starts a session of a role. Whether the caller may is decided by
// the role's trust policy together with the caller's own policies, so it is
// judged here and not by the front.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *Service) assumeRole(policies awsapi.Identities) func(context.Context, *shapes.AssumeRoleRequest) (*shapes.AssumeRoleResponse, error) {
	return func(ctx context.Context, in *shapes.AssumeRoleRequest) (*shapes.AssumeRoleResponse, error) {
		call := awsapi.From(ctx)
		role := arn.ARN(*in.RoleArn)
		if call.Actor.Principal.IsRoot() {
			return nil, fault.New("AccessDenied", "Roles may not be assumed by root accounts.").With(http.StatusForbidden)
		}
		r, ok, err := s.issuer.Role(ctx, role)
		if err != nil {
			return nil, err
		}
		if !ok || !s.mayAssume(ctx, policies, call, role, r.Trust, in) {
			return nil, fault.New("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", &call.Actor.Principal, role).With(http.StatusForbidden)
		}
		d := duration(in.DurationSeconds, hour)
		most := r.MaxSession
		if call.Actor.Principal.Issuer != "" {
			most = min(most, hour) // role chaining
		}
		if d > most {
			return nil, fault.New("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.").With(http.StatusBadRequest)
		}
		doc, err := s.sessionPolicy(ctx, in.Policy, in.PolicyArns)
		if err != nil {
			return nil, err
		}
		got, err := s.issuer.Issue(ctx, Grant{
			Role: role, RoleID: r.ID, Actor: call.Actor, Name: *in.RoleSessionName, Policy: doc, Tags: tags(in.Tags), Expires: s.clock.Now().Add(d),
		})
		if err != nil {
			return nil, err
		}
		return &shapes.AssumeRoleResponse{
			Credentials:     &got.Credentials,
			AssumedRoleUser: &shapes.AssumedRoleUser{AssumedRoleId: &got.UserID, Arn: ptr(got.ARN.String())},
			SourceIdentity:  in.SourceIdentity,
		}, nil
	}
}

func (s *Service) mayAssume(ctx context.Context, policies awsapi.Identities, call *awsapi.Call, role arn.ARN, trust *policy.Doc, in *shapes.AssumeRoleRequest) bool {
	set, err := policies.Policies(ctx, &call.Actor)
	if err != nil {
		return false
	}
	judged := *set
	judged.Resource, judged.ResourceDecides = []*policy.Doc{trust}, true
	keys := policy.KeyMap{"sts:rolesessionname": policy.One(*in.RoleSessionName)}
	if in.ExternalId != nil {
		keys["sts:externalid"] = policy.One(*in.ExternalId)
	}
	for k, v := range tags(in.Tags) {
		keys["aws:requesttag/"+k] = policy.One(v)
	}
	actions := []string{"sts:AssumeRole"}
	if len(in.Tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		req := policy.Request{Principal: call.Actor.Principal, Action: action, Resource: role, ResourceAccount: call.Scope.Account, Keys: keys}
		if !judged.Evaluate(&req).Allowed() {
			return false
		}
	}
	return true
}

// sessionPolicy checks an inline session policy and joins it with managed ones
// into one document: what any of them allows, the session allows.
func (s *Service) sessionPolicy(ctx context.Context, inline *string, managed []shapes.PolicyDescriptorType) (string, error) {
	var docs []string
	if inline != nil {
		docs = append(docs, *inline)
	}
	for _, m := range managed {
		if m.Arn == nil {
			continue
		}
		doc, ok, err := s.issuer.Managed(ctx, arn.ARN(*m.Arn))
		if err != nil {
			return "", err
		}
		if !ok {
			return "", fault.New("ValidationError", "Policy %s does not exist", *m.Arn).With(http.StatusBadRequest)
		}
		docs = append(docs, doc)
	}
	if len(docs) == 0 {
		return "", nil
	}
	var joined struct {
		Version   string
		Statement []json.RawMessage
	}
	joined.Version = "2012-10-17"
	for _, text := range docs {
		if _, err := policy.Parse(policy.Session, text); err != nil {
			var bad *policy.Error
			if errors.As(err, &bad) {
				return "", fault.New("MalformedPolicyDocument", "%s", bad.Message).With(http.StatusBadRequest)
			}
			return "", err
		}
		ss, err := statements(text)
		if err != nil {
			return "", err
		}
		joined.Statement = append(joined.Statement, ss...)
	}
	if len(docs) == 1 {
		return docs[0], nil
	}
	text, err := json.Marshal(joined)
	return string(text), err
}

// statements returns the statements of a document that has been parsed, where
// a single one may stand without a list.
func statements(text string) ([]json.RawMessage, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(doc.Statement, &list); err == nil {
		return list, nil
	}
	return []json.RawMessage{doc.Statement}, nil
}
