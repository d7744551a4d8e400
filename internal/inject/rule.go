package inject

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults.
const (
	Latency   Kind = "latency"   // a call or an invocation waits before it is served
	Error     Kind = "error"     // it is answered with an error
	Throttle  Kind = "throttle"  // it is answered as if too many came
	Lost      Kind = "lost"      // the connection of a call breaks
	Kill      Kind = "kill"      // the process of an invocation is killed
	Duplicate Kind = "duplicate" // an effect or a batch is handed over twice
	Reorder   Kind = "reorder"   // an effect is overtaken by others
	DiskFull  Kind = "disk-full" // nothing can be written to the disk any more
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Latency, Error, Throttle, Lost, Kill, Duplicate, Reorder, DiskFull}
}

// Gateway is the name of an application's own HTTP requests where services are
// named; the operation is such as "POST /users".
const Gateway = "execute-api"

// Rule is a fault and what it befalls.
type Rule struct {
	ID   string `json:"id"` // given by Add
	Kind Kind   `json:"kind"`

	// What is befallen; "*" in them stands for any text, and an empty one for
	// everything.
	//
	// With Service: calls of that service, by anybody or by Function. Without:
	// invocations of Function. A function is named as in the manifest or in full.
	Service   string `json:"service,omitempty"`   // such as dynamodb, or Gateway; of duplicate and reorder the target's, such as lambda
	Operation string `json:"operation,omitempty"` // such as PutItem, or "POST /users"
	Function  string `json:"function,omitempty"`

	Probability float64 `json:"probability"`     // 0 means 1
	Count       int     `json:"count,omitempty"` // how often at most; 0 has no limit
	Seed        uint64  `json:"seed"`            // of Probability and Jitter; 0 means 1

	Wait    time.Duration `json:"wait,omitempty"`    // nanoseconds: of latency; of kill, how long at it; of reorder, how long at most
	Jitter  time.Duration `json:"jitter,omitempty"`  // of latency: up to so much more
	Code    string        `json:"code,omitempty"`    // of error: AWS's, or the function's error type
	Status  int           `json:"status,omitempty"`  // of error: 0 means 500
	Message string        `json:"message,omitempty"` // of error
	After   bool          `json:"after,omitempty"`   // of error, lost: the call is served, and only its answer is not given

	Hits int `json:"hits"` // how often it has struck
}

// defaultReorder is how long an effect is held back at most.
const defaultReorder = 10 * time.Second

// Check says what is wrong with a rule.
func (r Rule) Check() error { return r.complete() }

// complete checks a rule and fills in what it leaves open.
func (r *Rule) complete() error {
	if !slices.Contains(Kinds(), r.Kind) {
		return fmt.Errorf("%q is not a kind of fault; they are %v", r.Kind, Kinds())
	}
	if r.Probability == 0 {
		r.Probability = 1
	}
	if r.Seed == 0 {
		r.Seed = 1
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", r.Kind, fmt.Sprintf(format, args...))
	}
	switch {
	case !(r.Probability > 0 && r.Probability <= 1):
		return bad("a probability is between 0 and 1, not %v", r.Probability)
	case r.Count < 0 || r.Wait < 0 || r.Jitter < 0:
		return bad("count, wait and jitter are not negative")
	case r.Operation != "" && r.Service == "":
		return bad("operation %s: of which service?", r.Operation)
	case r.After && r.Kind != Error && r.Kind != Lost:
		return bad("after belongs to error and lost")
	case r.Status != 0 && (r.Kind != Error || r.Status < 400 || r.Status > 599):
		return bad("a status belongs to error, and is between 400 and 599")
	}
	switch r.Kind {
	case Latency:
		if r.Wait+r.Jitter == 0 {
			return bad("how long?")
		}
	case Error:
		if r.Code == "" || strings.ContainsAny(r.Code, " \r\n\"<>&") {
			return bad("%q is not an error code such as InternalServerError", r.Code)
		}
		if r.Status == 0 {
			r.Status = 500
		}
		if r.Message == "" {
			r.Message = "This error was asked for (nube fault " + r.ID + ")."
		}
		if r.Service == "" && r.After {
			return bad("after belongs to calls: of which service?")
		}
	case Lost:
		if r.Service == "" {
			return bad("connections to which service? * is all of them")
		}
	case Kill:
		if r.Service != "" {
			return bad("functions are killed, not services")
		}
	case Reorder:
		if r.Wait == 0 {
			r.Wait = defaultReorder
		}
	case DiskFull:
		if r.Service+r.Function != "" {
			return bad("there is one disk for all")
		}
	}
	if (r.Kind == Latency || r.Kind == Error || r.Kind == Throttle) && r.Service == "" && r.Function == "" {
		return bad("of which service or function? * is all of them")
	}
	return nil
}

// String is what spans and people are told of the rule.
func (r *Rule) String() string {
	words := []string{string(r.Kind)}
	if r.Kind == Error {
		words = append(words, r.Code)
	}
	if r.After {
		words = append(words, "after it was served")
	}
	return strings.Join(append(words, "("+r.ID+")"), " ")
}

// matches reports whether a name is what a pattern means: "*" in it stands for
// any text, an empty one for everything.
func matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	head, rest, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	for name = name[len(head):]; ; name = name[1:] {
		if matchesRest(rest, name) {
			return true
		}
		if name == "" {
			return false
		}
	}
}

// matchesRest is matches for what follows a star: an empty pattern means the end.
func matchesRest(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	return matches(pattern, name)
}

// isFunction reports whether a function is what a pattern means: its full name,
// or the part of it that is its name in the manifest.
func isFunction(pattern, name string) bool {
	return matches(pattern, name) || !strings.Contains(pattern, "*") && strings.HasSuffix(name, "-"+pattern)
}
