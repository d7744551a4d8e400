package control

import (
	"time"

	"github.com/nube-run/nube/internal/work"
)

// Prefix is where the API stands on the AWS endpoint.
const Prefix = "/_nube/api/"

// Service is the name in the scope of the API's signatures.
const Service = "nube"

// Status says what runs and where.
type Status struct {
	Version   string     `json:"version"`
	Account   string     `json:"account"`
	Region    string     `json:"region"`   // of the application
	Endpoint  string     `json:"endpoint"` // of the AWS APIs
	Gateway   string     `json:"gateway"`  // of the application
	Data      string     `json:"data"`     // directory, or "memory"
	IAM       string     `json:"iam"`      // enforce, warn or off
	Isolation []string   `json:"isolation"`
	Stacks    []Stack    `json:"stacks"`
	Functions []Function `json:"functions"`
	Beside    []Resource `json:"beside"` // queues, topics, buses and tables
}

// Stack is one stack of the account.
type Stack struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Function is one function as tables show it.
type Function struct {
	Name    string     `json:"name"`
	Runtime string     `json:"runtime"`
	Routes  []string   `json:"routes,omitempty"`  // of APIs, and its own URL
	Callers []Resource `json:"callers,omitempty"` // what else calls it
}

// Resource is something of an application as tables show it.
type Resource struct {
	Kind   string `json:"kind"` // queue, stream, topic, bus, rule, schedule, table, log group, alarm, secret, authorizer, function
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"` // mostly its ARN
	Detail string `json:"detail,omitempty"`
}

// SettleRequest asks to wait until the cloud has settled.
type SettleRequest struct {
	Horizon time.Duration `json:"horizon"` // one-shots due so far from now count too, nanoseconds
	Strict  bool          `json:"strict"`  // what waits for the world outside counts too
	Timeout time.Duration `json:"timeout"` // nanoseconds; 0 waits as long as it takes
}

// SettleReport is the look that found the cloud settled, or the last one.
type SettleReport struct {
	Settled   bool         `json:"settled"`
	At        time.Time    `json:"at"` // model time
	UnderWay  []Entry      `json:"underWay"`
	Ready     int          `json:"ready"`
	Next      *time.Time   `json:"next,omitempty"`      // the earliest one-shot in the future
	Recurring *time.Time   `json:"recurring,omitempty"` // the earliest of what recurs
	External  int          `json:"external"`
	Stuck     []StuckEntry `json:"stuck"`
	Waits     []Wait       `json:"waits"` // what next, recurring and external speak of
}

// Wait is something that happens later, or that only the world outside can move.
type Wait struct {
	What     string     `json:"what"`
	Count    int        `json:"count,omitempty"`
	At       *time.Time `json:"at,omitempty"`
	Recurs   bool       `json:"recurs,omitempty"`
	External bool       `json:"external,omitempty"`
	Why      string     `json:"why,omitempty"` // what went wrong the last time
}

// Entry is one piece of work that is under way.
type Entry struct {
	Class  string `json:"class"`
	What   string `json:"what"`
	Parked string `json:"parked,omitempty"`
}

// StuckEntry is work that goes round without end.
type StuckEntry struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

func reportOf(r work.Report) SettleReport {
	out := SettleReport{Settled: r.Settled, At: r.At.Time(), UnderWay: []Entry{}, Ready: r.Ready, External: r.External, Stuck: []StuckEntry{}, Waits: []Wait{}}
	for _, e := range r.UnderWay {
		out.UnderWay = append(out.UnderWay, Entry{Class: e.Class.String(), What: e.What, Parked: e.Parked})
	}
	for _, i := range r.Stuck {
		out.Stuck = append(out.Stuck, StuckEntry{ID: i.ID, Why: i.Why})
	}
	for _, w := range r.Waits {
		one := Wait{What: w.What, Count: w.Count, Recurs: w.Recurs, External: w.External, Why: w.Why}
		if !w.At.IsZero() {
			t := w.At.Time()
			one.At = &t
		}
		out.Waits = append(out.Waits, one)
	}
	if !r.Next.IsZero() {
		t := r.Next.Time()
		out.Next = &t
	}
	if !r.Recurring.IsZero() {
		t := r.Recurring.Time()
		out.Recurring = &t
	}
	return out
}

// DeployRequest says what to deploy.
type DeployRequest struct {
	Dir    string            `json:"dir"` // on the cloud's machine
	Stage  string            `json:"stage,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Env    map[string]string `json:"env,omitempty"` // of whoever deploys, for ${env:}
}

// DeployEvent is one line of a deployment's stream. The last has Done set.
type DeployEvent struct {
	Phase    string      `json:"phase,omitempty"`    // compile, build, apply
	Subject  string      `json:"subject,omitempty"`  // a function or a resource
	Status   string      `json:"status,omitempty"`   // such as CREATE_COMPLETE
	Reason   string      `json:"reason,omitempty"`   // of a failure
	Done     bool        `json:"done,omitempty"`     // nothing follows
	Error    string      `json:"error,omitempty"`    // why it failed
	Problems []string    `json:"problems,omitempty"` // complaints about the manifest, with line and caret
	Result   *Deployment `json:"result,omitempty"`   // what stands now
}

// Deployment is what a deployment made.
type Deployment struct {
	Stack     string            `json:"stack"`
	Stage     string            `json:"stage"`
	Region    string            `json:"region"`
	Changed   bool              `json:"changed"`
	Functions []Function        `json:"functions"`
	Beside    []Resource        `json:"beside,omitempty"` // queues, topics, buses and tables
	Outputs   map[string]string `json:"outputs,omitempty"`
	Resources int               `json:"resources"`
}

// LogLine is one event of a log.
type LogLine struct {
	Group   string    `json:"group"`
	Stream  string    `json:"stream"`
	Time    time.Time `json:"time"`
	Message string    `json:"message"`
}

// MissingReport is the answer to which permissions were missing.
type MissingReport struct {
	Missing []Missing  `json:"missing"`
	Denied  []Explicit `json:"denied"` // by a statement: no further one can allow them
}

// Problem is the body of an answer that is an error.
type Problem struct {
	Message string `json:"message"`
}
