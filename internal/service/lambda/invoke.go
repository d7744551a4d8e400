package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// Limits of payloads.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSync    = 6 << 20
	maxAsync   = 1 << 20
	maxOld     = 256 << 10 // of InvokeAsync
	maxContext = 3583      // bytes of the client context
)

func (s *Service) invoke(ctx context.Context, in *shapes.InvocationRequest) (*shapes.InvocationResponse, error) {
	r, err := parseRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	payload := in.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !made(ctx) && !json.Valid(payload) {
		return nil, fault.New("InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json")
	}
	switch value(in.InvocationType) {
	case "Event":
		if len(payload) > maxAsync {
			return nil, tooLarge(len(payload), "Event", maxAsync)
		}
		if err := s.enqueue(ctx, r, payload); err != nil {
			return nil, err
		}
		return &shapes.InvocationResponse{StatusCode: ptr(int32(202)), Payload: []byte{}}, nil
	case "DryRun":
		t, err := s.target(ctx, r)
		if err != nil {
			return nil, err
		}
		return &shapes.InvocationResponse{StatusCode: ptr(int32(204)), ExecutedVersion: &t.config.Version, Payload: []byte{}}, nil
	}
	if len(payload) > maxSync {
		return nil, tooLarge(len(payload), "RequestResponse", maxSync)
	}
	client, err := clientContext(in.ClientContext)
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := s.run(ctx, t, runner.Invocation{
		RequestID: requestID(ctx), ARN: r.arn(awsapi.From(ctx).Scope), Payload: payload, ClientContext: client, Tail: value(in.LogType) == "Tail",
	})
	if err != nil {
		return nil, err
	}
	out := &shapes.InvocationResponse{StatusCode: ptr(int32(200)), ExecutedVersion: &t.config.Version, Payload: res.Payload}
	if res.Fault != nil {
		out.FunctionError = ptr("Unhandled")
	}
	if res.Tail != nil {
		out.LogResult = ptr(base64.StdEncoding.EncodeToString(res.Tail))
	}
	return out, nil
}

// requestID is the id of the request, which is the function's too when it has
// the form that functions expect.
func requestID(ctx context.Context) string {
	if id := awsapi.From(ctx).ID; len(id) == 36 {
		return id
	}
	return newUUID()
}

// clientContext decodes the header, which is JSON in base64. What is not
// cannot be passed on in a header either.
func clientContext(text *string) (string, error) {
	if value(text) == "" {
		return "", nil
	}
	if len(*text) > maxContext {
		return "", invalid("Client context must be no more than %d bytes when base64-encoded.", maxContext)
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	if err != nil || !json.Valid(b) {
		return "", fault.New("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	var one bytes.Buffer
	if err := json.Compact(&one, b); err != nil {
		return "", fmt.Errorf("client context: %w", err)
	}
	return one.String(), nil
}

// target is what an invocation runs.
type target struct {
	function *function
	config   *config
	spec     *runner.Spec
	kept     *runner.Spec // of provisioned concurrency; nil: it has none
	reserved int64        // by all functions
}

// cachedRow is a function's row as it was read last.
type cachedRow struct {
	raw []byte
	f   *function
}

// read returns a function's row, decoded once for as long as it stays the
// same. It must not be changed.
func (s *Service) read(g getter, sp space, name string) (*function, error) {
	k := sp.function(name)
	raw, err := g.Get(k)
	if err != nil || raw == nil {
		return nil, err
	}
	if have, ok := s.rows.Load(string(k)); ok && bytes.Equal(have.(*cachedRow).raw, raw) {
		return have.(*cachedRow).f, nil
	}
	f, err := decode[function](raw)
	if err != nil {
		return nil, err
	}
	s.rows.Store(string(k), &cachedRow{raw, f})
	return f, nil
}

// cached reads a function of the call's account; nil when there is none.
func (s *Service) cached(ctx context.Context, name string) (f *function, err error) {
	sp := spaceOf(cell(ctx))
	err = s.DB.View(ctx, func(sn *kv.Snap) (err error) {
		f, err = s.read(sn, sp, name)
		return err
	})
	return f, err
}

// target finds the function, version or alias that an invocation names. An
// alias with weights chooses a version.
func (s *Service) target(ctx context.Context, r ref) (t target, err error) {
	scope, sp := awsapi.From(ctx).Scope, spaceOf(cell(ctx))
	chance, kept := rand.Float64(), false
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		if t.function, err = s.read(sn, sp, r.name); err != nil {
			return err
		}
		if t.function == nil {
			return notFound(string(r.arn(scope)))
		}
		version := r.qualifier
		if a := t.function.Aliases[version]; a != nil {
			version = a.choose(chance)
		}
		kept = t.function.Provisioned[r.qualifier] != nil
		if t.config, err = t.function.config(sn, sp, version); err != nil {
			return err
		}
		if t.config == nil {
			return notFound(string(r.arn(scope)))
		}
		t.reserved, err = counter(sn, sp.reserved())
		return err
	})
	if err != nil {
		return target{}, err
	}
	if kept {
		if t.kept, err = s.specKept(scope, t.function, t.config); err != nil {
			return target{}, err
		}
	}
	t.spec, err = s.spec(scope, t.function, t.config)
	return t, err
}

// choose returns a version of an alias; chance is in [0,1).
func (a *alias) choose(chance float64) string {
	for v, w := range a.Weights { // there is one at most
		if chance < w {
			return v
		}
	}
	return a.Version
}

// limit is what the concurrency of an invocation is held to.
func (s *Service) limit(t target) runner.Limit {
	if t.function.Reserved != nil {
		n := int(*t.function.Reserved)
		return runner.Limit{Reserved: &n}
	}
	return runner.Limit{Unreserved: s.Concurrency - int(t.reserved)}
}

// run invokes a function and waits for its answer.
func (s *Service) run(ctx context.Context, t target, in runner.Invocation) (runner.Result, error) {
	in.Limit, in.Provisioned = s.limit(t), t.kept
	if s.Recorder != nil {
		return s.traced(ctx, t, in)
	}
	if c := record.From(ctx); !c.IsZero() {
		in.TraceID = t.traceHeader(c)
	}
	return coded(s.Runner.Invoke(ctx, t.spec, in))
}

// coded says in Lambda's words why an invocation did not happen: there was no place,
// or no instance may start.
func coded(res runner.Result, err error) (runner.Result, error) {
	var t *runner.Throttled
	if errors.As(err, &t) {
		return res, throttled(t.Reserved)
	}
	if err == nil && res.Fault != nil {
		if refused, ok := fault.As(res.Fault.Err); ok {
			err = refused
		}
	}
	return res, err
}

// invokeAsync is the way in which events were invoked before InvocationType.
func (s *Service) invokeAsync(ctx context.Context, in *shapes.InvokeAsyncRequest) (*shapes.InvokeAsyncResponse, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	var payload []byte
	if in.InvokeArgs != nil {
		defer in.InvokeArgs.Close()
		if payload, err = io.ReadAll(io.LimitReader(in.InvokeArgs, maxOld+1)); err != nil {
			return nil, fmt.Errorf("read the event: %w", err)
		}
	}
	if len(payload) > maxOld {
		return nil, tooLarge(len(payload), "Event", maxOld)
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !json.Valid(payload) {
		return nil, fault.New("InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json")
	}
	if err := s.enqueue(ctx, r, payload); err != nil {
		return nil, err
	}
	return &shapes.InvokeAsyncResponse{Status: ptr(int32(202))}, nil
}

// Result is a function's answer for other services.
type Result struct {
	Payload []byte
	Failed  bool // the function reported an error, which Payload describes
	Version string
}

// madeKey marks the context of a call whose event another service has made, so
// that it is JSON: looking again costs as much as authorising the call.
type madeKey struct{}

func made(ctx context.Context) bool { return ctx.Value(madeKey{}) != nil }

// Invoke calls a function for another service, as the actor in ctx: the
// function's resource policy decides. The payload is JSON that the service has
// made. The function's own failure is no error.
func (s *Service) Invoke(ctx context.Context, fn arn.ARN, payload []byte) (Result, error) {
	ctx = context.WithValue(ctx, madeKey{}, true)
	out, err := awsapi.Do(ctx, s.Caller, shapes.Invoke, &shapes.InvocationRequest{FunctionName: ptr(string(fn)), Payload: payload})
	if err != nil {
		return Result{}, err
	}
	return Result{Payload: out.Payload, Failed: value(out.FunctionError) != "", Version: value(out.ExecutedVersion)}, nil
}

// Enqueue invokes a function asynchronously for another service, as [Service.Invoke]
// does. When it returns, the event is on disk.
func (s *Service) Enqueue(ctx context.Context, fn arn.ARN, payload []byte) error {
	_, err := awsapi.Do(ctx, s.Caller, shapes.Invoke, &shapes.InvocationRequest{
		FunctionName: ptr(string(fn)), InvocationType: ptr("Event"), Payload: payload,
	})
	return err
}

// functionARN reports whether a target is a function of a scope.
func functionARN(target string) (arn.Scope, bool) {
	a := arn.ARN(target)
	return a.Scope(), strings.HasPrefix(a.Resource(), "function:")
}
