package resource

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// function is AWS::Lambda::Function. Ref is its name.
type function struct{ base }

func refusedOfFunction() []string {
	return []string{
		"CapacityProviderConfig", "Code.S3ObjectStorageMode", "Code.SourceKMSKeyArn", "CodeSigningConfigArn", "DurableConfig",
		"FileSystemConfigs.S3FilesConfig", "FunctionScalingConfig", "PublishToLatestPublished", "RecursiveLoop",
		"RuntimeManagementConfig", "TenancyConfig",
	}
}

// apart are the properties that are not part of a function's configuration.
func apart() []string {
	return []string{"FunctionName", "Code", "Tags", "ReservedConcurrentExecutions", "PackageType", "Architectures"}
}

// bindCode sets the code of a function, which has the same members in all
// requests.
func bindCode(in any, props *template.Value) error {
	code := packaged(props.Get("Code"))
	return bind(in, code, "ZipFile")
}

func (f function) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &lambda.CreateFunctionRequest{FunctionName: &r.PhysicalID, Code: &lambda.FunctionCode{}, Tags: tagMap(r.Properties)}
	if err := bind(in, r.Properties, "FunctionName", "Code", "Tags", "ReservedConcurrentExecutions"); err != nil {
		return stack.Progress{}, err
	}
	if err := bindCode(in.Code, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	if source := r.Properties.Get("Code", "ZipFile"); source != nil {
		var err error
		if in.Code.ZipFile, err = inlined(source.Text, text(r.Properties, "Runtime")); err != nil {
			return stack.Progress{}, err
		}
	}
	if err := run(ctx, f.base, lambda.CreateFunction, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	made := stack.Progress{PhysicalID: r.PhysicalID}
	if err := f.reserve(ctx, r); err != nil {
		return made, err
	}
	return f.ready(ctx, r)
}

// reserve sets or removes the reserved concurrency.
func (f function) reserve(ctx context.Context, r stack.Request) error {
	if n, ok := r.Properties.Get("ReservedConcurrentExecutions").AsInt(); ok {
		return run(ctx, f.base, lambda.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyRequest{FunctionName: &r.PhysicalID, ReservedConcurrentExecutions: ptr(int32(n))})
	}
	if r.Old.Get("ReservedConcurrentExecutions") == nil {
		return nil
	}
	return run(ctx, f.base, lambda.DeleteFunctionConcurrency, &lambda.DeleteFunctionConcurrencyRequest{FunctionName: &r.PhysicalID})
}

// ready returns the attributes of the function, or what it waits for.
func (f function) ready(ctx context.Context, r stack.Request) (stack.Progress, error) {
	p := stack.Progress{PhysicalID: r.PhysicalID}
	c, err := do(ctx, f.base, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationRequest{FunctionName: &r.PhysicalID})
	if err != nil {
		return p, err
	}
	p.Attrs = functionAttrs(c)
	switch {
	case val(c.State) == "Failed":
		return p, fmt.Errorf("the function %s is in the state Failed: %s", r.PhysicalID, val(c.StateReason))
	case val(c.LastUpdateStatus) == "Failed":
		return p, fmt.Errorf("the last update of the function %s failed: %s", r.PhysicalID, val(c.LastUpdateStatusReason))
	case val(c.State) == "Pending":
		p.Wait = "the function to be active"
	case val(c.LastUpdateStatus) == "InProgress":
		p.Wait = "the function to be updated"
	}
	return p, nil
}

func functionAttrs(c *lambda.FunctionConfiguration) stack.Attrs {
	a := stack.Attrs{"Arn": val(c.FunctionArn)}
	if s := c.SnapStart; s != nil {
		a["SnapStartResponse.ApplyOn"], a["SnapStartResponse.OptimizationStatus"] = val(s.ApplyOn), val(s.OptimizationStatus)
		a["SnapStartResponse"] = map[string]any{"ApplyOn": val(s.ApplyOn), "OptimizationStatus": val(s.OptimizationStatus)}
	}
	return a
}

// defaults are what the configuration of a function is without its properties:
// an update that leaves one out goes back to it.
func defaults(props *template.Value) *template.Value {
	none := template.Object{}
	for _, d := range (template.Object{
		{Key: "Description", Value: ""}, {Key: "Timeout", Value: 3}, {Key: "MemorySize", Value: 128},
		{Key: "Environment", Value: template.Object{{Key: "Variables", Value: none}}},
		{Key: "Layers", Value: []any{}}, {Key: "FileSystemConfigs", Value: []any{}},
		{Key: "DeadLetterConfig", Value: template.Object{{Key: "TargetArn", Value: ""}}},
		{Key: "TracingConfig", Value: template.Object{{Key: "Mode", Value: "PassThrough"}}},
		{Key: "EphemeralStorage", Value: template.Object{{Key: "Size", Value: 512}}},
		{Key: "KmsKeyArn", Value: ""},
		{Key: "VpcConfig", Value: template.Object{{Key: "SubnetIds", Value: []any{}}, {Key: "SecurityGroupIds", Value: []any{}}}},
		{Key: "SnapStart", Value: template.Object{{Key: "ApplyOn", Value: "None"}}},
		{Key: "LoggingConfig", Value: template.Object{{Key: "LogFormat", Value: "Text"}}},
		{Key: "ImageConfig", Value: none},
	}) {
		if !props.Has(d.Key) {
			props = props.With(d.Key, template.New(props.Pos, d.Value))
		}
	}
	return props
}

// Update changes first the configuration, then the code: a version that is
// published between the two would have new code with old settings otherwise.
func (f function) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	now, err := f.ready(ctx, r)
	if err != nil && now.Attrs == nil || now.Wait != "" {
		return now, err
	}
	old, want := defaults(r.Old), defaults(r.Properties)
	if !template.Equal(old.Without(apart()...), want.Without(apart()...)) {
		in := &lambda.UpdateFunctionConfigurationRequest{FunctionName: &r.PhysicalID}
		// What was neither there before nor is there now need not be said.
		for _, field := range want.Fields {
			if !r.Properties.Has(field.Key) && !r.Old.Has(field.Key) {
				want = want.Without(field.Key)
			}
		}
		if err := bind(in, want, apart()...); err != nil {
			return now, err
		}
		if err := run(ctx, f.base, lambda.UpdateFunctionConfiguration, in); err != nil {
			return now, err
		}
	}
	if changed(r.Old, r.Properties, "Code", "Architectures") || r.Again {
		if err := f.upload(ctx, r); err != nil {
			return now, err
		}
	}
	if !same(r.Old, r.Properties, "ReservedConcurrentExecutions") {
		if err := f.reserve(ctx, r); err != nil {
			return now, err
		}
	}
	if err := f.tag(ctx, r, fmt.Sprint(now.Attrs["Arn"])); err != nil {
		return now, err
	}
	return f.ready(ctx, r)
}

// upload gives the function its code.
func (f function) upload(ctx context.Context, r stack.Request) error {
	in := &lambda.UpdateFunctionCodeRequest{FunctionName: &r.PhysicalID, Architectures: texts(r.Properties, "Architectures")}
	if in.Architectures == nil && r.Old.Has("Architectures") {
		in.Architectures = []string{"x86_64"}
	}
	if err := bindCode(in, r.Properties); err != nil {
		return err
	}
	if source := r.Properties.Get("Code", "ZipFile"); source != nil {
		var err error
		if in.ZipFile, err = inlined(source.Text, text(r.Properties, "Runtime")); err != nil {
			return err
		}
	}
	return run(ctx, f.base, lambda.UpdateFunctionCode, in)
}

func (f function) tag(ctx context.Context, r stack.Request, arn string) error {
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, f.base, lambda.UntagResource, &lambda.UntagResourceRequest{Resource: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	return run(ctx, f.base, lambda.TagResource, &lambda.TagResourceRequest{Resource: &arn, Tags: set})
}

func (f function) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, f.base, lambda.DeleteFunction, &lambda.DeleteFunctionRequest{FunctionName: &r.PhysicalID}))
}

func (f function) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	c, err := do(ctx, f.base, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationRequest{FunctionName: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return functionAttrs(c), nil
}
