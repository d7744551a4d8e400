package lambda

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/runner/bootstrap"
)

// newUUID returns a random UUID: of a revision, or of a request.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// stamp is how Lambda writes times in its bodies.
func stamp(i clock.Instant) *string { return ptr(i.Time().Format("2006-01-02T15:04:05.000-0700")) }

// shape renders a configuration as the API shows it.
func (c *config) shape(s arn.Scope, name string, qualified bool) *shapes.FunctionConfiguration {
	a := s.Function(name)
	if qualified {
		a = s.FunctionVersion(name, c.Version)
	}
	out := &shapes.FunctionConfiguration{
		FunctionName: &name, FunctionArn: ptr(string(a)), Runtime: some(c.Runtime), Role: &c.Role, Handler: some(c.Handler),
		CodeSize: &c.Code.Size, CodeSha256: &c.Code.SHA256, Description: &c.Description, Timeout: &c.Timeout, MemorySize: &c.Memory,
		LastModified: stamp(c.Modified), Version: &c.Version, RevisionId: &c.Revision, PackageType: ptr("Zip"), Architectures: []string{c.Arch},
		EphemeralStorage: &shapes.EphemeralStorage{Size: &c.Tmp}, TracingConfig: &shapes.TracingConfigResponse{Mode: &c.Tracing},
		SnapStart: &shapes.SnapStartResponse{ApplyOn: ptr("None"), OptimizationStatus: ptr("Off")}, KMSKeyArn: some(c.KMSKey),
		RuntimeVersionConfig: &shapes.RuntimeVersionConfig{RuntimeVersionArn: ptr((&bootstrap.Program{Version: c.Runtime}).VersionARN(s.Region))},
		LoggingConfig:        &shapes.LoggingConfig{LogFormat: ptr("Text"), LogGroup: ptr(c.logGroup(name))},
		State:                ptr("Active"), LastUpdateStatus: ptr("Successful"),
	}
	if c.HasEnv {
		out.Environment = &shapes.EnvironmentResponse{Variables: c.Env}
	}
	if c.DeadLetter != "" {
		out.DeadLetterConfig = &shapes.DeadLetterConfig{TargetArn: &c.DeadLetter}
	}
	if c.Subnets != nil || c.Groups != nil {
		out.VpcConfig = &shapes.VpcConfigResponse{SubnetIds: c.Subnets, SecurityGroupIds: c.Groups, VpcId: ptr(""), Ipv6AllowedForDualStack: ptr(false)}
	}
	for i := range c.Layers {
		out.Layers = append(out.Layers, shapes.Layer{Arn: &c.Layers[i].ARN, CodeSize: &c.Layers[i].Size})
	}
	if c.Failed != "" {
		out.LastUpdateStatus, out.LastUpdateStatusReason, out.LastUpdateStatusReasonCode = ptr("Failed"), &c.Failed, &c.FailedCode
	}
	return out
}

func (c *config) logGroup(name string) string {
	if c.LogGroup != "" {
		return c.LogGroup
	}
	return "/aws/lambda/" + name
}

// creating dresses the answer of CreateFunction as Lambda gives it: the
// function is ready here when it is answered, but clients wait for it to
// become so.
func creating(c *shapes.FunctionConfiguration) *shapes.FunctionConfiguration {
	c.State, c.StateReason, c.StateReasonCode = ptr("Pending"), ptr("The function is being created."), ptr("Creating")
	c.LastUpdateStatus = nil
	return c
}

// updating does so for updates.
func updating(c *shapes.FunctionConfiguration) *shapes.FunctionConfiguration {
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = ptr("InProgress"), ptr("The function is being created."), ptr("Creating")
	return c
}

// settings are the members that CreateFunction and
// UpdateFunctionConfiguration share.
type settings struct {
	runtime, role, handler, description, kms *string
	timeout, memory                          *int32
	vpc                                      *shapes.VpcConfig
	dead                                     *shapes.DeadLetterConfig
	env                                      *shapes.Environment
	tracing                                  *shapes.TracingConfig
	layers                                   []string
	fs                                       []shapes.FileSystemConfig
	image                                    *shapes.ImageConfig
	tmp                                      *shapes.EphemeralStorage
	snap                                     *shapes.SnapStart
	logging                                  *shapes.LoggingConfig
}

// check refuses what cannot be of a function, without looking at the store.
func (s *Service) check(ctx context.Context, function string, in *settings) error {
	switch {
	case len(in.fs) > 0:
		return refused("file systems: FileSystemConfigs")
	case in.image != nil:
		return refused("functions as container images: ImageConfig")
	case in.snap != nil && value(in.snap.ApplyOn) == "PublishedVersions":
		return refused("SnapStart")
	case in.logging != nil && value(in.logging.LogFormat) == "JSON":
		return refused("the log format JSON")
	}
	if in.runtime != nil {
		if kind, _ := bootstrap.KindOf(*in.runtime); kind == bootstrap.Unknown {
			return refused(fmt.Sprintf("the runtime %s; it runs provided.*, go1.x, nodejs*.x and python3.*", *in.runtime))
		}
		if err := knownRuntime(*in.runtime); err != nil {
			return err
		}
	}
	if in.env != nil {
		if err := checkEnv(in.env.Variables); err != nil {
			return err
		}
	}
	if t := in.dead; t != nil && value(t.TargetArn) != "" {
		if err := s.deliverable("dead-letter target", *t.TargetArn); err != nil {
			return err
		}
	}
	if role := value(in.role); role != "" && s.Roles != nil {
		ok, err := s.Roles.AssumableBy(ctx, arn.ARN(role), "lambda.amazonaws.com", awsapi.From(ctx).Scope.Function(function))
		if err != nil {
			return fmt.Errorf("role of the function: %w", err)
		}
		if !ok {
			return invalid("The role defined for the function cannot be assumed by Lambda.")
		}
	}
	return nil
}

// deliverable refuses a target that would not get what a function leaves: records
// belong to no group, so that queues and topics that keep an order take none.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (s *Service) deliverable(what, target string) error {
	switch a := arn.ARN(target); {
	case !s.Delivers(target):
		return invalid("The %s %s cannot be used: nube does not deliver to it.", what, target)
	case (a.Service() == "sqs" || a.Service() == "sns") && strings.HasSuffix(target, ".fifo"):
		return invalid("The %s %s cannot be used: FIFO queues and topics are not supported.", what, target)
	}
	return nil
}

// checkEnv holds the variables to Lambda's rules.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func checkEnv(env map[string]string) error {
	const why = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	size := 0
	var taken []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		size += len(k) + len(env[k])
		if reserved(k) {
			taken = append(taken, k)
		}
	}
	if len(taken) > 0 {
		return invalid(why+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	if size > 4<<10 {
		return invalid(why + "exceeded the 4KB limit.")
	}
	return nil
}

// reserved are the variables that functions cannot set.
func reserved(k string) bool {
	switch k {
	case "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR":
		return true
	}
	return false
}

// apply changes a configuration by what a request sets.
func (in *settings) apply(c *config, layers []layerRef) {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&c.Runtime, in.runtime}, {&c.Role, in.role}, {&c.Handler, in.handler}, {&c.Description, in.description}, {&c.KMSKey, in.kms}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if in.timeout != nil {
		c.Timeout = *in.timeout
	}
	if in.memory != nil {
		c.Memory = *in.memory
	}
	if in.tmp != nil && in.tmp.Size != nil {
		c.Tmp = *in.tmp.Size
	}
	if in.vpc != nil {
		c.Subnets, c.Groups = in.vpc.SubnetIds, in.vpc.SecurityGroupIds
	}
	if in.dead != nil {
		c.DeadLetter = value(in.dead.TargetArn)
	}
	if in.env != nil {
		c.Env, c.HasEnv = in.env.Variables, true
	}
	if in.tracing != nil && in.tracing.Mode != nil {
		c.Tracing = *in.tracing.Mode
	}
	if in.logging != nil && in.logging.LogGroup != nil {
		c.LogGroup = *in.logging.LogGroup
	}
	if in.layers != nil {
		c.Layers = layers
	}
}

// findLayers returns the layer versions that a request names.
func (s *Service) findLayers(ctx context.Context, arns []string) ([]layerRef, error) {
	if len(arns) > 5 {
		return nil, invalid("Cannot reference more than 5 layers.")
	}
	out := []layerRef{}
	sp, scope := spaceOf(cell(ctx)), awsapi.From(ctx).Scope
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		seen := map[string]bool{}
		for _, a := range arns {
			name, version, ok := layerARN(a)
			if p := arn.ARN(a).Parts(); !ok || p.Account != scope.Account || p.Region != scope.Region {
				return invalid("Layer version %s does not exist.", a)
			}
			if seen[name] {
				return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s", a)
			}
			seen[name] = true
			l, err := get[layer](sn, sp.layer(name, number(version)))
			if err != nil {
				return err
			}
			if l == nil {
				return invalid("Layer version %s does not exist.", a)
			}
			out = append(out, layerRef{ARN: a, Digest: l.Code.Digest, Size: l.Code.Size})
		}
		return nil
	})
	return out, err
}
