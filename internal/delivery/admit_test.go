package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/delivery"
)

// gate is a receiver in the store that is asked first.
type gate struct {
	inside
	admit func(e *delivery.Effect) delivery.Outcome
}

func (g gate) Admit(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = g.admit(&es[i])
	}
	return out
}

// What is not admitted is given up or tried again, as the receiver says, and others
// go on; what is behind it in its order waits for it.
//
// Mutations: refused effects that are handed over; an order that does not wait.
func TestAdmit(t *testing.T) {
	closed := true
	g := gate{admit: func(e *delivery.Effect) delivery.Outcome {
		switch p := string(e.Payload); {
		case strings.HasPrefix(p, "never"):
			return delivery.Outcome{Err: errors.New("not this one"), Permanent: true}
		case p == "a1" && closed:
			return delivery.Outcome{Err: errors.New("not yet"), After: time.Minute}
		}
		return delivery.Outcome{}
	}}
	b := newBed(t, openMem(t), stopped(start), delivery.Options{}, &outside{}, g).start()
	for _, x := range [][2]string{{"", "free"}, {"a", "a1"}, {"a", "a2"}, {"", "never"}, {"b", "never-b1"}, {"b", "b2"}} {
		b.emit(ordered("in:x", x[0], x[1]))
	}
	b.advance(start.Add(30 * time.Second))
	if got := b.logged("in:x"); !slices.Equal(got, []string{"free", "b2"}) {
		t.Errorf("at first came %q", got)
	}
	closed = false
	b.advance(start.Add(time.Hour))
	if got := b.logged("in:x"); !slices.Equal(got, []string{"free", "b2", "a1", "a2"}) {
		t.Errorf("in the end came %q", got)
	}
}
