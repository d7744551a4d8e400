package variables

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// sourceNames are the sources that a variable may begin with.
func sourceNames() []string {
	return []string{"aws", "cf", "env", "file", "opt", "param", "s3", "self", "sls", "ssm", "strToBool"}
}

// ask answers a question: a value, or nil and why there is none, or an error.
func (r *Resolver) ask(ctx context.Context, c call) (v *template.Value, why, err error) {
	source, region, _ := strings.Cut(c.name, ".")
	if region != "" && source == "cf" { // ${cf.eu-west-1:stack.output}
		c.params = []*template.Value{template.New(c.at, region)}
	} else {
		source = c.name
	}
	switch source {
	case "self":
		return r.self(ctx, c)
	case "opt":
		return r.opt(c)
	case "env":
		return r.env(c)
	case "file":
		return r.file(ctx, c)
	case "param":
		return r.param(ctx, c)
	case "sls":
		return r.sls(ctx, c)
	case "aws":
		return r.aws(ctx, c)
	case "strToBool":
		return strToBool(c)
	case "cf":
		return r.cf(ctx, c)
	case "ssm":
		return r.ssm(ctx, c)
	case "s3":
		return r.s3(ctx, c)
	}
	d := template.Errorf(c.at, "unknown variable source %q", c.name)
	if s := template.Suggest(c.name, sourceNames()); s != "" {
		return nil, nil, d.WithHint("did you mean %q?", s)
	}
	return nil, nil, d.WithHint("the sources are %s; to write ${ itself, put a backslash before it", strings.Join(sourceNames(), ", "))
}

// self reads another value of the manifest.
func (r *Resolver) self(ctx context.Context, c call) (*template.Value, error, error) {
	var path []string
	if c.address != "" {
		path = strings.Split(c.address, ".")
	}
	n, err := r.find(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if n != nil {
		v, err := r.deep(ctx, n)
		if err != nil || !v.IsNull() {
			return v, nil, err
		}
	}
	// What the Framework filled in before its third version, and what manifests written for it still rely on.
	switch c.address {
	case "provider.stage":
		stage, err := r.stage(ctx)
		return template.New(c.at, stage), nil, err
	case "provider.region":
		region, err := r.region(ctx)
		return template.New(c.at, region), nil, err
	}
	why := template.Errorf(c.at, "nothing is set at %q", c.address)
	if s := r.similar(ctx, path); s != "" {
		why = why.WithHint("did you mean ${self:%s}?", s)
	} else {
		why = why.WithHint("set it, or give a fallback: ${self:%s, 'value'}", c.address)
	}
	return nil, why, nil
}

// similar returns an existing path that differs from a missing one in one key.
func (r *Resolver) similar(ctx context.Context, path []string) string {
	for i, key := range path {
		n, err := r.find(ctx, path[:i])
		if err != nil || n == nil || r.shallow(ctx, n) != nil {
			return ""
		}
		if n.child(key) == nil {
			keys := make([]string, len(n.children()))
			for j, child := range n.children() {
				keys[j] = child.key
			}
			near := template.Suggest(key, keys)
			if near == "" {
				return ""
			}
			return strings.Join(slices.Concat(path[:i], []string{near}, path[i+1:]), ".")
		}
	}
	return ""
}

// opt reads an option of the command line.
func (r *Resolver) opt(c call) (*template.Value, error, error) {
	all := map[string]string{}
	maps.Copy(all, r.cfg.Options)
	if r.cfg.Stage != "" {
		all["stage"] = r.cfg.Stage
	}
	if r.cfg.Region != "" {
		all["region"] = r.cfg.Region
	}
	if c.address == "" {
		m := map[string]any{}
		for k, v := range all {
			m[k] = v
		}
		return template.New(c.at, m), nil, nil
	}
	s, ok := all[c.address]
	if ok {
		return template.New(c.at, s), nil, nil
	}
	return nil, template.Errorf(c.at, "the option --%s was not given", c.address).
		WithHint("give it, or a fallback: ${opt:%s, 'value'}", c.address), nil
}

// env reads an environment variable.
func (r *Resolver) env(c call) (*template.Value, error, error) {
	if err := c.needAddress("env:NAME"); err != nil {
		return nil, nil, err
	}
	s, ok := "", false
	if r.cfg.Env != nil {
		s, ok = r.cfg.Env(c.address)
	}
	if ok {
		return template.New(c.at, s), nil, nil
	}
	if !slices.Contains(r.MissingEnv, c.address) {
		r.MissingEnv = append(r.MissingEnv, c.address)
	}
	return nil, template.Errorf(c.at, "the environment variable %s is not set", c.address).
		WithHint("set it, or give a fallback: ${env:%s, 'value'}", c.address), nil
}

// param reads a parameter: of the command line, of the stage's section of params, or of its default section.
func (r *Resolver) param(ctx context.Context, c call) (*template.Value, error, error) {
	if err := c.needAddress("param:name"); err != nil {
		return nil, nil, err
	}
	if s, ok := r.cfg.Params[c.address]; ok {
		return template.New(c.at, s), nil, nil
	}
	stage, err := r.stage(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, section := range []string{stage, "default"} {
		n, err := r.find(ctx, []string{"params", section, c.address})
		if err != nil {
			return nil, nil, err
		}
		if n == nil {
			continue
		}
		v, err := r.deep(ctx, n)
		if err != nil || !v.IsNull() {
			return v, nil, err
		}
	}
	return nil, template.Errorf(c.at, "the parameter %q is not set for stage %q", c.address, stage).
		WithHint("give it with --param=%s=value, or set it under params.%s or params.default", c.address, stage), nil
}

// sls reads facts about this run.
func (r *Resolver) sls(ctx context.Context, c call) (*template.Value, error, error) {
	switch c.address {
	case "stage":
		stage, err := r.stage(ctx)
		return template.New(c.at, stage), nil, err
	case "instanceId":
		return template.New(c.at, r.cfg.InstanceID), nil, nil
	}
	return nil, nil, template.Errorf(c.at, "unknown address %q of the source \"sls\"", c.address).WithHint("it knows stage and instanceId")
}

// aws reads facts about the cloud that the service is deployed to.
func (r *Resolver) aws(ctx context.Context, c call) (*template.Value, error, error) {
	switch c.address {
	case "accountId":
		return c.found(r.cfg.Account, r.cfg.Account != "", "the account is not known")
	case "region":
		region, err := r.region(ctx)
		return template.New(c.at, region), nil, err
	}
	return nil, nil, template.Errorf(c.at, "unknown address %q of the source \"aws\"", c.address).
		WithHint("it knows accountId and region; if this is a policy variable, write \\${aws:%s}", c.address)
}

// stage returns the stage of this run: the option, the manifest's, or dev.
func (r *Resolver) stage(ctx context.Context) (string, error) {
	return r.setting(ctx, r.cfg.Stage, "stage", "dev")
}

// region returns the region of this run: the option, the manifest's, or us-east-1.
func (r *Resolver) region(ctx context.Context) (string, error) {
	return r.setting(ctx, r.cfg.Region, "region", "us-east-1")
}

func (r *Resolver) setting(ctx context.Context, option, key, fallback string) (string, error) {
	if option != "" {
		return option, nil
	}
	n, err := r.find(ctx, []string{"provider", key})
	if err != nil {
		return "", err
	}
	if n == nil {
		return fallback, nil
	}
	v, err := r.deep(ctx, n)
	if err != nil {
		return "", err
	}
	if v.IsNull() {
		return fallback, nil
	}
	s, ok := v.Literal()
	if !ok {
		return "", template.Errorf(v.Pos, "provider.%s must be a string, and this is a %s", key, v.Kind)
	}
	return s, nil
}

// Stage returns the stage of this run.
func (r *Resolver) Stage(ctx context.Context) (string, bool) {
	s, err := r.stage(ctx)
	r.note(err, template.Pos{})
	return s, err == nil
}

// Region returns the region of this run.
func (r *Resolver) Region(ctx context.Context) (string, bool) {
	s, err := r.region(ctx)
	r.note(err, template.Pos{})
	return s, err == nil
}

// strToBool turns a text into a boolean.
func strToBool(c call) (*template.Value, error, error) {
	if len(c.params) == 0 || c.params[0].IsNull() {
		return nil, nil, template.Errorf(c.at, "strToBool needs a text").WithHint("like ${strToBool(${env:FLAG})}")
	}
	s, ok := c.params[0].Literal()
	if !ok {
		return nil, nil, template.Errorf(c.at, "strToBool takes a text, and this is a %s", c.params[0].Kind)
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1":
		return template.New(c.at, true), nil, nil
	case "false", "0":
		return template.New(c.at, false), nil, nil
	}
	return nil, nil, template.Errorf(c.at, "strToBool takes true, false, 1 or 0, and this is %q", s)
}
