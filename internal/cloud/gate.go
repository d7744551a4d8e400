package cloud

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/control"
)

// turns lets one at a time do something.
type turns chan struct{}

// take waits for a turn, or until ctx ends.
func (t turns) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lock implements [sync.Locker].
func (t turns) Lock() { t <- struct{}{} }

// Unlock implements [sync.Locker].
func (t turns) Unlock() { <-t }

// gate stands between the listeners and what answers. While the cloud's state is
// exchanged it holds requests, which neither fail nor see half of it.
type gate struct {
	house   atomic.Pointer[house] // nil while requests are held
	mu      sync.Mutex
	changed chan struct{} // closed when there is a house again
	machine clock.Machine
}

// house is what answers until the state is exchanged, and the requests in it.
type house struct {
	aws, gateway, otlp http.Handler
	under              atomic.Int64 // requests, and leaving
	empty              chan struct{}
	ctx                context.Context // of streams, which would not end by themselves
	leave              context.CancelFunc
}

// leaving is set in house.under when nobody is let in any more.
const leaving = 1 << 40

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// open lets requests to handlers.
func (g *gate) open(aws, gateway, otlp http.Handler) {
	h := &house{aws: aws, gateway: gateway, otlp: otlp, empty: make(chan struct{}, 1)}
	h.ctx, h.leave = context.WithCancel(context.Background())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.house.Store(h)
	close(g.changed)
}

// hold keeps requests from now on outside, and tells streams to end. It returns
// a function that waits until nobody is inside.
func (g *gate) hold() (empty func() error) {
	g.mu.Lock()
	h := g.house.Swap(nil)
	g.changed = make(chan struct{})
	g.mu.Unlock()
	inside := h.under.Add(leaving) - leaving
	h.leave()
	return func() error {
		if inside == 0 {
			return nil
		}
		t := g.machine.NewTimer(emptyWithin)
		defer t.Stop()
		select {
		case <-h.empty:
			return nil
		case <-t.C:
			return errors.New("requests under way did not end")
		}
	}
}

// emptyWithin is how long requests are given to end when what they ask is gone.
// The longest long poll takes 20 seconds.
const emptyWithin = 30 * time.Second

// enter waits until requests are let in.
func (g *gate) enter(ctx context.Context) (*house, error) {
	for {
		if h := g.house.Load(); h != nil {
			if h.under.Add(1) < leaving {
				return h, nil
			}
			h.exit()
		}
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// exit says that a request is over.
func (h *house) exit() {
	if h.under.Add(-1) == leaving {
		select {
		case h.empty <- struct{}{}:
		default:
		}
	}
}

// handler is one of the handlers behind the gate.
func (g *gate) handler(of func(*house) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := g.enter(r.Context())
		if err != nil {
			return // the client is gone
		}
		defer h.exit()
		if strings.HasPrefix(r.URL.Path, control.Prefix) {
			if strings.TrimPrefix(r.URL.Path, control.Prefix) == control.LoadPath {
				h.exit() // who has the state exchanged cannot be waited for
				defer h.under.Add(1)
				of(h).ServeHTTP(w, r)
				return
			}
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(h.ctx, cancel)()
			r = r.WithContext(ctx)
		}
		of(h).ServeHTTP(w, r)
	})
}

// handlers are the gate's sides.
func (g *gate) handlers() (aws, gateway, otlp http.Handler) {
	return g.handler(func(h *house) http.Handler { return h.aws }),
		g.handler(func(h *house) http.Handler { return h.gateway }),
		g.handler(func(h *house) http.Handler { return h.otlp })
}
