package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Input is a service to compile.
type Input struct {
	Config *template.Value // the manifest: resolved, and of the shape that package shape describes
	Name   string
	Stage  string
	Region string
	Code   func(key string) string // where the code of a function is, for {"nube:Path": ...}
	Layer  func(key string) string // the same for a layer
}

// Output is a compiled service.
type Output struct {
	Template  *template.Value
	StackName string
	Functions []Function
	Layers    []Layer
}

// Function is a function of the template.
type Function struct {
	Key, Name, LogicalID string
	VersionID            string // or empty
}

// Layer is a layer of the template.
type Layer struct{ Key, LogicalID string }

// Service compiles a service.
func Service(in Input) (*Output, template.Diagnostics) {
	s := &service{
		name: in.Name, stage: in.Stage, region: in.Region, code: in.Code, layerCode: in.Layer,
		config: in.Config, provider: in.Config.Get("provider"), pos: in.Config.Pos,
	}
	if f, ok := in.Config.Field("functions"); ok && !f.Value.IsNull() {
		s.functions = s.readFunctions(f.Value)
	}
	s.logGroups()
	s.makeRole()
	layers := s.layers()
	for _, f := range s.functions {
		s.function(f)
	}
	for _, f := range s.functions {
		s.url(f)
		s.invokeConfig(f)
	}
	s.scheduleEvents()
	s.s3Events()
	s.restAPI()
	s.snsEvents()
	s.streamEvents()
	s.cloudwatchEvents()
	s.logEvents()
	s.eventBridgeEvents()
	s.sqsEvents()
	s.httpAPI()

	out := &Output{StackName: s.stackName(), Layers: layers, Template: s.template()}
	for _, f := range s.functions {
		out.Functions = append(out.Functions, Function{Key: f.key, Name: f.name, LogicalID: f.id, VersionID: f.versionID})
	}
	return out, s.diags
}

// service is a service that is being compiled.
type service struct {
	name, stage, region string
	code, layerCode     func(string) string
	config, provider    *template.Value
	pos                 template.Pos

	functions []*function
	role      *role // the execution role that the functions share, or nil
	resources entries
	outputs   entries
	diags     template.Diagnostics
}

// function is a function of the service.
type function struct {
	key       string
	pos       template.Pos // of the key
	conf      *template.Value
	name      string // in the cloud
	id        string // logical
	versionID string
	condition *template.Value // a text, or nil
	alias     *alias          // what events must call instead of the function, or nil
}

// alias is the alias that provisioned concurrency or SnapStart needs.
type alias struct{ name, id string }

func (s *service) errorf(pos template.Pos, format string, args ...any) *template.Diagnostic {
	s.report(template.Errorf(pos, format, args...))
	return &s.diags[len(s.diags)-1]
}

func (s *service) report(d template.Diagnostic) { s.diags = append(s.diags, d) }

func (s *service) readFunctions(v *template.Value) []*function {
	var fs []*function
	for _, field := range v.Fields {
		if field.Value.IsNull() {
			continue
		}
		f := &function{key: field.Key, pos: field.Pos, conf: field.Value, name: str(field.Value, "name"), id: functionID(field.Key)}
		if f.name == "" {
			f.name = s.name + "-" + s.stage + "-" + f.key
		}
		f.condition = or(f.conf.Get("condition"))
		switch {
		case truthy(f.conf.Get("provisionedConcurrency")):
			f.alias = &alias{name: "provisioned", id: normalize(f.key) + "ProvConcLambdaAlias"}
		case truthy(f.conf.Get("snapStart")):
			f.alias = &alias{name: "snapstart", id: normalize(f.key) + "SnapStartLambdaAlias"}
		}
		fs = append(fs, f)
	}
	return fs
}

// find returns the function with a key, or nil.
func (s *service) find(key string) *function {
	for _, f := range s.functions {
		if f.key == key {
			return f
		}
	}
	return nil
}

// missing reports a reference to a function that does not exist.
func (s *service) missing(pos template.Pos, key string) {
	keys := make([]string, len(s.functions))
	for i, f := range s.functions {
		keys[i] = f.key
	}
	d := s.errorf(pos, "there is no function %q in the service", key)
	if near := template.Suggest(key, keys); near != "" {
		*d = d.WithHint("did you mean %q?", near)
	} else if len(keys) > 0 {
		*d = d.WithHint("its functions are %s", strings.Join(keys, ", "))
	}
}

// event is an event of a function.
type event struct {
	fn    *function
	index int          // among all events of the function, from zero
	kind  string       // http, sqs, ...
	pos   template.Pos // of the kind
	conf  *template.Value
}

// events returns the events of one kind, function by function.
func (s *service) events(kind string) []event {
	var es []event
	for _, f := range s.functions {
		es = append(es, f.events(kind)...)
	}
	return es
}

func (f *function) events(kind string) []event {
	var es []event
	list := f.conf.Get("events")
	if list == nil {
		return nil
	}
	for i, item := range list.Items {
		for _, field := range item.Fields {
			if field.Key == kind && truthy(field.Value) {
				es = append(es, event{fn: f, index: i, kind: kind, pos: field.Pos, conf: field.Value})
			}
		}
	}
	return es
}

// target is what an event calls: the function, or its alias.
func (f *function) target() obj {
	if f.alias == nil {
		return getAtt(f.id, "Arn")
	}
	return join(":", getAtt(f.id, "Arn"), f.alias.name)
}

// after is the DependsOn of what calls the function: the alias, or nothing.
func (f *function) after() any {
	if f.alias == nil {
		return nil
	}
	return f.alias.id
}

// invoke makes the permission for a service to call the function.
func (s *service) invoke(id string, e event, principal, source any) {
	s.resources.put(id, e.pos, obj{
		{"Type", "AWS::Lambda::Permission"},
		{"DependsOn", e.fn.after()},
		{"Properties", obj{
			{"FunctionName", e.fn.target()},
			{"Action", "lambda:InvokeFunction"},
			{"Principal", principal},
			{"SourceArn", source},
		}},
	})
}

func (s *service) stackName() string {
	if name := str(s.provider, "stackName"); name != "" {
		return name
	}
	return s.name + "-" + s.stage
}

// retention sets what the service says about the retention and protection of a log group.
func (s *service) retention(e *entry, days, protection *template.Value) {
	if v := or(days, s.provider.Get("logRetentionInDays")); v != nil {
		e.property("RetentionInDays", v)
	}
	if v := or(protection, s.provider.Get("logDataProtectionPolicy")); v != nil {
		e.property("DataProtectionPolicy", v)
	}
}

// logGroups makes the log groups of the functions.
func (s *service) logGroups() {
	for _, f := range s.functions {
		if truthy(f.conf.Get("disableLogs")) {
			continue
		}
		e := s.resources.put(logGroupID(f.key), f.pos, obj{
			{"Type", "AWS::Logs::LogGroup"},
			{"Properties", obj{{"LogGroupName", "/aws/lambda/" + f.name}}},
			{"Condition", f.condition},
		})
		s.retention(e, f.conf.Get("logRetentionInDays"), f.conf.Get("logDataProtectionPolicy"))
	}
}
