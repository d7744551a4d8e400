package sources

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// Functions calls the functions of mappings. Service lambda implements it.
type Functions interface {
	// Reader says who reads for a function, the session of its role, if that may
	// do what reading needs. An error in AWS's terms says why not.
	Reader(ctx context.Context, m *Mapping, needs []awsapi.Access) (delivery.ActorRef, error)
	// Invoke calls the function of a mapping and waits for its answer. An error
	// says that the function was not called, or could not answer for itself: it
	// is called again with the same records.
	Invoke(ctx context.Context, c Call) (Answer, error)
}

// Call is a batch for a function.
type Call struct {
	Mapping *Mapping
	Payload []byte
	Records int
	Attempt int            // how often it is tried, this time included; throttled ones do not count
	Causes  []record.Cause // of the records, where they are known
}

// Answer is what a function has answered.
type Answer struct {
	Request string // id of the invocation
	Version string // that was executed
	Payload []byte
	Failed  bool // Payload is an error
}

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
}

// Meter is told how old what functions are given is. It must not block.
type Meter interface {
	// Read says that a batch of a stream is about to be handed to a mapping's
	// function, and how old the last of its records is.
	Read(m *Mapping, age time.Duration)
}

// Options say what an engine is made of. Meter, Log and Shards may be zero.
type Options struct {
	DB        *kv.DB
	Owner     *timer.Owner
	Timers    *timer.Timers
	Model     *clock.Model
	Ledger    *work.Ledger
	Emit      Emitter
	Functions Functions
	Meter     Meter
	Log       *slog.Logger
	Shards    int // over how many shards mappings are spread; 1

	Machine clock.Machine
}

// Engine runs mappings. Register all sources, then Run.
type Engine struct {
	o       Options
	sources map[string]Source // by service: streams and queues
	wakeDue func(kv.Stamp)

	mu  sync.Mutex
	due dueHeap
}

// New returns an engine without sources.
func New(o Options) *Engine {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Shards == 0 {
		o.Shards = 1
	}
	e := &Engine{o: o, sources: make(map[string]Source)}
	e.wakeDue = o.Timers.RegisterLocal("event source mappings", dueLanes{e})
	return e
}

// Read registers a source, a [Stream] or a [Queue].
func (e *Engine) Read(s Source) {
	switch s.(type) {
	case Stream, Queue:
	default:
		panic(fmt.Sprintf("sources: %q is neither a stream nor a queue", s.Service()))
	}
	if e.sources[s.Service()] != nil {
		panic(fmt.Sprintf("sources: two sources of %q", s.Service()))
	}
	e.sources[s.Service()] = s
}

// Source returns the source of an ARN; false if nothing reads it.
func (e *Engine) Source(a arn.ARN) (Source, bool) {
	s, ok := e.sources[a.Service()]
	return s, ok
}

// Run runs the mappings that this node owns until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for s := range e.o.Owner.Own(ctx, service, e.o.Shards) {
		wg.Go(func() { e.newKeeper(s).run() })
	}
	wg.Wait()
}

// shardOf returns the shard of a mapping.
func (e *Engine) shardOf(m *Mapping) int {
	h := fnv.New32a()
	h.Write([]byte(m.Cell.Account + "\x00" + m.Cell.Region + "\x00" + m.ID))
	return int(h.Sum32() % uint32(e.o.Shards))
}
