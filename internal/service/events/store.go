package events

import (
	"iter"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "events", 0)} }

func (s space) bus(name string) kv.Key       { return s.named("bus", name) }
func (s space) rule(bus, name string) kv.Key { return s.Key().Str("rule").Str(bus).Str(name).Done() }
func (s space) rulesOf(bus string) kv.Range  { return s.Key().Str("rule").Str(bus).Range() }
func (s space) head(bus string) kv.Key       { return s.named("rules", bus) }
func (s space) changed(bus string, n uint64) kv.Key {
	return s.Key().Str("changed").Str(bus).Uint(n).Done()
}

func (s space) changes(bus string) kv.Range { return s.Key().Str("changed").Str(bus).Range() }

// named is the row of something that has a name.
func (s space) named(what, name string) kv.Key { return s.Key().Str(what).Str(name).Done() }

// all are the rows of everything of a kind.
func (s space) all(what string) kv.Range { return s.Key().Str(what).Range() }

func (s space) archived(id string, at clock.Instant, event string) kv.Key {
	return s.Key().Str("archived").Str(id).Int(int64(at)).Str(event).Done()
}

// archivedUntil is what an archive has of events before an instant.
func (s space) archivedUntil(id string, at clock.Instant) kv.Range {
	return kv.Range{Start: s.archivedOf(id).Start, End: s.Key().Str("archived").Str(id).Int(int64(at)).Range().Start}
}
func (s space) archivedOf(id string) kv.Range { return s.Key().Str("archived").Str(id).Range() }

// busRow is the row of a bus.
type busRow struct {
	ID                string            `json:",omitempty"` // not that of one of the same name before it
	Created, Modified clock.Instant     `json:",omitempty"`
	Description       string            `json:",omitempty"`
	Policy            string            `json:",omitempty"`
	DeadLetter        string            `json:",omitempty"`
	Key               string            `json:",omitempty"` // KmsKeyIdentifier
	Tags              map[string]string `json:",omitempty"`
}

// ruleRow is the row of a rule.
type ruleRow struct {
	Pattern     string            `json:",omitempty"`
	Schedule    string            `json:",omitempty"`
	Begun       clock.Instant     `json:",omitempty"` // when the schedule was set: rates count from here
	State       string            // ENABLED, DISABLED, …
	Description string            `json:",omitempty"`
	Role        string            `json:",omitempty"`
	ManagedBy   string            `json:",omitempty"`
	CreatedBy   string            `json:",omitempty"`
	Tags        map[string]string `json:",omitempty"`
	Targets     []target          `json:",omitempty"` // in the order of their ids
}

// target is where a rule sends events.
type target struct {
	ID, ARN    string
	Role       string          `json:",omitempty"`
	Input      *string         `json:",omitempty"`
	InputPath  *string         `json:",omitempty"`
	Transform  *transformer    `json:",omitempty"`
	Group      string          `json:",omitempty"` // MessageGroupId
	HTTP       *httpParameters `json:",omitempty"`
	DeadLetter string          `json:",omitempty"`
	Retries    *int32          `json:",omitempty"`
	Age        *int32          `json:",omitempty"` // seconds
}

// transformer is an InputTransformer.
type transformer struct {
	Paths    map[string]string `json:",omitempty"`
	Template string
}

// httpParameters are what a target adds to the requests to an API destination.
type httpParameters struct {
	Path    []string          `json:",omitempty"`
	Headers map[string]string `json:",omitempty"`
	Query   map[string]string `json:",omitempty"`
}

// head counts the changes of the rules of one bus.
type head struct {
	ID    string // of the bus: another one of the same name begins anew
	Count uint64
}

// reader is a transaction or a snapshot.
type reader interface {
	Get(k kv.Key) ([]byte, error)
	Scan(r kv.Range, o kv.ScanOptions) iter.Seq2[kv.Pair, error]
}

// keptChanges is how many changes of a bus's rules are kept: an index that is
// further behind is made anew.
const keptChanges = 256

// noteRule notes, with a change of a rule, that it has changed.
func noteRule(tx *kv.Tx, r rule, busID string) error {
	sp := r.bus.space()
	var h head
	if _, err := jsonrow.Get(tx, sp.head(r.bus.name), &h); err != nil {
		return err
	}
	if h.ID != busID {
		h = head{ID: busID, Count: h.Count}
	}
	h.Count++
	tx.Set(sp.changed(r.bus.name, h.Count), []byte(r.name))
	if h.Count > keptChanges {
		tx.Delete(sp.changed(r.bus.name, h.Count-keptChanges))
	}
	return jsonrow.Set(tx, sp.head(r.bus.name), &h)
}
