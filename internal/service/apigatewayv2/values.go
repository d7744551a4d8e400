package apigatewayv2

import (
	"context"
	"crypto/rand"
	"reflect"
	"strconv"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
)

// on is the access function of an operation: API Gateway's actions are HTTP
// methods on paths.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
//
//go:noinline
func on[I any](method string, path func(I) string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		c := awsapi.From(ctx).Scope
		resource := arn.Scope{Partition: c.Partition, Region: c.Region}.Of("apigateway", path(in))
		return []awsapi.Access{{Action: "apigateway:" + method, Resource: resource}}, nil
	}
}

// newID returns an identifier as API Gateway makes them: lower case letters
// and digits.
func newID(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

// some returns nil for an empty text: how callers take a value back.
func some(p *string) *string {
	if value(p) == "" {
		return nil
	}
	return p
}

// merge sets the members of a thing to those of the same name and type that a
// request has.
func merge(thing, request any) {
	to, from := reflect.ValueOf(thing).Elem(), reflect.ValueOf(request).Elem()
	for i := range from.NumField() {
		f := from.Field(i)
		t := to.FieldByName(from.Type().Field(i).Name)
		if t.IsValid() && t.Type() == f.Type() && !f.IsNil() {
			t.Set(f)
		}
	}
}

// defaultPage is how many items a page has when the caller does not say.
const defaultPage = 100

// page cuts one page out of a list; a token is the index of its first item.
func page[T any](all []*T, token, limit *string) ([]T, *string, error) {
	start, n := 0, defaultPage
	var err error
	if value(token) != "" {
		if start, err = strconv.Atoi(*token); err != nil || start < 0 {
			return nil, nil, badRequest("Invalid nextToken")
		}
	}
	if value(limit) != "" {
		if n, err = strconv.Atoi(*limit); err != nil || n < 1 {
			return nil, nil, badRequest("Invalid maxResults: %s", *limit)
		}
	}
	start = min(start, len(all))
	end := min(start+n, len(all))
	out := make([]T, 0, end-start)
	for _, v := range all[start:end] {
		out = append(out, *v)
	}
	if end < len(all) {
		return out, ptr(strconv.Itoa(end)), nil
	}
	return out, nil, nil
}
