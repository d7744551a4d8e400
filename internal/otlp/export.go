package otlp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// Target is where telemetry is exported to.
type Target struct {
	// URL of the receiver, such as http://localhost:4318. The paths of the three
	// kinds of requests are appended to its own.
	URL     string
	Headers map[string]string // sent with each request: credentials, say
}

const (
	batchMax   = 512              // spans, points or records of a request
	gather     = time.Second      // how long the first of a batch waits for more
	answerTime = 10 * time.Second // how long a request may take
	lastWords  = 2 * time.Second  // for what is left when the cloud stops
	queueBytes = 8 << 20          // of applications' requests that wait
)

// ExporterOptions say what is exported and where to. Log and Machine may be
// zero.
type ExporterOptions struct {
	Target   Target
	Recorder *record.Recorder
	Account  string
	Region   string
	Version  string // of nube
	Log      *slog.Logger
	Machine  clock.Machine
}

// Exporter sends telemetry to another receiver: the platform's own as it is
// recorded, and applications' as it was received.
//
// What waits is on disk, in the records, not in memory: a receiver that does not
// answer for longer than the records reach back has missed the oldest.
// Applications' requests wait in memory, and the oldest go first.
type Exporter struct {
	o       ExporterOptions
	urls    map[message.Type]string
	client  *http.Client
	foreign sync.Map // namespaces of metrics that applications report: they go as they came

	mu      sync.Mutex
	queue   []forwarded
	bytes   int
	queued  chan struct{} // holds one wake-up
	lost    int           // requests since the last that got through
	failing map[message.Type]bool
}

// forwarded is a request of an application.
type forwarded struct {
	t    message.Type
	body []byte
}

// NewExporter returns an exporter that does not run yet.
func NewExporter(o ExporterOptions) (*Exporter, error) {
	u, err := url.Parse(o.Target.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("otlp: %q is not a URL to export to, such as http://localhost:4318", o.Target.URL)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Exporter{
		o: o, urls: map[message.Type]string{}, client: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()},
		queued: make(chan struct{}, 1), failing: map[message.Type]bool{},
	}
	for t, path := range map[message.Type]string{message.TracesRequest: "/v1/traces", message.MetricsRequest: "/v1/metrics", message.LogsRequest: "/v1/logs"} {
		to := *u
		to.Path = strings.TrimSuffix(to.Path, "/") + path
		e.urls[t] = to.String()
	}
	return e, nil
}

// Forward takes a request of an application. It does not block.
func (e *Exporter) Forward(t message.Type, body []byte) {
	if t == message.MetricsRequest {
		for p := range message.Parts(body) {
			e.foreign.Store(namespaceOf(sourceOf(p.Resource)), nil)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = append(e.queue, forwarded{t, body})
	e.bytes += len(body)
	for e.bytes > queueBytes && len(e.queue) > 1 {
		e.bytes -= len(e.queue[0].body)
		e.queue[0] = forwarded{}
		e.queue = e.queue[1:]
		e.lost++
	}
	select {
	case e.queued <- struct{}{}:
	default:
	}
}

// take returns the oldest request that waits.
func (e *Exporter) take() (f forwarded, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return forwarded{}, false
	}
	f = e.queue[0]
	e.queue[0] = forwarded{}
	e.queue = e.queue[1:]
	e.bytes -= len(f.body)
	return f, true
}

// Run exports what happens until ctx ends, and then for two seconds at most
// what is left.
func (e *Exporter) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer e.client.CloseIdleConnections()
	defer context.AfterFunc(ctx, func() { e.o.Machine.AfterFunc(lastWords, stop) })()
	var wg sync.WaitGroup
	// What happens from here on is followed, not from when the goroutines run.
	spans, logs, points := e.o.Recorder.Traces.Follow(ctx), e.o.Recorder.Logs.FollowAll(ctx), e.o.Recorder.Metrics.Follow(ctx)
	wg.Go(func() {
		batched(e, sending, spans, func(s *record.Span) bool { return !s.Foreign }, func(ss []record.Span) {
			e.send(sending, message.TracesRequest, e.spans(ss))
		})
	})
	wg.Go(func() {
		batched(e, sending, logs, func(l *record.LogEvent) bool { return !strings.HasPrefix(l.Stream.Group, logGroups) }, func(ls []record.LogEvent) {
			e.send(sending, message.LogsRequest, e.logs(ls))
		})
	})
	wg.Go(func() {
		batched(e, sending, points, func(p *record.Point) bool { _, foreign := e.foreign.Load(p.Metric.Namespace); return !foreign }, func(ps []record.Point) {
			e.send(sending, message.MetricsRequest, e.points(ps))
		})
	})
	wg.Go(func() { e.forward(ctx, sending) })
	wg.Wait()
}

// forward sends what applications have sent.
func (e *Exporter) forward(ctx, sending context.Context) {
	for {
		for f, ok := e.take(); ok; f, ok = e.take() {
			e.send(sending, f.t, f.body)
		}
		select {
		case <-e.queued:
		case <-ctx.Done():
			for f, ok := e.take(); ok; f, ok = e.take() {
				e.send(sending, f.t, f.body)
			}
			return
		}
	}
}

// batched gives what a sequence yields to send, many at a time. It returns when
// the sequence has ended, or soon after ctx has.
func batched[T any](e *Exporter, ctx context.Context, seq iter.Seq2[T, error], wanted func(*T) bool, send func([]T)) {
	in := make(chan T, batchMax)
	go func() {
		defer close(in)
		for v, err := range seq {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					e.o.Log.Error("what is recorded cannot be followed to be exported", "err", err)
				}
				return
			}
			if !wanted(&v) {
				continue
			}
			select {
			case in <- v:
			case <-ctx.Done():
				return
			}
		}
	}()
	for v := range in {
		batch := append(make([]T, 0, 16), v)
		timer := e.o.Machine.NewTimer(gather)
	more:
		for len(batch) < batchMax {
			select {
			case v, ok := <-in:
				if !ok {
					break more
				}
				batch = append(batch, v)
			case <-timer.C:
				break more
			}
		}
		timer.Stop()
		send(batch)
	}
}
