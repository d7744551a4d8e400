package otlp

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// maxBody bounds a request where nothing else is said. The OpenTelemetry
// Collector has the same limit.
const maxBody = 20 << 20

// Content types of OTLP over HTTP.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// Codes of google.rpc.Status, which answers that are errors have.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
const (
	invalidArgument   = 3
	notFound          = 5
	resourceExhausted = 8
	unimplemented     = 12
	unavailable       = 14
)

// LogSink takes log records: it makes a stream exist that is written to.
type LogSink interface {
	Write(s record.Stream, at clock.Instant, text []byte) error
}

// Receiver answers requests of OTLP over HTTP: POST /v1/traces, /v1/metrics and
// /v1/logs. Machine, MaxBody and Forward may be zero.
type Receiver struct {
	Recorder *record.Recorder
	Logs     LogSink
	Model    *clock.Model
	Machine  clock.Machine
	Ledger   *work.Ledger
	Began    time.Time // what applications counted before is not counted again
	Account  string    // to which metrics and logs belong
	Region   string

	// MaxBody bounds a request in bytes, compressed or not; 0 means 20 MiB.
	MaxBody int64
	// Forward is given each request that was accepted; it must not block or
	// change it. nil: nothing is passed on.
	Forward func(t message.Type, request []byte)

	unzip  sync.Pool // of *gzip.Reader
	deltas deltas
}

// ServeHTTP implements [http.Handler].
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a := answer{w: w}
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	a.json = kind == jsonType
	typ, ok := requestOf(req.URL.Path)
	switch {
	case !ok:
		a.refuse(http.StatusNotFound, notFound, req.URL.Path+" is none of /v1/traces, /v1/metrics and /v1/logs")
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		a.refuse(http.StatusMethodNotAllowed, unimplemented, "telemetry is sent with POST, not "+req.Method)
		return
	case err != nil || !a.json && kind != protobufType:
		a.refuse(http.StatusUnsupportedMediaType, invalidArgument, fmt.Sprintf("the content type is %s or %s, not %q", protobufType, jsonType, req.Header.Get("Content-Type")))
		return
	}
	body, err := r.read(w, req)
	// What has not come yet is not under way: a function is frozen when it has
	// answered, in the middle of what it sends if need be, and nobody may wait
	// for it then.
	token := r.Ledger.Begin(work.Request, "OTLP "+req.URL.Path)
	defer token.End()
	if err == nil && a.json {
		body, err = message.FromJSON(typ, body)
	} else if err == nil {
		err = message.Check(typ, body)
	}
	if err != nil {
		a.fail(err)
		return
	}
	rejected, why := r.take(typ, body)
	if rejected > 0 && why == "" {
		a.refuse(http.StatusServiceUnavailable, unavailable, "the records cannot be written")
		return
	}
	if r.Forward != nil {
		r.Forward(typ, body)
	}
	a.write(http.StatusOK, message.AppendResponse(nil, typ, a.json, rejected, why))
}

// requestOf returns which request a path is for.
func requestOf(path string) (message.Type, bool) {
	switch path {
	case "/v1/traces":
		return message.TracesRequest, true
	case "/v1/metrics":
		return message.MetricsRequest, true
	case "/v1/logs":
		return message.LogsRequest, true
	}
	return 0, false
}

var (
	errEncoding = errors.New("the content encoding is gzip or none")
	errTooLarge = errors.New("the request is too large")
)

// read reads a request's body and decompresses it.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limit := r.MaxBody
	if limit == 0 {
		limit = maxBody
	}
	var in io.Reader = http.MaxBytesReader(w, req.Body, limit)
	switch req.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, _ := r.unzip.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		defer r.unzip.Put(z)
		if err := z.Reset(in); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		in = z
	default:
		return nil, errEncoding
	}
	body, err := io.ReadAll(io.LimitReader(in, limit+1))
	var over *http.MaxBytesError
	if errors.As(err, &over) || err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: it has %d bytes at most, uncompressed", errTooLarge, limit)
	}
	return body, err
}

// take records a request. It returns how many of its spans, points or records
// it does not take, and why, if they are the reason; "" if the disk is.
func (r *Receiver) take(t message.Type, body []byte) (rejected int, why string) {
	now := present{r.Model.Now(), r.Machine.Now()}
	for p := range message.Parts(body) {
		from := sourceOf(p.Resource)
		from.now = now
		for _, item := range p.Items {
			var n int
			var err error
			switch t {
			case message.TracesRequest:
				n, err = 1, r.span(from, item)
			case message.MetricsRequest:
				n, err = r.metric(from, item)
			default:
				n, err = 1, r.log(from, item)
			}
			if err == nil {
				continue
			}
			rejected += n
			var u *unfit
			if errors.As(err, &u) && why == "" {
				why = u.why
			}
		}
	}
	return rejected, why
}

// unfit is the error of what can never be taken.
type unfit struct{ why string }

func (u *unfit) Error() string { return u.why }

// source is who reports.
type source struct {
	service   string // service.name
	namespace string // service.namespace
	instance  string // of a function
	id        string // of the process
	now       present
}

// present is one moment on both clocks. Applications tell the machine's time,
// and what is shown is the model's.
type present struct {
	model   clock.Instant
	machine time.Time
}

// of is a Unix time of the machine on the model's clock; now if there is none.
func (p present) of(nanos uint64) clock.Instant {
	if nanos == 0 || nanos > math.MaxInt64 {
		return p.model
	}
	return p.model.Add(time.Unix(0, int64(nanos)).Sub(p.machine))
}

func sourceOf(resource []byte) source {
	s := source{service: "unknown_service"}
	for a := range message.ResourceAttrs(resource) {
		switch a.Key {
		case "service.name":
			s.service = or(clean(a.String()), s.service)
		case "service.namespace":
			s.namespace = clean(a.String())
		case "service.instance.id":
			s.id = clean(a.String())
		case "faas.instance":
			s.instance = clean(a.String())
		}
	}
	return s
}

// clean takes what separates the parts of keys out of a name, and shortens it.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), 255)], "")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// answer writes answers in the form of the request.
type answer struct {
	w    http.ResponseWriter
	json bool
}

func (a answer) write(status int, body []byte) {
	kind := protobufType
	if a.json {
		kind = jsonType
	}
	a.w.Header().Set("Content-Type", kind)
	a.w.WriteHeader(status)
	a.w.Write(body)
}

func (a answer) refuse(status, code int, why string) {
	a.write(status, message.AppendStatus(nil, a.json, code, why))
}

// fail refuses a request that could not be read.
func (a answer) fail(err error) {
	switch {
	case errors.Is(err, errEncoding):
		a.refuse(http.StatusUnsupportedMediaType, invalidArgument, err.Error())
	case errors.Is(err, errTooLarge):
		a.refuse(http.StatusRequestEntityTooLarge, resourceExhausted, err.Error())
	default:
		a.refuse(http.StatusBadRequest, invalidArgument, err.Error())
	}
}
