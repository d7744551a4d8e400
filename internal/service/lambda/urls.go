package lambda

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// functionURL is the URL of a function or an alias.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
type functionURL struct {
	ID       string
	Auth     string
	CORS     *shapes.Cors `json:",omitempty"`
	Created  clock.Instant
	Modified clock.Instant
}

// urlOwner is whose a URL is.
type urlOwner struct {
	Name      string
	Qualifier string `json:",omitempty"`
}

func (s *Service) registerURLs() {
	awsapi.Handle(s.api, shapes.CreateFunctionUrlConfig, onURL("CreateFunctionUrlConfig", func(in *shapes.CreateFunctionUrlConfigRequest) (_, _, _ *string) {
		return in.FunctionName, in.Qualifier, in.AuthType
	}), s.createURL)
	awsapi.Handle(s.api, shapes.UpdateFunctionUrlConfig, onURL("UpdateFunctionUrlConfig", func(in *shapes.UpdateFunctionUrlConfigRequest) (_, _, _ *string) {
		return in.FunctionName, in.Qualifier, in.AuthType
	}), s.updateURL)
	awsapi.Handle(s.api, shapes.GetFunctionUrlConfig, onURL("GetFunctionUrlConfig", func(in *shapes.GetFunctionUrlConfigRequest) (_, _, _ *string) {
		return in.FunctionName, in.Qualifier, nil
	}), s.getURL)
	awsapi.Handle(s.api, shapes.DeleteFunctionUrlConfig, onURL("DeleteFunctionUrlConfig", func(in *shapes.DeleteFunctionUrlConfigRequest) (_, _, _ *string) {
		return in.FunctionName, in.Qualifier, nil
	}), s.deleteURL)
	awsapi.Handle(s.api, shapes.ListFunctionUrlConfigs, on("ListFunctionUrlConfigs", func(in *shapes.ListFunctionUrlConfigsRequest) *string { return in.FunctionName }), s.listURLs)
}

// onURL is the access function of operations on the URL of a function, whose
// permission may depend on its type of authorization. The URL belongs to the
// function, whichever alias it leads to.
//
//go:noinline
func onURL[I any](action string, name func(I) (name, qualifier, auth *string)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		n, _, auth := name(in)
		r, err := parseRef(ctx, n, nil)
		if err != nil {
			return nil, err
		}
		need := awsapi.Access{Action: "lambda:" + action, Resource: r.unqualified().arn(awsapi.From(ctx).Scope)}
		if auth != nil {
			need.Keys = policy.KeyMap{"lambda:functionurlauthtype": policy.One(*auth)}
		}
		return []awsapi.Access{need}, nil
	}
}

// urlRef reads whose URL a request is about.
func urlRef(ctx context.Context, name, qualifier *string) (ref, error) {
	if value(qualifier) == latest {
		qualifier = nil
	}
	r, err := parseRef(ctx, name, qualifier)
	if err == nil && isVersion(r.qualifier) {
		err = fault.Validation("1 validation error detected: Value '%s' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: "+
			`(^\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))`, r.qualifier)
	}
	return r, err
}

// newURLID returns the id of a URL: 32 lower case letters and digits.
func newURLID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var b [32]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b[:])
}

// urlTime is the form of a URL's times.
const urlTime = "2006-01-02T15:04:05.000000Z"

// address is the URL itself, as Lambda gives it. Here it is found by its host
// name, or by its id below /_aws/lambda-url/ of the AWS endpoint.
func (u *functionURL) address(s arn.Scope) string {
	return "https://" + u.ID + ".lambda-url." + s.Region + ".on.aws/"
}

func (u *functionURL) shape(s arn.Scope, r ref) shapes.FunctionUrlConfig {
	created, modified := u.Created.Time().Format(urlTime), u.Modified.Time().Format(urlTime)
	return shapes.FunctionUrlConfig{
		FunctionUrl: ptr(u.address(s)), FunctionArn: ptr(string(r.arn(s))), AuthType: &u.Auth, Cors: u.CORS, CreationTime: &created, LastModifiedTime: &modified,
		InvokeMode: ptr("BUFFERED"),
	}
}

// soundURL refuses what a URL cannot be.
func soundURL(mode *string, c *shapes.Cors) error {
	if value(mode) == "RESPONSE_STREAM" {
		return refused("responses as a stream: InvokeMode RESPONSE_STREAM. BUFFERED answers when the function is done.")
	}
	if c != nil && value(c.AllowCredentials) && slices.Contains(c.AllowOrigins, "*") {
		return invalid("AllowCredentials cannot be true when AllowOrigins has *: browsers do not send credentials to any origin.")
	}
	return nil
}

func (s *Service) createURL(ctx context.Context, in *shapes.CreateFunctionUrlConfigRequest) (*shapes.CreateFunctionUrlConfigResponse, error) {
	r, err := urlRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := soundURL(in.InvokeMode, in.Cors); err != nil {
		return nil, err
	}
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	u := &functionURL{ID: newURLID(), Auth: *in.AuthType, CORS: in.Cors, Created: now, Modified: now}
	_, err = s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if err := f.hasQualifier(tx, sp, r, scope); err != nil {
			return err
		}
		if f.URLs[r.qualifier] != nil {
			return conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", r.arn(scope))
		}
		if f.URLs == nil {
			f.URLs = map[string]*functionURL{}
		}
		f.URLs[r.qualifier] = u
		return put(tx, sp.url(u.ID), urlOwner{f.Name, r.qualifier})
	})
	if err != nil {
		return nil, err
	}
	c := u.shape(scope, r)
	return &shapes.CreateFunctionUrlConfigResponse{
		FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, CreationTime: c.CreationTime, InvokeMode: c.InvokeMode,
	}, nil
}

func (s *Service) updateURL(ctx context.Context, in *shapes.UpdateFunctionUrlConfigRequest) (*shapes.UpdateFunctionUrlConfigResponse, error) {
	r, err := urlRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	var out *functionURL
	_, err = s.change(ctx, in.FunctionName, func(_ *kv.Tx, _ space, f *function) error {
		u := f.URLs[r.qualifier]
		if u == nil {
			return noResource()
		}
		if in.AuthType != nil {
			u.Auth = *in.AuthType
		}
		if in.Cors != nil {
			u.CORS = in.Cors
		}
		u.Modified, out = now, u
		return soundURL(in.InvokeMode, u.CORS)
	})
	if err != nil {
		return nil, err
	}
	c := out.shape(scope, r)
	return &shapes.UpdateFunctionUrlConfigResponse{
		FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, CreationTime: c.CreationTime,
		LastModifiedTime: c.LastModifiedTime, InvokeMode: c.InvokeMode,
	}, nil
}

func (s *Service) getURL(ctx context.Context, in *shapes.GetFunctionUrlConfigRequest) (*shapes.GetFunctionUrlConfigResponse, error) {
	r, err := urlRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	u := f.URLs[r.qualifier]
	if u == nil {
		return nil, noResource()
	}
	c := u.shape(awsapi.From(ctx).Scope, r)
	return &shapes.GetFunctionUrlConfigResponse{
		FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, CreationTime: c.CreationTime,
		LastModifiedTime: c.LastModifiedTime, InvokeMode: c.InvokeMode,
	}, nil
}

func (s *Service) deleteURL(ctx context.Context, in *shapes.DeleteFunctionUrlConfigRequest) (*schema.Empty, error) {
	r, err := urlRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if f.URLs[r.qualifier] == nil {
			return noResource()
		}
		f.dropURL(tx, sp, r.qualifier)
		return nil
	})
	return &schema.Empty{}, err
}

// dropURL takes a URL away, if there is one.
func (f *function) dropURL(tx *kv.Tx, sp space, qualifier string) {
	if u := f.URLs[qualifier]; u != nil {
		tx.Delete(sp.url(u.ID))
		delete(f.URLs, qualifier)
	}
}

func (s *Service) listURLs(ctx context.Context, in *shapes.ListFunctionUrlConfigsRequest) (*shapes.ListFunctionUrlConfigsResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	out := &shapes.ListFunctionUrlConfigsResponse{FunctionUrlConfigs: []shapes.FunctionUrlConfig{}}
	for _, q := range slices.Sorted(maps.Keys(f.URLs)) {
		if in.Marker != nil && q <= *in.Marker {
			continue
		}
		if len(out.FunctionUrlConfigs) == pageSize(in.MaxItems) {
			break
		}
		out.FunctionUrlConfigs = append(out.FunctionUrlConfigs, f.URLs[q].shape(scope, ref{r.name, q}))
		out.NextMarker = ptr(q)
	}
	if len(out.FunctionUrlConfigs) < pageSize(in.MaxItems) {
		out.NextMarker = nil
	}
	return out, nil
}

// urlOwner finds whose a URL is; nil without error when there is none.
func (s *Service) urlOwner(ctx context.Context, id string) (f *function, r ref, u *functionURL, err error) {
	sp := spaceOf(cell(ctx))
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		o, err := get[urlOwner](sn, sp.url(id))
		if err != nil || o == nil {
			return err
		}
		r = ref{o.Name, o.Qualifier}
		if f, err = s.read(sn, sp, o.Name); err != nil || f == nil {
			return err
		}
		u = f.URLs[o.Qualifier]
		return nil
	})
	if err != nil {
		return nil, r, nil, fmt.Errorf("function URL %s: %w", id, err)
	}
	return f, r, u, nil
}
