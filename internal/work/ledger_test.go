package work

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestShardFillsItsCacheLines(t *testing.T) {
	if size := unsafe.Sizeof(shard{}); size%128 != 0 {
		t.Errorf("a shard has %d bytes, want a multiple of 128", size)
	}
}

func TestTokenStates(t *testing.T) {
	steps := map[string]func(Token){
		"park": func(t Token) { t.Park("queue is empty") }, "unpark": Token.Unpark, "end": Token.End,
	}
	for _, test := range []struct {
		name  string
		steps []string
		calm  bool
		begun uint64
		list  []Entry
	}{
		{"begun", nil, false, 1, []Entry{{Request, "GetItem", ""}}},
		{"ended", []string{"end"}, true, 1, nil},
		{"ended twice", []string{"end", "end"}, true, 1, nil},
		{"parked", []string{"park"}, true, 1, []Entry{{Request, "GetItem", "queue is empty"}}},
		{"parked twice", []string{"park", "park"}, true, 1, []Entry{{Request, "GetItem", "queue is empty"}}},
		{"unparked", []string{"park", "unpark"}, false, 2, []Entry{{Request, "GetItem", ""}}},
		{"unparked by waker and waiter", []string{"park", "unpark", "unpark"}, false, 2, []Entry{{Request, "GetItem", ""}}},
		{"unparked while active", []string{"unpark"}, false, 1, []Entry{{Request, "GetItem", ""}}},
		{"ended while parked", []string{"park", "end"}, true, 1, nil},
		{"woken after the end", []string{"park", "end", "unpark"}, true, 1, nil},
		{"parked after the end", []string{"end", "park"}, true, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := NewLedger()
			tok := l.Begin(Request, "GetItem")
			for _, s := range test.steps {
				steps[s](tok)
			}
			begun, calm := l.epoch()
			if begun != test.begun || calm != test.calm {
				t.Errorf("epoch = %d, calm %v, want %d, %v", begun, calm, test.begun, test.calm)
			}
			if diff := cmp.Diff(test.list, l.Entries()); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenOfAnEarlierTurnDoesNothing(t *testing.T) {
	l := NewLedger()
	var old []Token
	for range 200 { // enough for slots of every shard to be used again
		tok := l.Begin(Request, "old")
		tok.End()
		old = append(old, tok)
	}
	for range 200 {
		l.Begin(Request, "new")
	}
	for _, tok := range old {
		tok.Park("stale")
		tok.Unpark()
		tok.End()
	}
	if n := len(l.Entries()); n != 200 {
		t.Errorf("%d tokens left, want 200", n)
	}
	if begun, calm := l.epoch(); begun != 400 || calm {
		t.Errorf("epoch = %d, calm %v, want 400, false", begun, calm)
	}
	var zero Token
	zero.Park("nothing")
	zero.Unpark()
	zero.End()
}

func TestEntriesShowActiveFirst(t *testing.T) {
	l := NewLedger()
	l.Begin(Delivery, "to b").Park("breaker is open")
	l.Begin(Delivery, "to a")
	l.Begin(Request, "PutItem")
	want := []Entry{{Request, "PutItem", ""}, {Delivery, "to a", ""}, {Delivery, "to b", "breaker is open"}}
	if diff := cmp.Diff(want, l.Entries()); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// A token is handed from goroutine to goroutine: each begins the next before
// it ends its own, so that there is always one active. No reader may ever find
// a calm moment, however the passes over the shards fall.
//
// Mutations that make this test fail (tried by hand, each alone):
//   - epoch reads begun before ended;
//   - Begin does not count begun (one increment removed);
//   - the relay ends its token before it begins the next.
func TestNeverCalmWhileTheBatonMoves(t *testing.T) {
	const relays, hops = 4, 20_000
	l := NewLedger()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range relays {
		baton := make(chan Token, 1)
		baton <- l.Begin(Delivery, "baton")
		for range 2 {
			wg.Go(func() {
				for range hops {
					mine := <-baton
					baton <- l.Begin(Delivery, "baton")
					mine.End()
				}
			})
		}
	}
	go func() { wg.Wait(); close(done) }()
	looks := 0
	for running := true; running; looks++ {
		select {
		case <-done:
			running = false
		default:
		}
		if begun, calm := l.epoch(); calm {
			t.Fatalf("look %d found calm at epoch %d while batons moved", looks, begun)
		}
	}
	if begun, _ := l.epoch(); begun != relays+relays*2*hops {
		t.Errorf("epoch = %d, want %d", begun, relays+relays*2*hops)
	}
}

func BenchmarkBeginEnd(b *testing.B) {
	l := NewLedger()
	b.ReportAllocs()
	for b.Loop() {
		l.Begin(Request, "GetItem").End()
	}
}

func BenchmarkBeginEndParallel(b *testing.B) {
	l := NewLedger()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Begin(Request, "GetItem").End()
		}
	})
}
