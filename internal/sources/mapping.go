package sources

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

// Mapping is an event source mapping: which function reads what, and how. A
// mapping that was read must not be changed; [Engine.Put] takes another one.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
type Mapping struct {
	Cell     keyspace.Cell `json:"-"` // in which it is kept
	ID       string        // a UUID
	Source   arn.ARN
	Function arn.ARN // with its qualifier, if it has one
	Start    Position
	Enabled  bool

	BatchSize int           // records of one call, at most
	Window    time.Duration `json:",omitempty"` // how long a batch gathers; 0: while the call before it is under way
	// Tumbling is how long the windows are over which the function keeps a state
	// (tumbling.go); 0: there are none. There is one lane then.
	Tumbling time.Duration `json:",omitempty"`
	Factor   int           `json:",omitempty"` // batches of a shard at the same time; 0: one
	// Concurrency is how many batches of a queue are under way at the same time at
	// most; 0: as many as AWS allows.
	Concurrency int `json:",omitempty"`
	// Filters are patterns; a record that none of them matches is passed over.
	// Without any all are taken.
	Filters []string `json:",omitempty"`

	// Partial says that the function reports which records failed.
	Partial bool `json:",omitempty"`
	// Bisect has a batch that failed tried again in halves.
	Bisect bool `json:",omitempty"`
	// MaxRetries is how often a batch is tried again; below zero: until its
	// records are gone.
	MaxRetries int
	MaxAge     time.Duration `json:",omitempty"` // of a record; older ones are given up; 0: no limit
	// OnFailure is the target of the records of batches that were given up.
	OnFailure string `json:",omitempty"`

	Modified clock.Instant
	Tags     map[string]string `json:",omitempty"`
}

// factor is how many lanes a shard has.
func (m *Mapping) factor() int { return max(1, m.Factor) }

func (m *Mapping) encode() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("sources: mapping %s: %w", m.ID, err)
	}
	return b, nil
}

func decodeMapping(c keyspace.Cell, b []byte) (*Mapping, error) {
	m := &Mapping{Cell: c}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("sources: a mapping's row: %w", err)
	}
	return m, nil
}
