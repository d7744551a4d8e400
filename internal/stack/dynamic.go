package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// Dynamic references are read when a provider is called, for its eyes only: what
// the engine keeps, compares and shows is the reference, not what it stands for.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html

// resolve returns a value with the dynamic references in it read.
func (e *Engine) resolve(ctx context.Context, v *template.Value) (*template.Value, error) {
	if v == nil {
		return nil, nil
	}
	switch v.Kind {
	case template.String:
		if !strings.Contains(v.Text, eval.DynamicPrefix) {
			return v, nil
		}
		text, err := e.expand(ctx, v.Text)
		if err != nil {
			return nil, err
		}
		c := *v
		c.Text = text
		return &c, nil
	case template.List:
		c := *v
		c.Items = slices.Clone(v.Items)
		for i, item := range v.Items {
			var err error
			if c.Items[i], err = e.resolve(ctx, item); err != nil {
				return nil, err
			}
		}
		return &c, nil
	case template.Map:
		c := *v
		c.Fields = slices.Clone(v.Fields)
		for i, f := range v.Fields {
			var err error
			if c.Fields[i].Value, err = e.resolve(ctx, f.Value); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Key, err)
			}
		}
		return &c, nil
	}
	return v, nil
}

// expand replaces the references in a text. What they stand for is not looked at
// again.
func (e *Engine) expand(ctx context.Context, text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, eval.DynamicPrefix)
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		body, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return "", fmt.Errorf("the dynamic reference %s%s has no end", eval.DynamicPrefix, rest)
		}
		service, what, _ := strings.Cut(body, ":")
		if e.dynamic == nil {
			return "", fmt.Errorf("{{resolve:%s}}: there is nothing here to read it from", body)
		}
		value, err := e.dynamic(ctx, service, what)
		if err != nil {
			return "", fmt.Errorf("{{resolve:%s}}: %w", body, err)
		}
		out.WriteString(value)
		text = after
	}
}

// stored reads the parameters of a template whose values are in Parameter Store.
func (e *Engine) stored(scope arn.Scope, actor awsapi.Actor, ps eval.Parameters) error {
	for _, name := range slices.Sorted(maps.Keys(ps)) {
		p := ps[name]
		if !p.Stored {
			continue
		}
		if e.dynamic == nil {
			return invalid("Parameter %s: there is no Parameter Store here to read %s from", name, p.Text)
		}
		ctx := awsapi.With(context.Background(), &awsapi.Call{ID: awsapi.NewID(), Scope: scope, Actor: actor})
		value, err := e.dynamic(ctx, "ssm", p.Text)
		if err != nil {
			return invalid("Unable to fetch parameters [%s] from parameter store for this account: %v", p.Text, err)
		}
		p.Value = value
		ps[name] = p
	}
	return nil
}
