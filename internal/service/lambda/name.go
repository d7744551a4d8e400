package lambda

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
)

// ref names a function as callers do: by name, partial ARN or ARN, with or
// without a qualifier.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
type ref struct {
	name      string
	qualifier string // version or alias; empty for none
}

// arn returns the name in the scope of a call.
func (r ref) arn(s arn.Scope) arn.ARN { return s.FunctionVersion(r.name, r.qualifier) }

// unqualified returns the function itself.
func (r ref) unqualified() ref { return ref{name: r.name} }

// parseRef reads FunctionName and Qualifier of a request. A name in another
// account or region is not this cloud's: it is not found there.
func parseRef(ctx context.Context, name, qualifier *string) (ref, error) {
	text := value(name)
	scope := awsapi.From(ctx).Scope
	rest := text
	if arn.Looks(text) {
		p := arn.ARN(text).Parts()
		if p.Service != "lambda" || p.Account != scope.Account || p.Region != scope.Region {
			return ref{}, notFound(text)
		}
		rest = p.Resource
	}
	parts := strings.Split(rest, ":")
	if len(parts) > 1 && len(parts[0]) == 12 && parts[0] == scope.Account {
		parts = parts[1:] // 123456789012:function:name
	}
	if len(parts) > 1 && parts[0] == "function" {
		parts = parts[1:]
	}
	r := ref{name: parts[0]}
	if len(parts) > 1 {
		r.qualifier = parts[1]
	}
	if len(parts) > 2 || r.name == "" || strings.Trim(r.name, letters) != "" || len(r.name) > 64 && !arn.Looks(text) ||
		strings.Trim(strings.TrimPrefix(r.qualifier, "$LATEST"), letters) != "" {
		return ref{}, fault.New("ValidationException", "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?", text)
	}
	if q := value(qualifier); q != "" {
		if r.qualifier != "" && r.qualifier != q {
			return ref{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.qualifier = q
	}
	return r, nil
}

func validFunctionName(name string) bool {
	return len(name) > 0 && len(name) <= 64 && strings.Trim(name, letters) == ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// isVersion reports whether a qualifier is a version's number.
func isVersion(q string) bool { return q != "" && strings.Trim(q, "0123456789") == "" }

// cell is the account and region that a call goes to.
func cell(ctx context.Context) keyspace.Cell {
	s := awsapi.From(ctx).Scope
	return keyspace.Cell{Account: s.Account, Region: s.Region}
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

// some returns nil for the zero value.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// layerARN reads the ARN of a layer version.
func layerARN(text string) (name string, version string, ok bool) {
	rest, ok := strings.CutPrefix(arn.ARN(text).Resource(), "layer:")
	if !ok {
		return "", "", false
	}
	name, version, ok = strings.Cut(rest, ":")
	return name, version, ok && isVersion(version)
}
