package compile

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/template"
)

// function compiles a function, its version and its alias.
func (s *service) function(f *function) {
	c := f.conf
	if !truthy(c.Get("handler")) {
		s.errorf(f.pos, "the function %q has no handler", f.key)
		return
	}
	runtime := str(c, "runtime")
	if runtime == "" {
		runtime = Runtime(s.provider)
	}
	e := s.resources.put(f.id, f.pos, obj{
		{"Type", "AWS::Lambda::Function"},
		{"Properties", obj{
			{"Code", obj{{manifest.CodePath, s.code(f.key)}}},
			{"Handler", c.Get("handler")},
			{"Runtime", runtime},
			{"FunctionName", f.name},
			{"MemorySize", orDefault(1024, c.Get("memorySize"), s.provider.Get("memorySize"))},
			{"Timeout", orDefault(6, c.Get("timeout"), s.provider.Get("timeout"))},
			{"Architectures", listOf(or(c.Get("architecture"), s.provider.Get("architecture")))},
			{"Description", or(c.Get("description"))},
			{"Tags", s.functionTags(f)},
			{"RuntimeManagementConfig", s.runtimeManagement(c)},
			{"RecursiveLoop", or(c.Get("recursiveLoop"))},
			{"Environment", s.environment(c)},
			{"ReservedConcurrentExecutions", set(c.Get("reservedConcurrency"))},
			{"LoggingConfig", loggingConfig(or(c.Get("logs"), s.provider.Get("logs", "lambda")))},
			{"Layers", or(c.Get("layers"), s.provider.Get("layers"))},
			{"VpcConfig", s.vpc(c)},
		}},
		{"Condition", f.condition},
	})
	if truthy(c.Get("snapStart")) {
		e.property("SnapStart", obj{{"ApplyOn", "PublishedVersions"}})
	}
	if v := or(c.Get("ephemeralStorageSize")); v != nil {
		e.property("EphemeralStorage", obj{{"Size", v}})
	}
	var after []string
	if !truthy(c.Get("disableLogs")) {
		after = append(after, logGroupID(f.key))
	}
	after = append(after, texts(c.Get("dependsOn"))...)
	s.deadLetter(e, c)
	s.encryption(e, c)
	s.tracing(e, c)
	after = append(after, s.setRole(e, f)...)
	s.fileSystem(e, f)
	if len(after) > 0 {
		e.set("DependsOn", after)
	}
	s.version(e, f)
}

// Runtime returns the runtime of functions that name none.
func Runtime(provider *template.Value) string {
	if r := str(provider, "runtime"); r != "" {
		return r
	}
	return "nodejs24.x"
}

// orDefault returns the first value that is truthy, or a number.
func orDefault(n int, vs ...*template.Value) any {
	if v := or(vs...); v != nil {
		return v
	}
	return n
}

// listOf returns a list of one value, or nil without it.
func listOf(v *template.Value) any {
	if v == nil {
		return nil
	}
	return []any{v}
}

func (s *service) functionTags(f *function) any {
	if tags := overlay(s.provider.Get("tags"), f.conf.Get("tags")); tags != nil {
		return keyValues(f.pos, tags)
	}
	return nil
}

func (s *service) environment(c *template.Value) any {
	if vars := overlay(s.provider.Get("environment"), c.Get("environment")); vars != nil {
		return obj{{"Variables", vars}}
	}
	return nil
}

func (s *service) runtimeManagement(c *template.Value) any {
	mode, arn := "auto", (*template.Value)(nil)
	for _, v := range []*template.Value{s.provider.Get("runtimeManagement"), c.Get("runtimeManagement")} {
		switch {
		case isText(v):
			mode = v.Text
		case isMap(v):
			if m := str(v, "mode"); m != "" {
				mode = m
			}
			if a := set(v.Get("arn")); a != nil {
				arn = a
			}
		}
	}
	switch mode {
	case "onFunctionUpdate":
		return obj{{"UpdateRuntimeOn", "FunctionUpdate"}}
	case "manual":
		return obj{{"UpdateRuntimeOn", "Manual"}, {"RuntimeVersionArn", arn}}
	}
	return nil
}

func loggingConfig(v *template.Value) any {
	out := obj{
		{"ApplicationLogLevel", or(v.Get("applicationLogLevel"))},
		{"LogFormat", or(v.Get("logFormat"))},
		{"LogGroup", or(v.Get("logGroup"))},
		{"SystemLogLevel", or(v.Get("systemLogLevel"))},
	}
	if len(template.New(template.Pos{}, out).Fields) == 0 {
		return nil
	}
	return out
}

func (s *service) vpc(c *template.Value) any {
	if f, ok := c.Field("vpc"); ok && (f.Value.IsNull() || isFalse(f.Value)) {
		return nil
	}
	get := func(key string) *template.Value { return or(c.Get("vpc", key), s.provider.Get("vpc", key)) }
	groups, subnets := get("securityGroupIds"), get("subnetIds")
	if groups == nil || subnets == nil {
		return nil
	}
	return obj{
		{"Ipv6AllowedForDualStack", get("ipv6AllowedForDualStack")},
		{"SecurityGroupIds", groups},
		{"SubnetIds", subnets},
	}
}

func (s *service) deadLetter(e *entry, c *template.Value) {
	arn := or(c.Get("onError"))
	if arn == nil {
		return
	}
	e.property("DeadLetterConfig", obj{{"TargetArn", arn}})
	if isText(arn) && s.role != nil {
		s.role.allow(arn.Pos, "Allow", []string{"sns:Publish"}, []any{arn})
	}
}

func (s *service) encryption(e *entry, c *template.Value) {
	key := or(c.Get("kmsKeyArn"), s.provider.Get("kmsKeyArn"))
	if key == nil {
		return
	}
	e.property("KmsKeyArn", key)
	if isText(key) && s.role != nil {
		s.role.allowOnce(key.Pos, []string{"kms:Decrypt"}, []any{key})
	}
}

func (s *service) tracing(e *entry, c *template.Value) {
	tracing := or(c.Get("tracing"), s.provider.Get("tracing", "lambda"))
	if tracing == nil {
		return
	}
	mode := "Active"
	if isText(tracing) {
		mode = tracing.Text
	}
	e.property("TracingConfig", obj{{"Mode", mode}})
	if s.role != nil {
		s.role.allowOnce(tracing.Pos, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, []string{"*"})
	}
}

// setRole sets the function's role and returns what the function must be created after because of it.
func (s *service) setRole(e *entry, f *function) (after []string) {
	v := s.executionRole(f)
	switch {
	case v == nil:
		e.property("Role", getAtt(roleID, "Arn"))
	case isText(v) && strings.HasPrefix(v.Text, "arn:"):
		e.property("Role", v)
	case isText(v):
		e.property("Role", getAtt(v.Text, "Arn"))
		if v.Text != roleID {
			after = append(after, v.Text)
		}
	default:
		e.property("Role", v)
		if fn, arg, _ := v.Call(); fn == "Fn::GetAtt" && len(arg.Items) > 0 {
			after = append(after, arg.Items[0].Text)
		}
	}
	return after
}

func (s *service) fileSystem(e *entry, f *function) {
	fs := or(f.conf.Get("fileSystemConfig"))
	if fs == nil {
		return
	}
	if e.body.Get("Properties", "VpcConfig") == nil {
		s.report(template.Errorf(fs.Pos, "a file system needs a VPC").WithHint("give the function or the provider a vpc"))
		return
	}
	if s.role != nil {
		s.role.allow(fs.Pos, "Allow", []string{"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}, []any{fs.Get("arn")})
	}
	e.property("FileSystemConfigs", []any{obj{{"Arn", fs.Get("arn")}, {"LocalMountPath", fs.Get("localMountPath")}}})
}

// version compiles the version of a function, and the alias that points at it.
//
// The logical id of a version holds a digest of the function's configuration, so that a changed configuration is a new
// version; the code's part in that is the property CodeSha256, which [manifest.Project.Deployable] sets.
func (s *service) version(e *entry, f *function) {
	c := f.conf
	wanted := true
	if v := or(s.provider.Get("versionFunctions")); v == nil && !s.provider.Get("versionFunctions").IsNull() {
		wanted = false
	}
	if v := set(c.Get("versionFunction")); v != nil {
		wanted = truthy(v)
	}
	if !wanted && f.alias == nil {
		return
	}
	f.versionID = normalize(f.key) + "LambdaVersion" + digest(e.body.Get("Properties").Without("Code", "ReservedConcurrentExecutions", "Tags"))
	var deletion any = "Retain"
	if !wanted {
		deletion = nil
	}
	s.resources.put(f.versionID, f.pos, obj{
		{"Type", "AWS::Lambda::Version"},
		{"DeletionPolicy", deletion},
		{"Properties", obj{{"FunctionName", ref(f.id)}, {"Description", or(c.Get("description"))}}},
		{"Condition", f.condition},
	})
	s.outputs.put(f.id+"QualifiedArn", f.pos, obj{
		{"Description", "Current Lambda function version"},
		{"Value", ref(f.versionID)},
		{"Condition", f.condition},
	})
	if f.alias == nil {
		return
	}
	provisioned := or(c.Get("provisionedConcurrency"))
	if provisioned != nil && truthy(c.Get("snapStart")) {
		s.errorf(f.pos, "the function %q has both SnapStart and provisioned concurrency, which exclude each other", f.key)
	}
	var config any
	if provisioned != nil {
		config = obj{{"ProvisionedConcurrentExecutions", provisioned}}
	}
	s.resources.put(f.alias.id, f.pos, obj{
		{"Type", "AWS::Lambda::Alias"},
		{"Properties", obj{
			{"FunctionName", ref(f.id)},
			{"FunctionVersion", getAtt(f.versionID, "Version")},
			{"Name", f.alias.name},
			{"ProvisionedConcurrencyConfig", config},
		}},
		{"DependsOn", f.id},
		{"Condition", f.condition},
	})
}

// digest returns letters and digits that differ when the meaning of a value differs.
func digest(v *template.Value) string {
	sum := sha256.Sum256(sorted(v).AppendJSON(nil))
	return alphanumeric(base64.StdEncoding.EncodeToString(sum[:]))
}
