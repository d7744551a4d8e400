package apigateway

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// Invocation is one synchronous call of a function.
type Invocation struct {
	Function arn.ARN // may carry a version or alias
	Payload  []byte
	TraceID  string // X-Amzn-Trace-Id
	Async    bool   // the function's answer is not waited for
}

// Outcome is what a function answered.
type Outcome struct {
	Payload  []byte
	Failed   bool // the function reported an error, which Payload describes
	Throttle bool // the function had no free concurrency
}

// Invoker calls functions. Service lambda implements it; it judges the
// function's resource policy for the actor in ctx.
type Invoker interface {
	Invoke(ctx context.Context, in Invocation) (Outcome, error)
}

// Authenticator verifies the signature of a request with AWS_IAM
// authorisation, and judges who may call what.
type Authenticator interface {
	Authenticate(r *http.Request, service string, body []byte) (awsapi.Actor, error)
	Judge(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) (policy.Decision, error)
	Refuse(ctx context.Context, need awsapi.Access, d policy.Decision) error
}

// Options says what the service needs.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Invoke Invoker
	Roles  Roles             // nil means that every role can be assumed
	Pools  Pools             // nil means that there are no authorizers of user pools
	Logs   Logs              // nil means that nothing is logged
	HTTP   http.RoundTripper // of HTTP integrations; nil means http.DefaultTransport
	Hold   *clock.Hold       // time that no time-out counts; may be nil
	Meter  Meter             // nil means that nothing is measured
	Log    *slog.Logger
}

// Meter measures what stages serve.
type Meter interface {
	// Stage returns what takes the requests of a stage.
	Stage(scope arn.Scope, api, stage string) StageMeter
}

// StageMeter is told of each request when it is over: its status, how long it
// took, and how long its integration did, zero if there was none. It must not
// block.
type StageMeter interface {
	Served(status int, took, integration time.Duration)
}

// Service is API Gateway.
type Service struct {
	meter   Meter
	api     *awsapi.Service
	db      *kv.DB
	clock   *clock.Model
	machine clock.Machine
	hold    *clock.Hold
	invoke  Invoker
	auth    Authenticator
	client  http.RoundTripper
	log     *slog.Logger
	logs    Logs
	pools   Pools
	roles   Roles
	plans   planCache

	verdicts verdicts
	buckets  buckets
	quotas   quotas
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{api: awsapi.NewService(&shapes.Model), db: o.DB, clock: o.Clock, invoke: o.Invoke, client: o.HTTP, logs: o.Logs, pools: o.Pools, roles: o.Roles, hold: o.Hold, log: o.Log, meter: o.Meter}
	if s.client == nil {
		s.client = http.DefaultTransport
	}
	if s.logs == nil {
		s.logs = noLogs{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.api.ValidationCode = "BadRequestException"
	s.registerAPIs()
	s.registerResources()
	s.registerMethods()
	s.registerIntegrations()
	s.registerDeployments()
	s.registerStages()
	s.registerResponses()
	s.registerAuthorizers()
	s.registerValidators()
	s.registerModels()
	s.registerKeys()
	s.registerUsagePlans()
	s.registerDomains()
	s.registerAccount()
	s.registerTags()
	s.registerTest()
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Use gives the service who verifies signatures: the front, which is made of
// the services and so comes after them.
func (s *Service) Use(a Authenticator) { s.auth = a }

// newID returns an identifier as API Gateway makes them: lower case letters
// and digits.
func newID(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// on is the access function of an operation: API Gateway's actions are HTTP
// methods on paths.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
//
//go:noinline
func on[I any](method string, path func(I) string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		c := awsapi.From(ctx).Scope
		resource := arn.Scope{Partition: c.Partition, Region: c.Region}.Of("apigateway", path(in))
		return []awsapi.Access{{Action: "apigateway:" + method, Resource: resource}}, nil
	}
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
