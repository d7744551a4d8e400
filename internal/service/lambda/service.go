package lambda

import (
	"context"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/sources"
)

// Runner runs functions. It is a *runner.Runner.
type Runner interface {
	Invoke(ctx context.Context, s *runner.Spec, in runner.Invocation) (runner.Result, error)
	Swap(ctx context.Context, old, next *runner.Spec) error
	Retire(s *runner.Spec)
	Warm(ctx context.Context, s *runner.Spec) error
	Provision(s *runner.Spec, n int) error
	Provisioned(s *runner.Spec) runner.Provisioned
}

// Artifacts holds code. It is a *build.Store.
type Artifacts interface {
	Artifact(digest string) (build.Artifact, error)
	Unpack(archive []byte) (build.Artifact, error)
}

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
}

// Roles knows which roles services may assume.
type Roles interface {
	// AssumableBy reports whether the trust policy of a role lets a service
	// such as lambda.amazonaws.com assume it for a resource; false for a role
	// that does not exist.
	AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error)
}

// Options says what the service needs. Roles, Permits, Delivers, Recorder and
// Caller may be nil.
type Options struct {
	DB        *kv.DB
	Clock     *clock.Model
	Runner    Runner
	Artifacts Artifacts
	Emit      Emitter
	Recorder  *record.Recorder
	Roles     Roles
	// Caller makes the calls of effects whose authority is somebody else's.
	Caller awsapi.Caller
	// Permits judges what the roles of functions may read; nil lets all read
	// everything.
	Permits Permits
	// Delivers reports whether effects can be delivered to a target; nil means
	// to functions only.
	Delivers func(target string) bool
	// Debug reports whether a function, by name, is under a debugger; nil means
	// that none is.
	Debug func(function string) bool
	// Concurrency is the account's limit; 0 means 1,000.
	Concurrency int
}

// Service is Lambda.
type Service struct {
	Options
	api      *awsapi.Service
	mappings *sources.Engine // nil: there are none

	rows  sync.Map // string(key of a function) → *cachedRow
	specs sync.Map // specKey → *runner.Spec

	keeping sync.Mutex // guards kept
	kept    keeper
}

// New returns the service.
func New(o Options) *Service {
	if o.Concurrency == 0 {
		o.Concurrency = 1000
	}
	if o.Delivers == nil {
		o.Delivers = func(target string) bool { return delivery.Scheme(target) == "lambda" }
	}
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model), kept: keeper{}}
	s.api.Policies = s
	s.registerFunctions()
	s.registerVersions()
	s.registerPermissions()
	s.registerInvocation()
	s.registerLayers()
	s.registerURLs()
	s.registerMappings()
	s.registerProvisioned()
	s.registerNothing()
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) registerFunctions() {
	awsapi.Handle(s.api, shapes.CreateFunction, s.accessCreate, s.createFunction)
	awsapi.Handle(s.api, shapes.GetFunction, onVersion("GetFunction", func(in *shapes.GetFunctionRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.getFunction)
	awsapi.Handle(s.api, shapes.GetFunctionConfiguration, onVersion("GetFunctionConfiguration", func(in *shapes.GetFunctionConfigurationRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.getFunctionConfiguration)
	awsapi.Handle(s.api, shapes.ListFunctions, nil, s.listFunctions)
	awsapi.Handle(s.api, shapes.DeleteFunction, onVersion("DeleteFunction", func(in *shapes.DeleteFunctionRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.deleteFunction)
	awsapi.Handle(s.api, shapes.UpdateFunctionCode, on("UpdateFunctionCode", func(in *shapes.UpdateFunctionCodeRequest) *string { return in.FunctionName }), s.updateFunctionCode)
	awsapi.Handle(s.api, shapes.UpdateFunctionConfiguration, s.accessConfigure, s.updateFunctionConfiguration)
	awsapi.Handle(s.api, shapes.PutFunctionConcurrency, on("PutFunctionConcurrency", func(in *shapes.PutFunctionConcurrencyRequest) *string { return in.FunctionName }), s.putConcurrency)
	awsapi.Handle(s.api, shapes.GetFunctionConcurrency, on("GetFunctionConcurrency", func(in *shapes.GetFunctionConcurrencyRequest) *string { return in.FunctionName }), s.getConcurrency)
	awsapi.Handle(s.api, shapes.DeleteFunctionConcurrency, on("DeleteFunctionConcurrency", func(in *shapes.DeleteFunctionConcurrencyRequest) *string { return in.FunctionName }), s.deleteConcurrency)
	awsapi.Handle(s.api, shapes.TagResource, onARN("TagResource", func(in *shapes.TagResourceRequest) *string { return in.Resource }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, onARN("UntagResource", func(in *shapes.UntagResourceRequest) *string { return in.Resource }), s.untagResource)
	awsapi.Handle(s.api, shapes.ListTags, onARN("ListTags", func(in *shapes.ListTagsRequest) *string { return in.Resource }), s.listTags)
	awsapi.Handle(s.api, shapes.GetAccountSettings, nil, s.getAccountSettings)
}

func (s *Service) registerVersions() {
	awsapi.Handle(s.api, shapes.PublishVersion, on("PublishVersion", func(in *shapes.PublishVersionRequest) *string { return in.FunctionName }), s.publishVersion)
	awsapi.Handle(s.api, shapes.ListVersionsByFunction, on("ListVersionsByFunction", func(in *shapes.ListVersionsByFunctionRequest) *string { return in.FunctionName }), s.listVersions)
	awsapi.Handle(s.api, shapes.CreateAlias, on("CreateAlias", func(in *shapes.CreateAliasRequest) *string { return in.FunctionName }), s.createAlias)
	awsapi.Handle(s.api, shapes.GetAlias, on("GetAlias", func(in *shapes.GetAliasRequest) *string { return in.FunctionName }), s.getAlias)
	awsapi.Handle(s.api, shapes.UpdateAlias, on("UpdateAlias", func(in *shapes.UpdateAliasRequest) *string { return in.FunctionName }), s.updateAlias)
	awsapi.Handle(s.api, shapes.DeleteAlias, on("DeleteAlias", func(in *shapes.DeleteAliasRequest) *string { return in.FunctionName }), s.deleteAlias)
	awsapi.Handle(s.api, shapes.ListAliases, on("ListAliases", func(in *shapes.ListAliasesRequest) *string { return in.FunctionName }), s.listAliases)
}

func (s *Service) registerPermissions() {
	awsapi.Handle(s.api, shapes.AddPermission, onVersion("AddPermission", func(in *shapes.AddPermissionRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.addPermission)
	awsapi.Handle(s.api, shapes.RemovePermission, onVersion("RemovePermission", func(in *shapes.RemovePermissionRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.removePermission)
	awsapi.Handle(s.api, shapes.GetPolicy, onVersion("GetPolicy", func(in *shapes.GetPolicyRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.getPolicy)
}

func (s *Service) registerInvocation() {
	awsapi.Handle(s.api, shapes.Invoke, onVersion("InvokeFunction", func(in *shapes.InvocationRequest) (_, _ *string) { return in.FunctionName, in.Qualifier }), s.invoke)
	awsapi.Handle(s.api, shapes.InvokeAsync, on("InvokeFunction", func(in *shapes.InvokeAsyncRequest) *string { return in.FunctionName }), s.invokeAsync)
	awsapi.Handle(s.api, shapes.PutFunctionEventInvokeConfig, onVersion("PutFunctionEventInvokeConfig", func(in *shapes.PutFunctionEventInvokeConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.putEventInvokeConfig)
	awsapi.Handle(s.api, shapes.UpdateFunctionEventInvokeConfig, onVersion("UpdateFunctionEventInvokeConfig", func(in *shapes.UpdateFunctionEventInvokeConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.updateEventInvokeConfig)
	awsapi.Handle(s.api, shapes.GetFunctionEventInvokeConfig, onVersion("GetFunctionEventInvokeConfig", func(in *shapes.GetFunctionEventInvokeConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.getEventInvokeConfig)
	awsapi.Handle(s.api, shapes.DeleteFunctionEventInvokeConfig, onVersion("DeleteFunctionEventInvokeConfig", func(in *shapes.DeleteFunctionEventInvokeConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.deleteEventInvokeConfig)
	awsapi.Handle(s.api, shapes.ListFunctionEventInvokeConfigs, on("ListFunctionEventInvokeConfigs", func(in *shapes.ListFunctionEventInvokeConfigsRequest) *string { return in.FunctionName }), s.listEventInvokeConfigs)
}

func (s *Service) registerLayers() {
	awsapi.Handle(s.api, shapes.PublishLayerVersion, onLayer("PublishLayerVersion", func(in *shapes.PublishLayerVersionRequest) (*string, *int64) { return in.LayerName, nil }), s.publishLayer)
	awsapi.Handle(s.api, shapes.GetLayerVersion, onLayer("GetLayerVersion", func(in *shapes.GetLayerVersionRequest) (*string, *int64) { return in.LayerName, in.VersionNumber }), s.getLayer)
	awsapi.Handle(s.api, shapes.GetLayerVersionByArn, onARN("GetLayerVersion", func(in *shapes.GetLayerVersionByArnRequest) *string { return in.Arn }), s.getLayerByARN)
	awsapi.Handle(s.api, shapes.DeleteLayerVersion, onLayer("DeleteLayerVersion", func(in *shapes.DeleteLayerVersionRequest) (*string, *int64) { return in.LayerName, in.VersionNumber }), s.deleteLayer)
	awsapi.Handle(s.api, shapes.ListLayerVersions, nil, s.listLayerVersions)
	awsapi.Handle(s.api, shapes.ListLayers, nil, s.listLayers)
}

// registerNothing registers operations about what a function can have on AWS
// and cannot have here: the answer is always that it has none.
func (s *Service) registerNothing() {
	awsapi.Handle(s.api, shapes.GetFunctionCodeSigningConfig, on("GetFunctionCodeSigningConfig", func(in *shapes.GetFunctionCodeSigningConfigRequest) *string { return in.FunctionName }), s.getCodeSigning)
	awsapi.Handle(s.api, shapes.GetRuntimeManagementConfig, onVersion("GetRuntimeManagementConfig", func(in *shapes.GetRuntimeManagementConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.getRuntimeManagement)
}
