package inject

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// Gateway returns a handler that disturbs an application's requests before next
// has them. A request that is befallen begins its trace here, with a span that
// says by what.
func (s *Set) Gateway(next http.Handler, rec *record.Recorder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.rules.Load() == nil {
			next.ServeHTTP(w, r)
			return
		}
		s.gateway(w, r, next, rec)
	})
}

func (s *Set) gateway(w http.ResponseWriter, r *http.Request, next http.Handler, rec *record.Recorder) {
	operation := r.Method + " " + r.URL.Path
	befalls := func(rule *Rule) bool {
		switch rule.Kind {
		case Latency, Error, Throttle, Lost:
			return rule.Function == "" && rule.Service != "" && matches(rule.Service, Gateway) && matches(rule.Operation, operation)
		}
		return false
	}
	ctx, hop := rec.Begin(record.With(r.Context(), record.FromHeaders(r.Header, "")), record.Span{Kind: record.Server, Service: Gateway, Name: operation})
	var wait time.Duration
	var answer *fault.Error
	var hit, lost, after bool
	s.struck(ctx, befalls, func(b blow) {
		hit = true
		wait += b.wait
		if answer != nil || lost {
			return
		}
		switch b.Kind {
		case Error:
			answer, after = fault.New(b.Code, "%s", b.Message).With(b.Status), b.After
		case Throttle:
			answer = throttled(Gateway)
		case Lost:
			lost, after = true, b.After
		}
	})
	if !hit {
		next.ServeHTTP(w, r) // the hop is not ended, and so it was none
		return
	}
	var err error
	defer func() { hop.End(err) }()
	if wait > 0 && s.machine.Wait(ctx, wait) != nil {
		err = ctx.Err()
		return
	}
	r.Header.Set(record.XRayHeader, record.From(ctx).XRay())
	switch {
	case answer == nil && !lost:
		next.ServeHTTP(w, r.WithContext(ctx))
		return
	case after:
		next.ServeHTTP(nowhere{http.Header{}}, r.WithContext(ctx))
	}
	if lost {
		err = errLost
		panic(http.ErrAbortHandler)
	}
	err = answer
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Status)
	json.NewEncoder(w).Encode(struct {
		Message string `json:"message"`
	}{answer.Message})
}

var errLost = errors.New("the connection was lost")

// nowhere is where an answer goes that nobody is given.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
