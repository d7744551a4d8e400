// Package sts is the AWS Security Token Service: who am I, and temporary
// credentials for roles, users and federated users.
//
// It keeps nothing: identities and the sealing of sessions belong to service
// iam, which it reaches through [Issuer].
//
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Issuer knows roles and makes sessions.
type Issuer interface {
	// Role returns a role by its ARN; ok is false when there is none.
	Role(ctx context.Context, role arn.ARN) (r Role, ok bool, err error)
	// Issue makes the credentials of a session.
	Issue(ctx context.Context, g Grant) (Issued, error)
	// Managed returns the document of a managed policy; ok is false when there
	// is none.
	Managed(ctx context.Context, policy arn.ARN) (document string, ok bool, err error)
}

// Role is what is needed to decide who may assume a role.
type Role struct {
	ID         string
	Trust      *policy.Doc
	MaxSession time.Duration
}

// Grant is what a session stands for: a role, or who asks.
type Grant struct {
	Role    arn.ARN
	RoleID  string
	Actor   awsapi.Actor
	Name    string
	Expires clock.Instant

	Policies       []string // session policy documents
	Tags           map[string]string
	Transitive     []string // keys of the tags that further sessions inherit
	SourceIdentity string
}

// Issued is a new session.
type Issued struct {
	Credentials shapes.Credentials
	ARN         arn.ARN
	UserID      string
}

// Service is STS.
type Service struct {
	api    *awsapi.Service
	issuer Issuer
	clock  *clock.Model
}

// New returns the service.
func New(issuer Issuer, c *clock.Model) *Service {
	s := &Service{api: awsapi.NewService(&shapes.Model), issuer: issuer, clock: c}
	s.api.Policies = trusts{issuer}
	awsapi.Handle(s.api, shapes.GetCallerIdentity, awsapi.Open, s.getCallerIdentity)
	awsapi.Handle(s.api, shapes.GetAccessKeyInfo, nil, s.getAccessKeyInfo)
	awsapi.Handle(s.api, shapes.GetSessionToken, awsapi.Open, s.getSessionToken)
	awsapi.Handle(s.api, shapes.GetFederationToken, accessFederation, s.getFederationToken)
	awsapi.Handle(s.api, shapes.DecodeAuthorizationMessage, nil, s.decodeAuthorizationMessage)
	awsapi.Handle(s.api, shapes.AssumeRole, accessAssume, s.assumeRole)
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// getCallerIdentity needs no permission, and none can be denied.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (s *Service) getCallerIdentity(ctx context.Context, _ *shapes.GetCallerIdentityRequest) (*shapes.GetCallerIdentityResponse, error) {
	a := awsapi.From(ctx).Actor
	return &shapes.GetCallerIdentityResponse{UserId: &a.UserID, Account: &a.Account, Arn: ptr(a.Principal.ARN.String())}, nil
}

func (s *Service) getAccessKeyInfo(ctx context.Context, in *shapes.GetAccessKeyInfoRequest) (*shapes.GetAccessKeyInfoResponse, error) {
	return &shapes.GetAccessKeyInfoResponse{Account: ptr(awsapi.From(ctx).Scope.Account)}, nil
}

// Durations of sessions, with the defaults that AWS documents.
const (
	hour            = time.Hour
	defaultFederate = 12 * hour
	rootMost        = hour // of sessions that the account's root asks for
)

func duration(seconds *int32, def time.Duration) time.Duration {
	if seconds == nil {
		return def
	}
	return time.Duration(*seconds) * time.Second
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s *Service) getSessionToken(ctx context.Context, in *shapes.GetSessionTokenRequest) (*shapes.GetSessionTokenResponse, error) {
	a := awsapi.From(ctx).Actor
	if a.Session != nil {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	d := duration(in.DurationSeconds, defaultFederate)
	if a.Principal.IsRoot() {
		d = min(d, rootMost)
	}
	got, err := s.issuer.Issue(ctx, Grant{Actor: a, Expires: s.clock.Now().Add(d)})
	if err != nil {
		return nil, err
	}
	return &shapes.GetSessionTokenResponse{Credentials: &got.Credentials}, nil
}

func accessFederation(ctx context.Context, in *shapes.GetFederationTokenRequest) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "sts:GetFederationToken", Resource: awsapi.From(ctx).Scope.FederatedUser(value(in.Name))}}, nil
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (s *Service) getFederationToken(ctx context.Context, in *shapes.GetFederationTokenRequest) (*shapes.GetFederationTokenResponse, error) {
	a := awsapi.From(ctx).Actor
	if a.Session != nil {
		return nil, denied("Cannot call GetFederationToken with session credentials")
	}
	docs, err := s.sessionPolicies(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	d := duration(in.DurationSeconds, defaultFederate)
	if a.Principal.IsRoot() {
		d = min(d, rootMost)
	}
	got, err := s.issuer.Issue(ctx, Grant{Actor: a, Name: *in.Name, Policies: docs, Tags: tags(in.Tags), Expires: s.clock.Now().Add(d)})
	if err != nil {
		return nil, err
	}
	return &shapes.GetFederationTokenResponse{Credentials: &got.Credentials, FederatedUser: &shapes.FederatedUser{
		FederatedUserId: &got.UserID, Arn: ptr(got.ARN.String()),
	}, PackedPolicySize: packed(docs, tags(in.Tags))}, nil
}

// decodeAuthorizationMessage: denials here carry no encoded message, so none
// is valid but one that is Base64 of itself.
func (s *Service) decodeAuthorizationMessage(_ context.Context, in *shapes.DecodeAuthorizationMessageRequest) (*shapes.DecodeAuthorizationMessageResponse, error) {
	if _, err := base64.StdEncoding.DecodeString(*in.EncodedMessage); err != nil {
		return nil, fault.New("InvalidAuthorizationMessageException", "Message is not valid").With(http.StatusBadRequest)
	}
	return nil, fault.New("InvalidAuthorizationMessageException", "The message was not encoded by this cloud, whose denials are written in plain text.").With(http.StatusBadRequest)
}

func tags(ts []shapes.Tag) map[string]string {
	out := make(map[string]string, len(ts))
	for _, t := range ts {
		if t.Key != nil && t.Value != nil {
			out[*t.Key] = *t.Value
		}
	}
	return out
}

func ptr[T any](v T) *T { return &v }
