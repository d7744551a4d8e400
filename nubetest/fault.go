package nubetest

import (
	"testing"
	"time"

	"github.com/nube-run/nube/internal/inject"
)

// Kind is what goes wrong.
type Kind = inject.Kind

// The kinds of faults.
const (
	Latency   = inject.Latency   // a call or an invocation waits for Wait, and up to Jitter more
	Error     = inject.Error     // it is answered with the error Code
	Throttle  = inject.Throttle  // it is answered as if too many came
	Lost      = inject.Lost      // the connection of a call breaks
	Kill      = inject.Kill      // the process of a function is killed, Wait after it got an event; 0: before it sees it
	Duplicate = inject.Duplicate // an effect or a batch is handed over twice
	Reorder   = inject.Reorder   // an effect is held back, for up to Wait, and overtaken
)

// Gateway is the Service of an application's own HTTP requests, whose operations
// are such as "POST /users".
const Gateway = inject.Gateway

// Fault is something that goes wrong on purpose. With Service it befalls calls of
// that service, by anybody or by Function; without, the invocations of Function.
// Of Duplicate and Reorder both are of the target. "*" stands for any text.
type Fault struct {
	Kind      Kind
	Service   string
	Operation string
	Function  string // as in the manifest or in full

	Probability float64 // 0 means 1
	Count       int     // how often at most; 0 has no limit
	Seed        uint64  // of Probability and Jitter; 0 means 1

	Wait    time.Duration
	Jitter  time.Duration
	Code    string // of Error: AWS's code, or a function's error type
	Status  int    // of Error: 0 means 500
	Message string
	After   bool // of Error, Lost: the call is served, and only its answer is another
}

// Active is a fault in force.
type Active struct {
	c  *Cloud
	id string
}

// Fault makes something go wrong from now on. What happens is real, and is in the
// trace of what it befalls.
func (c *Cloud) Fault(t testing.TB, f Fault) *Active {
	t.Helper()
	r, err := c.api().Faults.Add(inject.Rule{
		Kind: f.Kind, Service: f.Service, Operation: f.Operation, Function: f.Function, Probability: f.Probability, Count: f.Count, Seed: f.Seed,
		Wait: f.Wait, Jitter: f.Jitter, Code: f.Code, Status: f.Status, Message: f.Message, After: f.After,
	})
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	return &Active{c, r.ID}
}

// Hits is how often the fault has struck; it is 0 once it was removed.
func (a *Active) Hits() int {
	for _, r := range a.c.api().Faults.Rules() {
		if r.ID == a.id {
			return r.Hits
		}
	}
	return 0
}

// Remove lets it go well again. A fault that was removed may be removed again.
func (a *Active) Remove() {
	_ = a.c.api().Faults.Remove(a.id) // the one error says that it was
}
