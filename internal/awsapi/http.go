package awsapi

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// maxBody bounds a request that is held in memory. The largest that an API
// allows is Lambda's 50 MB of zipped code in Base64.
const maxBody = 72 << 20

// ServeHTTP answers one request of the AWS endpoint.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := &Call{ID: NewID(), Host: r.Host, UserAgent: r.UserAgent(), TLS: r.TLS != nil}
	call.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	cred := credentialScope(r)
	call.Scope = arn.In(or(cred.region, f.region), f.account)

	t, ok := f.find(r, cred.service)
	if !ok {
		f.unknownRequest(w, r, call, cred)
		return
	}
	ctx := record.With(With(r.Context(), call), f.cause(r, call, cred.key))
	name := t.name
	if t.op != nil {
		name = t.op.Name
	}
	token := f.ledger.Begin(work.Request, name)
	defer token.End()
	call.Work = token
	ctx, done := f.observe(ctx, t.service.Model.ID, name)
	if again := attempt(r); again != "" {
		record.Note(ctx, record.Attempt, again)
	}
	in, out, err := f.serve(ctx, w, r, call, &t)
	done(err, in, out)
	if errors.Is(err, ErrLost) {
		panic(http.ErrAbortHandler)
	}
}

// serve reads, judges, runs and answers one request. It returns the sizes of
// the bodies and the error that the caller was given.
func (f *Front) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, call *Call, t *target) (in, out int, err error) {
	fail := func(err error) (int, int, error) {
		if errors.Is(err, ErrLost) {
			return in, 0, err
		}
		n := f.writeError(ctx, w, t, f.coded(ctx, t.service, opOrUnknown(t), err))
		return in, n, err
	}
	body, err := f.readBody(r, t)
	if err != nil {
		return fail(err)
	}
	in = len(body)
	sent := body // which is what a signature is of
	if body, err = inflate(r, t, body); err != nil {
		return fail(err)
	}
	if t.protocol == schema.QueryXML {
		if err := findQuery(r, t, body); err != nil {
			return fail(err)
		}
		if t.op != nil {
			record.Named(ctx, t.op.Name) // its span has begun
		}
	}
	if err := f.authenticate(ctx, r, call, t, sent); err != nil {
		return fail(err)
	}
	ctx = record.Acting(ctx, or(string(call.Actor.Principal.ARN), call.Actor.Principal.Service))
	if t.op == nil {
		return fail(unknownOperation(t))
	}
	h := t.service.handler(t.op)
	if h == nil {
		return fail(f.missing(t.service, t.op))
	}
	input := t.op.NewInput()
	if err := decode(r, t, h, body, input); err != nil {
		return fail(serialization(t, err))
	}
	output, err := f.run(ctx, t.service, t.op, h, input)
	if err != nil {
		return fail(err)
	}
	return in, f.writeOutput(w, call, t, h, output), nil
}

func opOrUnknown(t *target) *schema.Op {
	if t.op != nil {
		return t.op
	}
	return &schema.Op{Name: t.name, Input: schema.None, Output: schema.None}
}

// readBody reads the whole body, but for operations that stream theirs.
func (f *Front) readBody(r *http.Request, t *target) ([]byte, error) {
	if t.op != nil && streams(t) || r.Body == nil {
		return nil, nil
	}
	limited := http.MaxBytesReader(nil, r.Body, maxBody)
	var body []byte
	var err error
	if n := r.ContentLength; n >= 0 && n <= maxBody {
		body = make([]byte, n)
		_, err = io.ReadFull(limited, body)
	} else {
		body, err = io.ReadAll(limited)
	}
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fault.New("RequestEntityTooLargeException", "Request must be smaller than %d bytes", maxBody).With(http.StatusRequestEntityTooLarge)
	}
	return nil, fault.New("IncompleteBody", "The request ended before its body did.").Because(err)
}

func streams(t *target) bool {
	if t.op.Input == schema.None {
		return false
	}
	s := t.service.Model.Shape(t.op.Input)
	return s.Payload > 0 && t.service.Model.Shape(s.Members[s.Payload-1].Shape).Kind == schema.Stream
}

// findQuery reads the form and finds the operation that Action names.
func findQuery(r *http.Request, t *target, body []byte) error {
	form := r.URL.Query()
	if r.Method == http.MethodPost {
		posted, err := url.ParseQuery(string(body))
		if err != nil {
			return fault.New("MalformedQueryString", "The query string contains a syntax error.")
		}
		for k, vs := range posted {
			form[k] = append(form[k], vs...)
		}
	}
	if t.service.Form != nil {
		t.service.Form(r, form)
	}
	t.form, t.name = form, form.Get("Action")
	t.op = t.service.Model.Op(t.name)
	return nil
}

func unknownOperation(t *target) *fault.Error {
	switch t.protocol {
	case schema.QueryXML:
		if t.name == "" {
			return fault.New("MissingAction", "The request must contain the parameter Action.").With(http.StatusBadRequest)
		}
		return fault.New("InvalidAction", "Could not find operation %s for version %s", t.name, t.service.Model.Version).With(http.StatusBadRequest)
	case schema.JSON10, schema.JSON11, schema.RPCv2CBOR:
		return fault.New("UnknownOperationException", "%s is not an operation of %s", t.name, t.service.Model.FullName)
	}
	return fault.New("UnknownOperationException", "%s is not an operation of %s", t.name, t.service.Model.FullName).With(http.StatusNotFound)
}

func decode(r *http.Request, t *target, h *handler, body []byte, in any) error {
	m := t.service.Model
	switch t.protocol {
	case schema.JSON10, schema.JSON11:
		if h.fast != nil {
			return h.fast.Decode(body, in)
		}
		return wire.DecodeJSON(m, t.op.Input, body, in)
	case schema.QueryXML:
		return wire.DecodeQuery(m, t.op.Input, t.form, in)
	case schema.RPCv2CBOR:
		return wire.DecodeCBOR(m, t.op.Input, body, in)
	}
	msg := wire.Message{Labels: t.labels, Query: r.URL.Query(), Header: r.Header, Body: body}
	if streams(t) {
		msg.Stream = r.Body
	}
	return wire.DecodeREST(m, t.op, t.protocol, msg, in)
}

// serialization is the error of a body that cannot be read as the operation's
// input. An error that is already in AWS's terms stays what it is.
func serialization(t *target, err error) error {
	if _, ok := fault.As(err); ok {
		return err
	}
	switch t.protocol {
	case schema.QueryXML:
		return fault.New("MalformedInput", "%s", err).With(http.StatusBadRequest)
	case schema.RESTXML:
		return fault.New("MalformedXML", "%s", err).With(http.StatusBadRequest)
	}
	return fault.New("SerializationException", "%s", err)
}

func (f *Front) writeOutput(w http.ResponseWriter, call *Call, t *target, h *handler, out any) int {
	m := t.service.Model
	head := w.Header()
	switch t.protocol {
	case schema.JSON10, schema.JSON11:
		var body []byte
		if h.fast != nil {
			body = h.fast.Append(make([]byte, 0, 512), out)
		} else {
			body = wire.AppendJSON(nil, m, t.op.Output, out)
		}
		return f.writeJSON(w, call, t, http.StatusOK, body)
	case schema.QueryXML:
		body := wire.AppendQueryResponse(nil, m, t.op, out, call.ID)
		return write(w, head, requestIDHeader, call.ID, "text/xml", http.StatusOK, body)
	case schema.RPCv2CBOR:
		return writeCBOR(w, call, http.StatusOK, wire.AppendCBOR(nil, m, t.op.Output, out))
	}
	resp := wire.EncodeREST(m, t.op, t.protocol, out, head)
	ct := head.Get("Content-Type")
	if ct == "" {
		ct = resp.ContentType
	}
	if resp.Stream == nil {
		return write(w, head, requestIDHeader, call.ID, ct, resp.Status, resp.Body)
	}
	defer resp.Stream.Close()
	head[requestIDHeader] = []string{call.ID}
	head["Content-Type"] = []string{ct}
	w.WriteHeader(resp.Status)
	n, _ := io.Copy(w, resp.Stream)
	return int(n)
}

const requestIDHeader = "X-Amzn-Requestid"

func (f *Front) writeJSON(w http.ResponseWriter, call *Call, t *target, status int, body []byte) int {
	head := w.Header()
	if t.service.Checksum {
		head["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
	}
	ct := "application/x-amz-json-1.0"
	if t.protocol == schema.JSON11 {
		ct = "application/x-amz-json-1.1"
	}
	return write(w, head, requestIDHeader, call.ID, ct, status, body)
}

func write(w http.ResponseWriter, head http.Header, idHeader, id, contentType string, status int, body []byte) int {
	head[idHeader] = []string{id}
	if contentType != "" && (len(body) > 0 || status != http.StatusNoContent) {
		head["Content-Type"] = []string{contentType}
	}
	if status != http.StatusNoContent {
		head["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	n, _ := w.Write(body)
	return n
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
