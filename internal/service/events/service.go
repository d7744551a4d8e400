package events

import (
	"context"
	"net/http"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/timer"
)

// principal is who EventBridge is to the policies of roles, functions, queues and
// topics.
const principal = "events.amazonaws.com"

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
	// Delivers reports whether there is a receiver for a target.
	Delivers(target string) bool
}

// Timers are set in transactions. It is a *timer.Timers.
type Timers interface {
	Handle(kind string, fire timer.Fire)
	Set(tx *kv.Tx, t timer.T) error
	Cancel(tx *kv.Tx, c keyspace.Cell, kind, id string) error
}

// Roles knows which roles services may assume.
type Roles interface {
	// AssumableBy reports whether the trust policy of a role lets a service
	// assume it for a resource; false for a role that does not exist.
	AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error)
}

// Front judges what EventBridge does for others. It is a *awsapi.Front.
type Front interface {
	awsapi.Caller
	Judge(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) (policy.Decision, error)
	Refuse(ctx context.Context, need awsapi.Access, d policy.Decision) error
}

// Sealer keeps the secrets of connections from those who read the disk. What is
// sealed opens only with what it was bound to.
type Sealer interface {
	Seal(ctx context.Context, text, associated []byte) ([]byte, error)
	Open(ctx context.Context, sealed, associated []byte) ([]byte, error)
}

// Meter is told of what events set off. It must not block.
type Meter interface {
	// Matched says that an event has matched these rules of a bus: at least one.
	Matched(rules []arn.ARN)
}

// Options says what the service needs. Client and Meter may be nil.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Emit   Emitter
	Timers Timers
	Roles  Roles
	Sealer Sealer
	// Client sends to API destinations and their authorization servers.
	Client *http.Client
	Meter  Meter
}

// Service is EventBridge. [Service.Use] completes it.
type Service struct {
	Options
	api   *awsapi.Service
	front Front

	tokens   tokens
	indexes  sync.Map // string(key of a bus) → *index
	policies sync.Map // bus → *parsed
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	if s.Client == nil {
		s.Client = newClient()
	}
	s.api.Policies = s
	s.registerBuses()
	s.registerRules()
	s.registerArchives()
	s.registerDestinations()
	s.registerNotOffered()
	awsapi.Handle(s.api, shapes.PutEvents, accessPut, s.putEvents)
	awsapi.Handle(s.api, shapes.TestEventPattern, nil, s.testPattern)
	o.Timers.Handle(kindSchedule, s.fireSchedule)
	o.Timers.Handle(kindReplay, s.fireReplay)
	return s
}

// Use gives the service the front, which is made after it.
func (s *Service) Use(f Front) { s.front = f }

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Receivers are what delivery must know.
func (s *Service) Receivers() []delivery.Receiver {
	return []delivery.Receiver{buses{s}, logGroups{s}, archives{s}, destinations{s}, deadLetters{s}}
}

func (s *Service) registerBuses() {
	awsapi.Handle(s.api, shapes.CreateEventBus, accessCreateBus, s.createBus)
	awsapi.Handle(s.api, shapes.UpdateEventBus, onBus("UpdateEventBus", func(in *shapes.UpdateEventBusRequest) *string { return in.Name }), s.updateBus)
	awsapi.Handle(s.api, shapes.DeleteEventBus, onBus("DeleteEventBus", func(in *shapes.DeleteEventBusRequest) *string { return in.Name }), s.deleteBus)
	awsapi.Handle(s.api, shapes.DescribeEventBus, onBus("DescribeEventBus", func(in *shapes.DescribeEventBusRequest) *string { return in.Name }), s.describeBus)
	awsapi.Handle(s.api, shapes.ListEventBuses, nil, s.listBuses)
	awsapi.Handle(s.api, shapes.PutPermission, nil, s.putPermission)
	awsapi.Handle(s.api, shapes.RemovePermission, nil, s.removePermission)
}

func (s *Service) registerRules() {
	awsapi.Handle(s.api, shapes.PutRule, accessPutRule, s.putRule)
	awsapi.Handle(s.api, shapes.DeleteRule, onRule("DeleteRule", func(in *shapes.DeleteRuleRequest) (rule, bus *string) { return in.Name, in.EventBusName }), s.deleteRule)
	awsapi.Handle(s.api, shapes.DescribeRule, onRule("DescribeRule", func(in *shapes.DescribeRuleRequest) (rule, bus *string) { return in.Name, in.EventBusName }), s.describeRule)
	awsapi.Handle(s.api, shapes.EnableRule, onRule("EnableRule", func(in *shapes.EnableRuleRequest) (rule, bus *string) { return in.Name, in.EventBusName }), s.enableRule)
	awsapi.Handle(s.api, shapes.DisableRule, onRule("DisableRule", func(in *shapes.DisableRuleRequest) (rule, bus *string) { return in.Name, in.EventBusName }), s.disableRule)
	awsapi.Handle(s.api, shapes.ListRules, nil, s.listRules)
	awsapi.Handle(s.api, shapes.ListRuleNamesByTarget, nil, s.listRuleNames)
	awsapi.Handle(s.api, shapes.PutTargets, accessPutTargets, s.putTargets)
	awsapi.Handle(s.api, shapes.RemoveTargets, onRule("RemoveTargets", func(in *shapes.RemoveTargetsRequest) (rule, bus *string) { return in.Rule, in.EventBusName }), s.removeTargets)
	awsapi.Handle(s.api, shapes.ListTargetsByRule, onRule("ListTargetsByRule", func(in *shapes.ListTargetsByRuleRequest) (rule, bus *string) { return in.Rule, in.EventBusName }), s.listTargets)
	awsapi.Handle(s.api, shapes.TagResource, accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsForResource, accessListTags, s.listTags)
}

func (s *Service) registerArchives() {
	awsapi.Handle(s.api, shapes.CreateArchive, accessCreateArchive, s.createArchive)
	awsapi.Handle(s.api, shapes.UpdateArchive, onArchive("UpdateArchive", func(in *shapes.UpdateArchiveRequest) *string { return in.ArchiveName }), s.updateArchive)
	awsapi.Handle(s.api, shapes.DeleteArchive, onArchive("DeleteArchive", func(in *shapes.DeleteArchiveRequest) *string { return in.ArchiveName }), s.deleteArchive)
	awsapi.Handle(s.api, shapes.DescribeArchive, onArchive("DescribeArchive", func(in *shapes.DescribeArchiveRequest) *string { return in.ArchiveName }), s.describeArchive)
	awsapi.Handle(s.api, shapes.ListArchives, nil, s.listArchives)
	awsapi.Handle(s.api, shapes.StartReplay, accessReplay, s.startReplay)
	awsapi.Handle(s.api, shapes.CancelReplay, onNamed("CancelReplay", "replay", func(in *shapes.CancelReplayRequest) *string { return in.ReplayName }), s.cancelReplay)
	awsapi.Handle(s.api, shapes.DescribeReplay, onNamed("DescribeReplay", "replay", func(in *shapes.DescribeReplayRequest) *string { return in.ReplayName }), s.describeReplay)
	awsapi.Handle(s.api, shapes.ListReplays, nil, s.listReplays)
}

func (s *Service) registerDestinations() {
	awsapi.Handle(s.api, shapes.CreateConnection, onNamed("CreateConnection", "connection", func(in *shapes.CreateConnectionRequest) *string { return in.Name }), s.createConnection)
	awsapi.Handle(s.api, shapes.UpdateConnection, onNamed("UpdateConnection", "connection", func(in *shapes.UpdateConnectionRequest) *string { return in.Name }), s.updateConnection)
	awsapi.Handle(s.api, shapes.DescribeConnection, onNamed("DescribeConnection", "connection", func(in *shapes.DescribeConnectionRequest) *string { return in.Name }), s.describeConnection)
	awsapi.Handle(s.api, shapes.DeauthorizeConnection, onNamed("DeauthorizeConnection", "connection", func(in *shapes.DeauthorizeConnectionRequest) *string { return in.Name }), s.deauthorizeConnection)
	awsapi.Handle(s.api, shapes.DeleteConnection, onNamed("DeleteConnection", "connection", func(in *shapes.DeleteConnectionRequest) *string { return in.Name }), s.deleteConnection)
	awsapi.Handle(s.api, shapes.ListConnections, nil, s.listConnections)
	awsapi.Handle(s.api, shapes.CreateApiDestination, accessCreateDestination, s.createDestination)
	awsapi.Handle(s.api, shapes.UpdateApiDestination, onNamed("UpdateApiDestination", "api-destination", func(in *shapes.UpdateApiDestinationRequest) *string { return in.Name }), s.updateDestination)
	awsapi.Handle(s.api, shapes.DescribeApiDestination, onNamed("DescribeApiDestination", "api-destination", func(in *shapes.DescribeApiDestinationRequest) *string { return in.Name }), s.describeDestination)
	awsapi.Handle(s.api, shapes.DeleteApiDestination, onNamed("DeleteApiDestination", "api-destination", func(in *shapes.DeleteApiDestinationRequest) *string { return in.Name }), s.deleteDestination)
	awsapi.Handle(s.api, shapes.ListApiDestinations, nil, s.listDestinations)
}

// registerNotOffered says why there are no partners and no global endpoints.
func (s *Service) registerNotOffered() {
	s.api.NotOffered("partners send their events to AWS, and nobody to nube",
		"ActivateEventSource", "CreatePartnerEventSource", "DeactivateEventSource", "DeletePartnerEventSource", "DescribeEventSource",
		"DescribePartnerEventSource", "ListEventSources", "ListPartnerEventSourceAccounts", "ListPartnerEventSources", "PutPartnerEvents")
	s.api.NotOffered("a global endpoint fails over between regions of AWS by its health checks, and here there is one cloud",
		"CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "ListEndpoints", "UpdateEndpoint")
}
