package nubetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listener is a server that remembers what functions tell it.
type listener struct {
	*httptest.Server
	mu   sync.Mutex
	said []string
}

func listen(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.said = append(l.said, strings.TrimPrefix(r.URL.Path, "/")+" "+string(body))
	}))
	t.Cleanup(l.Close)
	return l
}

// take returns what was said since, in order.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.said
	l.said = nil
	slices.Sort(out)
	return out
}

// TestRules deploys what serverless.yml makes of schedules, of both kinds, and of
// events of a bus: the clock is the test's.
func TestRules(t *testing.T) {
	t.Parallel()
	tell := listen(t)
	c := Start(t, Dir("testdata/rules"), Isolation("off"), Param("tell", tell.URL), At(time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)))
	check := func(what string, want ...string) {
		t.Helper()
		c.Settle(t)
		if diff := cmp.Diff(want, tell.take()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	until := func(at time.Time) { t.Helper(); c.Clock().Advance(t, at.Sub(c.Clock().Now())) }
	c.Clock().Advance(t, 3*time.Hour+time.Minute)
	check("three hours and half past two", `hourly {"job":"etl"}`, `hourly {"job":"etl"}`, `hourly {"job":"etl"}`, `hourly {"job":"etl"}`)
	until(time.Date(2026, 3, 28, 8, 30, 0, 0, time.UTC))
	if got := tell.take(); !slices.Contains(got, `berlin {"job":"morning"}`) {
		t.Errorf("nine o'clock in winter: %q", got)
	}
	// The night after, the clocks are put forward.
	until(time.Date(2026, 3, 29, 6, 59, 0, 0, time.UTC))
	if got := tell.take(); slices.Contains(got, `berlin {"job":"morning"}`) {
		t.Errorf("before nine in summer: %q", got)
	}
	c.Clock().Advance(t, 2*time.Minute)
	if got := tell.take(); !slices.Contains(got, `berlin {"job":"morning"}`) {
		t.Errorf("nine o'clock in summer: %q", got)
	}
}
