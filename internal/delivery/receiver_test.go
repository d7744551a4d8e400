package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
)

func TestTxReceiver(t *testing.T) {
	b := memBed(t, &outside{}, inside{})
	var want []string
	var es []delivery.Effect
	for i := range 200 {
		es = append(es, ordered("in:q", fmt.Sprint(i%3), fmt.Sprint(i)))
		want = append(want, fmt.Sprint(i))
	}
	b.emit(es...)
	b.settled()
	if diff := cmp.Diff(want, b.logged("in:q")); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

// A receiver inside the store that fails, panics or asks too much for one
// effect does so for that one alone, and order is kept.
func TestTxReceiverThatFails(t *testing.T) {
	for name, spoil := range map[string]func(tx *kv.Tx) delivery.Outcome{
		"fails":  func(*kv.Tx) delivery.Outcome { return delivery.Outcome{Err: errDown, After: time.Minute} },
		"panics": func(*kv.Tx) delivery.Outcome { panic("oh no") },
		"is too large": func(tx *kv.Tx) delivery.Outcome {
			tx.Set(kv.Key("large"), make([]byte, kv.MaxValue+1))
			return delivery.Outcome{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bad := true
			b := memBed(t, &outside{}, inside{do: func(tx *kv.Tx, e delivery.Effect) delivery.Outcome {
				if bad && string(e.Payload) == "a1" {
					return spoil(tx)
				}
				return delivery.Outcome{}
			}})
			b.emit(ordered("in:q", "b", "b1"), ordered("in:q", "a", "a1"), ordered("in:q", "a", "a2"), ordered("in:q", "b", "b2"), effect("in:q", "c"))
			b.settled()
			if got, want := strings.Join(b.logged("in:q"), " "), "b1 b2 c"; got != want {
				t.Errorf("logged %q, want %q", got, want)
			}
			b.stop()
			bad = false
			b.start()
			b.emit(ordered("in:q", "a", "a3"))
			b.advance(start.Add(time.Hour))
			if got, want := strings.Join(b.logged("in:q"), " "), "b1 b2 c a1 a2 a3"; got != want {
				t.Errorf("logged %q, want %q", got, want)
			}
		})
	}
}

func TestReceiverThatPanics(t *testing.T) {
	calls := 0
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if calls++; calls == 1 {
			panic("oh no")
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	b.emit(effect("out:a", "x"))
	b.advance(start.Add(time.Hour))
	if got, want := out.took(), "x#1 x#2"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
}

func TestTwoReceiversOfASchemeArePanic(t *testing.T) {
	b := memBed(t, &outside{}, inside{})
	defer func() {
		if recover() == nil {
			t.Error("a second receiver of the scheme was taken")
		}
	}()
	b.delivery.Receive(&outside{})
}
