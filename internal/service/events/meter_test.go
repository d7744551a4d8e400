package events_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
)

// matched notes what a meter is told: the rules of an event, a line each.
type matched struct {
	mu    sync.Mutex
	lines []string
}

func (m *matched) Matched(rules []arn.ARN) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, r := range rules {
		names = append(names, strings.TrimPrefix(r.Resource(), "rule/"))
	}
	m.lines = append(m.lines, strings.Join(names, " "))
}

func (m *matched) take() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.lines)
	s := strings.Join(m.lines, ", ")
	m.lines = nil
	return s
}

// Rules are told of that an event matches: of an event that
// was put, comes from another bus, or is that of a schedule.
func TestMatchesAreMeasured(t *testing.T) {
	b := newBed(t)
	m := &matched{}
	b.s.Meter = m
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("other")})
	b.rule("", "a", orders, to("q", queueARN+"q"))
	b.rule("", "b", orders, to("q", queueARN+"q"), to("r", queueARN+"r"))
	b.rule("", "relay", `{"source":["far"]}`, to("bus", "arn:aws:events:us-east-1:123456789012:event-bus/other"))
	b.rule("other", "c", `{"source":["far"]}`, to("q", queueARN+"q"))
	b.rule("", "hourly", "rate(1 hour)", to("q", queueARN+"q"))
	for _, test := range []struct{ source, want string }{{"shop", "a b"}, {"none", ""}, {"far", "other/c, relay"}} {
		b.put("", test.source, "order", `{}`)
		b.settle()
		if got := m.take(); got != test.want {
			t.Errorf("%s: %q, want %q", test.source, got, test.want)
		}
	}
	b.advance(2 * time.Hour)
	if got := m.take(); got != "hourly, hourly" {
		t.Errorf("after two hours: %q", got)
	}
}
