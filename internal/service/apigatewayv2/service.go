package apigatewayv2

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigatewayv2/oidc"
)

// Outcome is what a function answered.
type Outcome struct {
	Payload []byte
	Failed  bool // the function reported an error, which Payload describes
}

// Invoker calls functions. Service lambda implements it; it judges the
// function's resource policy for the actor in ctx.
type Invoker interface {
	Invoke(ctx context.Context, fn arn.ARN, payload []byte) (Outcome, error)
}

// Authenticator verifies the signature of a request with AWS_IAM
// authorisation, and judges who may call what.
type Authenticator interface {
	Authenticate(r *http.Request, service string, body []byte) (awsapi.Actor, error)
	Judge(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) (policy.Decision, error)
	Refuse(ctx context.Context, need awsapi.Access, d policy.Decision) error
}

// Logs takes the access logs of stages.
type Logs interface {
	Append(s record.Stream, at clock.Instant, message []byte)
}

// Meter measures what stages serve.
type Meter interface {
	// HTTPStage returns what takes the requests of a stage of an API, by its id.
	HTTPStage(scope arn.Scope, api, stage string) StageMeter
}

// StageMeter is told of each request when it is over: its status, how long it
// took, how long its integration did, zero if there was none, and how many bytes of
// bodies came and went. It must not block.
type StageMeter interface {
	Served(status int, took, integration time.Duration, bytes int)
}

// Options says what the service needs. HTTP, Logs, Meter and Log may be nil.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Invoke Invoker
	Logs   Logs
	Roles  Roles             // may be nil: then every role can be assumed
	Caller awsapi.Caller     // finds the REST APIs that domain names are mapped to
	HTTP   http.RoundTripper // of HTTP integrations and issuers; nil means http.DefaultTransport
	Hold   *clock.Hold       // time that no time-out counts; may be nil
	Meter  Meter
	Log    *slog.Logger
}

// Service is API Gateway's second version.
type Service struct {
	Options
	api     *awsapi.Service
	machine clock.Machine
	auth    Authenticator
	issuers *oidc.Issuers
	plans   plans

	verdicts verdicts
	buckets  buckets
}

// New returns the service.
func New(o Options) *Service {
	if o.HTTP == nil {
		o.HTTP = http.DefaultTransport
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model), issuers: oidc.New(o.HTTP, clock.Machine{})}
	s.api.ValidationCode = "BadRequestException"
	s.registerAPIs()
	s.registerImport()
	s.registerIntegrations()
	s.registerRoutes()
	s.registerAuthorizers()
	s.registerStages()
	s.registerDeployments()
	s.registerModels()
	s.registerDomains()
	s.registerMappings()
	s.registerTags()
	s.notOffered()
	return s
}

// notOffered says what is not built, and why.
func (s *Service) notOffered() {
	s.api.NotOffered("only WebSocket APIs have route responses, and this cloud has none of those",
		"CreateRouteResponse", "DeleteRouteResponse", "GetRouteResponse", "GetRouteResponses", "UpdateRouteResponse", "DeleteRouteRequestParameter")
	s.api.NotOffered("only WebSocket APIs have integration responses, and this cloud has none of those",
		"CreateIntegrationResponse", "DeleteIntegrationResponse", "GetIntegrationResponse", "GetIntegrationResponses", "UpdateIntegrationResponse")
	s.api.NotOffered("there are no virtual private clouds to link to", "CreateVpcLink", "DeleteVpcLink", "GetVpcLink", "GetVpcLinks", "UpdateVpcLink")
	s.api.NotOffered("the API's definition is read by ImportApi and is not written", "ExportApi")
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Use gives the service who verifies signatures: the front, which is made of
// the services and so comes after them.
func (s *Service) Use(a Authenticator) { s.auth = a }
