package serverless

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/manifest/schema"
	"github.com/nube-run/nube/internal/manifest/serverless/compile"
	"github.com/nube-run/nube/internal/manifest/serverless/shape"
	"github.com/nube-run/nube/internal/manifest/serverless/variables"
	"github.com/nube-run/nube/internal/template"
)

// Options are what a manifest depends on besides its files.
type Options struct {
	File       string                           // the manifest's name in the directory; empty to look for serverless.yml, .yaml or .json
	Stage      string                           // --stage; empty for the manifest's, or dev
	Region     string                           // --region; empty for the manifest's, or us-east-1
	Params     map[string]string                // --param
	Options    map[string]string                // further options, for ${opt:name}
	Env        func(name string) (string, bool) // the environment; nil for none
	Account    string                           // for ${aws:accountId}
	InstanceID string                           // for ${sls:instanceId}
	Cloud      variables.Cloud                  // for ${cf}, ${ssm} and ${s3}; nil when no cloud is running

	// MissingCode lets functions pass whose code is not there, which a reader of the template may not care about.
	MissingCode bool
}

// Names returns the names under which a manifest is looked for, in order.
func Names() []string { return []string{"serverless.yml", "serverless.yaml", "serverless.json"} }

// programs are the manifests of the Framework that are programs.
func programs() []string {
	return []string{"serverless.ts", "serverless.js", "serverless.mjs", "serverless.cjs", "serverless.mts"}
}

// Load reads the manifest of a directory. When there are errors among the diagnostics the project has its directory and its
// inputs, and nothing else.
func Load(ctx context.Context, dir string, o Options) (*manifest.Project, template.Diagnostics) {
	l := loader{options: o}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return &manifest.Project{Dir: dir}, template.Diagnostics{template.Errorf(template.Pos{}, "find %s: %v", dir, err)}
	}
	l.files = newFiles(abs)
	p := l.load(ctx)
	if l.diags.HasErrors() {
		p = &manifest.Project{Dir: abs}
	}
	p.Inputs = l.files.names()
	return p, l.diags
}

// loader carries one run of [Load].
type loader struct {
	options Options
	files   *files
	diags   template.Diagnostics
}

func (l *loader) fail(d template.Diagnostic) *manifest.Project {
	l.diags = append(l.diags, d)
	return nil
}

func (l *loader) load(ctx context.Context) *manifest.Project {
	file := l.find()
	if file == nil {
		return nil
	}
	v, ds := template.Read(file)
	l.diags = append(l.diags, ds...)
	if ds.HasErrors() {
		return nil
	}
	if v.Kind != template.Map {
		return l.fail(template.Errorf(v.Pos, "a manifest must be a map, and this is a %s", v.Kind))
	}
	v = providerMap(v)
	if !l.isAWS(v) {
		return nil
	}
	v, stage, region, ok := l.resolve(ctx, v)
	if !ok {
		return nil
	}
	if v = providerMap(v); !l.isAWS(v) { // it may have come from a variable
		return nil
	}
	if v, ok = l.check(v); !ok {
		return nil
	}
	l.checkVersion(v)
	if !shape.IsStage(stage) {
		return l.fail(template.Errorf(v.Get("provider", "stage").At(), "the stage %q must be made of letters, digits and dashes", stage))
	}
	p := &manifest.Project{
		Dir: l.files.dir, File: filepath.Base(file.Name), Stage: stage, Region: region, Name: v.Get("service").Text,
	}
	l.plugins(v)
	return l.compile(p, v)
}

// find reads the manifest.
func (l *loader) find() *template.File {
	names := Names()
	if l.options.File != "" {
		names = []string{l.options.File}
		if isProgram(l.options.File) {
			l.fail(refuseProgram(l.options.File))
			return nil
		}
	}
	for _, name := range names {
		text, err := l.files.read(filepath.Join(l.files.dir, name))
		if err == nil {
			return &template.File{Name: name, Text: text}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			l.fail(template.Errorf(template.Pos{}, "read %s: %v", name, err))
			return nil
		}
	}
	for _, name := range programs() {
		if l.options.File == "" && l.files.exists(filepath.Join(l.files.dir, name)) {
			l.fail(refuseProgram(name))
			return nil
		}
	}
	l.fail(template.Errorf(template.Pos{}, "there is no manifest in %s", l.files.dir).WithHint("nube looks for %s", names[0]))
	return nil
}

func isProgram(name string) bool {
	switch filepath.Ext(name) {
	case ".ts", ".mts", ".js", ".cjs", ".mjs":
		return true
	}
	return false
}

func refuseProgram(name string) template.Diagnostic {
	return template.Errorf(template.Pos{File: &template.File{Name: name}},
		"%s is a program, and nube does not run programs to read a manifest", name).
		WithHint("write it out once with `npx osls@4 print --format yaml > serverless.yml`")
}

// providerMap turns "provider: aws" into the map that it stands for.
func providerMap(v *template.Value) *template.Value {
	p := v.Get("provider")
	if p == nil || p.Kind != template.String {
		return v
	}
	return v.With("provider", template.New(p.Pos, template.Object{{"name", p}}))
}

// isAWS reports a provider that is another cloud, before its keys are held against the wrong shape.
func (l *loader) isAWS(v *template.Value) bool {
	name := v.Get("provider", "name")
	if name != nil && name.Kind == template.String && name.Text != "aws" && len(name.Text) > 0 && name.Text[0] != '$' {
		l.fail(template.Errorf(name.Pos, "the provider %q is not supported", name.Text).WithHint("nube runs services whose provider is aws"))
		return false
	}
	return true
}

// resolve evaluates the variables.
func (l *loader) resolve(ctx context.Context, v *template.Value) (_ *template.Value, stage, region string, ok bool) {
	o := l.options
	env := o.Env
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	r := variables.New(v, variables.Config{
		Dir: l.files.dir, Stage: o.Stage, Region: o.Region, Params: o.Params, Options: o.Options, Env: env, Account: o.Account,
		InstanceID: o.InstanceID, Cloud: o.Cloud, Read: l.files.read, Name: l.files.display,
	})
	if use := r.Lookup(ctx, "useDotenv"); use != nil && use.Kind == template.Bool && use.Text == "true" {
		if stage, ok = r.Stage(ctx); ok {
			missing := r.MissingEnv
			if env, ok = l.dotenv(stage, env); ok {
				r.SetEnv(env)
				for _, name := range missing {
					if _, set := env(name); set {
						l.fail(template.Errorf(use.Pos, "the .env file sets %s, which decides whether and which .env file is read", name))
					}
				}
			}
		}
	}
	out, ds := r.All(ctx)
	l.diags = append(l.diags, ds...)
	if l.diags.HasErrors() {
		return nil, "", "", false
	}
	stage, stageOK := r.Stage(ctx)
	region, regionOK := r.Region(ctx)
	return out, stage, region, stageOK && regionOK
}

// check holds the manifest against its shape.
func (l *loader) check(v *template.Value) (*template.Value, bool) {
	for _, key := range []string{"functions", "resources"} {
		if list := v.Get(key); list != nil && list.Kind == template.List {
			merged, ds := compile.MergeList(list)
			l.diags = append(l.diags, ds...)
			v = v.With(key, merged)
		}
	}
	out, ds := schema.Check(v, shape.Root())
	if mode := v.Get("configValidationMode"); mode != nil && (mode.Text == "warn" || mode.Text == "off") {
		for i := range ds {
			if schema.IsUnknownKey(ds[i]) {
				ds[i].Severity = template.Warning
			}
		}
	}
	l.diags = append(l.diags, ds...)
	return out, !l.diags.HasErrors()
}

// checkVersion reads frameworkVersion only to report what is no version at all: it says which Framework a manifest was
// written for, and the manifests of versions 1 to 4 are read alike.
func (l *loader) checkVersion(v *template.Value) {
	version := v.Get("frameworkVersion")
	if version.IsNull() {
		return
	}
	if s, _ := version.Literal(); !isVersionRange(s) {
		l.fail(template.Errorf(version.Pos, "frameworkVersion %q is not a version range", s).
			WithHint("write one like '3' or '>=3.0.0 <5', or leave it out"))
	}
}

// plugins warns of plugins, because what they would do is not done.
func (l *loader) plugins(v *template.Value) {
	list := v.Get("plugins")
	if list != nil && list.Kind == template.Map {
		list = list.Get("modules")
	}
	if list.IsNull() {
		return
	}
	for _, item := range list.Items {
		if needless(item.Text) {
			continue
		}
		l.diags = append(l.diags, template.Warningf(item.Pos, "the plugin %s is not run: what it adds to the service is missing", item.Text))
	}
}

// needless reports whether a plugin does what nube does anyway: running offline, and bundling or building functions.
func needless(plugin string) bool {
	switch plugin {
	case "serverless-offline", "serverless-localstack", "serverless-dotenv-plugin", "serverless-go-plugin", "serverless-go-build",
		"serverless-offline-sqs", "serverless-offline-sns", "serverless-dynamodb-local", "serverless-dynamodb", "serverless-s3-local":
		return true
	}
	return false
}

// compile makes the template, and finds the code.
func (l *loader) compile(p *manifest.Project, v *template.Value) *manifest.Project {
	code := l.findCode(v)
	layers := l.findLayers(v)
	out, ds := compile.Service(compile.Input{
		Config: v, Name: p.Name, Stage: p.Stage, Region: p.Region,
		Code:  func(key string) string { return code[key].Code.Path },
		Layer: func(key string) string { return layers[key].Code.Path },
	})
	l.diags = append(l.diags, ds...)
	if l.diags.HasErrors() {
		return nil
	}
	p.StackName = out.StackName
	t, ds := template.Decode(out.Template)
	l.diags = append(l.diags, ds...)
	if ds.HasErrors() {
		return nil
	}
	p.Template = t
	for _, f := range out.Functions {
		fn := code[f.Key]
		fn.Key, fn.Name, fn.LogicalID, fn.VersionID = f.Key, f.Name, f.LogicalID, f.VersionID
		p.Functions = append(p.Functions, fn)
	}
	for _, layer := range out.Layers {
		x := layers[layer.Key]
		x.Key, x.LogicalID = layer.Key, layer.LogicalID
		p.Layers = append(p.Layers, x)
	}
	l.stack(p, v.Get("provider"))
	return p
}

// stack takes over what the manifest says about the stack itself.
func (l *loader) stack(p *manifest.Project, provider *template.Value) {
	if tags := provider.Get("stackTags"); !tags.IsNull() {
		for _, f := range tags.Fields {
			s, _ := f.Value.Literal()
			p.StackTags = append(p.StackTags, manifest.Tag{Key: f.Key, Value: s})
		}
	}
	if params := provider.Get("stackParameters"); !params.IsNull() {
		for _, item := range params.Items {
			name, _ := item.Get("ParameterKey").Literal()
			value, ok := item.Get("ParameterValue").Literal()
			if !ok {
				l.diags = append(l.diags, template.Errorf(item.Pos, "the stack parameter %s has no ParameterValue", name))
				continue
			}
			p.Params = append(p.Params, manifest.Param{Name: name, Value: value, Pos: item.Pos})
		}
	}
}
