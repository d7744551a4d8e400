package variables

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Cloud answers the sources that need a running cloud. Its methods report ok = false for what does not exist, so that the
// next source of the variable is asked; an error ends the evaluation. An empty region is the service's own.
type Cloud interface {
	// StackOutput returns an output of a CloudFormation stack, for ${cf:stack.output}.
	StackOutput(ctx context.Context, region, stack, output string) (value string, ok bool, err error)
	// Parameter returns a parameter of the Systems Manager, for ${ssm:/path}.
	Parameter(ctx context.Context, region, name string, decrypt bool) (p Parameter, ok bool, err error)
	// Object returns the content of an S3 object, for ${s3:bucket/key}.
	Object(ctx context.Context, bucket, key string) (text string, ok bool, err error)
}

// Parameter is a parameter of the Systems Manager.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Parameter.html
type Parameter struct {
	Type  string // String, StringList or SecureString
	Value string
}

// running returns the cloud, or why there is none to ask.
func (r *Resolver) running(c call) (Cloud, error) {
	if r.cfg.Cloud != nil {
		return r.cfg.Cloud, nil
	}
	return nil, template.Errorf(c.at, "${%s:%s} cannot be resolved: no cloud is running that could answer it", c.name, c.address).
		WithHint("start the cloud first, or override the value with an option or a parameter of the command line")
}

// region returns the first parameter that is a region.
func (c call) region() string {
	for _, p := range c.params {
		if s, ok := p.Literal(); ok && s != "raw" && s != "noDecrypt" {
			return s
		}
	}
	return ""
}

// has reports whether a flag is among the parameters.
func (c call) has(flag string) bool {
	for _, p := range c.params {
		if s, ok := p.Literal(); ok && s == flag {
			return true
		}
	}
	return false
}

// cf reads an output of a stack.
func (r *Resolver) cf(ctx context.Context, c call) (*template.Value, error, error) {
	if err := c.needAddress("cf:stack.output"); err != nil {
		return nil, nil, err
	}
	stack, output, ok := strings.Cut(c.address, ".")
	if !ok {
		return nil, nil, template.Errorf(c.at, "%q does not name an output of a stack", c.address).WithHint("like ${cf:stack.output}")
	}
	cloud, err := r.running(c)
	if err != nil {
		return nil, nil, err
	}
	s, ok, err := cloud.StackOutput(ctx, c.region(), stack, output)
	if err != nil {
		return nil, nil, template.Errorf(c.at, "read the output %s of stack %s: %v", output, stack, err)
	}
	return c.found(s, ok, "the stack %s does not exist or has no output %s", stack, output)
}

// ssm reads a parameter. A list is split and a secret that holds JSON is decoded, unless the value is asked for raw. A
// name that ends with ~true, or ~split, is one of version 2 of the Framework, which had to be told to decrypt and to split.
func (r *Resolver) ssm(ctx context.Context, c call) (*template.Value, error, error) {
	if err := c.needAddress("ssm:/path/name"); err != nil {
		return nil, nil, err
	}
	cloud, err := r.running(c)
	if err != nil {
		return nil, nil, err
	}
	c.address = strings.TrimSuffix(strings.TrimSuffix(c.address, "~true"), "~split")
	p, ok, err := cloud.Parameter(ctx, c.region(), c.address, !c.has("noDecrypt"))
	if err != nil {
		return nil, nil, template.Errorf(c.at, "read the parameter %s: %v", c.address, err)
	}
	if ok && !c.has("raw") {
		switch {
		case p.Type == "StringList":
			return template.New(c.at, strings.Split(p.Value, ",")), nil, nil
		case p.Type == "SecureString" && strings.HasPrefix(p.Value, "{"):
			f := &template.File{Name: "parameter " + c.address, Text: []byte(p.Value)}
			if v, ds := template.ReadJSON(f); !ds.HasErrors() {
				return template.New(c.at, at(v, c.at)), nil, nil
			}
		}
	}
	return c.found(p.Value, ok, "the parameter %s does not exist", c.address)
}

// at returns a copy of a value all of which is at one place: a secret's text must not be quoted in a diagnostic.
func at(v *template.Value, pos template.Pos) *template.Value {
	c := *v
	c.Pos = pos
	c.Items = make([]*template.Value, len(v.Items))
	for i, item := range v.Items {
		c.Items[i] = at(item, pos)
	}
	c.Fields = make([]template.Field, len(v.Fields))
	for i, f := range v.Fields {
		c.Fields[i] = template.Field{Key: f.Key, Pos: pos, Value: at(f.Value, pos)}
	}
	return &c
}

// s3 reads an object.
func (r *Resolver) s3(ctx context.Context, c call) (*template.Value, error, error) {
	if err := c.needAddress("s3:bucket/key"); err != nil {
		return nil, nil, err
	}
	bucket, key, ok := strings.Cut(c.address, "/")
	if !ok {
		return nil, nil, template.Errorf(c.at, "%q does not name an object", c.address).WithHint("like ${s3:bucket/key}")
	}
	cloud, err := r.running(c)
	if err != nil {
		return nil, nil, err
	}
	s, ok, err := cloud.Object(ctx, bucket, key)
	if err != nil {
		return nil, nil, template.Errorf(c.at, "read the object %s of bucket %s: %v", key, bucket, err)
	}
	return c.found(s, ok, "the object %s of bucket %s does not exist", key, bucket)
}
