package ses

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
}

// Meter is told how many recipients mail from an identity had.
type Meter interface {
	Mailed(ctx context.Context, identity arn.ARN, recipients int)
}

// Options says what the service needs. Meter may be nil.
type Options struct {
	DB    *kv.DB
	Clock *clock.Model
	Emit  Emitter
	Meter Meter

	// Endpoint is the URL of the AWS endpoint, below which the links in
	// verification mails lie.
	Endpoint string
	// Server is the mail server to which mail goes on; nil means that it stays
	// in the mailbox.
	Server *Server
	// Verify makes senders be refused until they are verified.
	Verify bool
}

// Service is SES.
type Service struct {
	Options
	v1, v2 *awsapi.Service
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, v1: awsapi.NewService(&v1.Model), v2: awsapi.NewService(&v2.Model)}
	s.v2.ValidationCode = badRequest
	s.v1.Policies, s.v2.Policies = s, s
	s.registerSending()
	s.registerTemplates()
	s.registerIdentities()
	s.registerSets()
	s.registerAccount()
	s.registerSettings()
	s.notOffered()
	return s
}

// API returns the first API set for the front.
func (s *Service) API() *awsapi.Service { return s.v1 }

// APIv2 returns the second API set for the front.
func (s *Service) APIv2() *awsapi.Service { return s.v2 }

// cell is the account and region that a call goes to.
func cell(ctx context.Context) keyspace.Cell {
	scope := awsapi.From(ctx).Scope
	return keyspace.Cell{Account: scope.Account, Region: scope.Region}
}

// val returns what p points to, or the zero value.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
