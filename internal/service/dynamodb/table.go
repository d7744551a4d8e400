package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// table describes one table. It is read in every transaction, decoded once per revision and never changed: a change is a
// copy with the next revision.
type table struct {
	Name     string
	ID       uint64 // the generation of its keys
	Revision uint64
	UUID     string // TableId
	Created  clock.Instant

	Attributes []attribute // in the order of the request
	Hash       string
	Range      string `json:",omitempty"`
	Indexes    []index
	NextIndex  uint64 // the next index's id

	Provisioned  bool       `json:",omitempty"`
	OnDemandFrom instant    `json:",omitempty"` // since when it is paid per request, when it was changed or made so
	Capacity     throughput `json:",omitzero"`
	MaxOnDemand  throughput `json:",omitzero"` // 0 for no limit

	Class     string `json:",omitempty"`
	Protected bool   `json:",omitempty"`
	SSEKey    string `json:",omitempty"` // KMS key of server-side encryption, when the request asked for it
	Stream    stream `json:",omitzero"`
	TTL       ttl    `json:",omitzero"`
	Tags      []tag  `json:",omitempty"` // by key
	Policy    string `json:",omitempty"` // resource policy

	layout layout
	keys   keySchema
	log    kv.Key                      // of the stream
	policy func() (*policy.Doc, error) // Policy, parsed when it is asked for; nil for none
}

type instant = clock.Instant

type attribute struct{ Name, Type string }

type tag struct{ Key, Value string }

type throughput struct{ Read, Write int64 }

// stream is the table's stream: the present one, or the last one when it is not enabled.
type stream struct {
	Enabled bool   `json:",omitempty"`
	View    string `json:",omitempty"`
	Label   string `json:",omitempty"`
	ID      uint64 `json:",omitempty"` // the generation of its keys
}

// ttl says which attribute of an item is the time at which it expires.
type ttl struct {
	Enabled   bool    `json:",omitempty"`
	Filling   bool    `json:",omitempty"` // the items that were there before are still to be put into the order of expiry
	Attribute string  `json:",omitempty"`
	Changed   instant `json:",omitempty"` // zero when it never was
}

// index describes a secondary index.
type index struct {
	Name        string
	ID          uint64 // within the table, never used again
	Global      bool   `json:",omitempty"`
	Hash        string
	Range       string     `json:",omitempty"`
	Projection  string     // ALL, KEYS_ONLY or INCLUDE
	Include     []string   `json:",omitempty"`
	Backfilling bool       `json:",omitempty"` // new: written to, and not yet read from
	Capacity    throughput `json:",omitzero"`
	MaxOnDemand throughput `json:",omitzero"`

	keys   keySchema
	picked []string // names of the attributes that an entry has; nil for all
}

// keySchema is the key attributes of a table or an index with their types.
type keySchema struct {
	hash, sort         string // sort is "" when there is none
	hashKind, sortKind attr.Kind
}

// attributes yields the key's attributes.
func (k *keySchema) attributes(yield func(name string, kind attr.Kind) bool) {
	if yield(k.hash, k.hashKind) && k.sort != "" {
		yield(k.sort, k.sortKind)
	}
}

func (k *keySchema) has(name string) bool { return name == k.hash || k.sort != "" && name == k.sort }

// names are the attributes of the key.
func (k *keySchema) names() []string {
	if k.sort == "" {
		return []string{k.hash}
	}
	return []string{k.hash, k.sort}
}

func (t *table) kindOf(name string) attr.Kind {
	for _, a := range t.Attributes {
		if a.Name == name {
			k, _ := attr.ParseKind(a.Type)
			return k
		}
	}
	return attr.Absent
}

func (t *table) schemaOf(hash, sort string) keySchema {
	k := keySchema{hash: hash, sort: sort, hashKind: t.kindOf(hash)}
	if sort != "" {
		k.sortKind = t.kindOf(sort)
	}
	return k
}

// compile fills in what is derived from the description.
func (t *table) compile(cell keyspace.Cell) {
	t.layout = layoutOf(cell, t.ID)
	t.keys = t.schemaOf(t.Hash, t.Range)
	if t.Stream.ID == 0 {
		t.Stream = stream{} // there was none, or it was of version 1
	}
	if t.TTL.Changed.IsZero() {
		t.TTL = ttl{} // likewise
	}
	t.log = layoutOf(cell, t.Stream.ID).log()
	t.policy = sync.OnceValues(t.parsePolicy)
	for i := range t.Indexes {
		x := &t.Indexes[i]
		x.keys = t.schemaOf(x.Hash, x.Range)
		x.picked = nil
		if x.Projection != "ALL" {
			x.picked = append(append(t.keys.names(), x.keys.names()...), x.Include...)
		}
	}
}

func (t *table) parsePolicy() (*policy.Doc, error) {
	if t.Policy == "" {
		return nil, nil
	}
	return policy.Parse(policy.Resource, t.Policy)
}

// index finds an index by name, nil when there is none.
func (t *table) index(name string) *index {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

func (x *index) projectsAll() bool { return x.picked == nil }

func (t *table) arn(scope arn.Scope) arn.ARN { return scope.Table(t.Name) }

func (t *table) streamARN(scope arn.Scope) arn.ARN { return scope.TableStream(t.Name, t.Stream.Label) }

// The row of a table begins with its id and revision, which name its content: a description in memory is current when
// these sixteen bytes are equal.
const rowHeader = 16

func (t *table) encode() ([]byte, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("dynamodb: encode table %s: %w", t.Name, err)
	}
	row := make([]byte, rowHeader, rowHeader+len(body))
	binary.BigEndian.PutUint64(row, t.ID)
	binary.BigEndian.PutUint64(row[8:], t.Revision)
	return append(row, body...), nil
}

func decodeTable(cell keyspace.Cell, row []byte) (*table, error) {
	t := new(table)
	if len(row) < rowHeader {
		return nil, fmt.Errorf("dynamodb: row of a table of %d bytes", len(row))
	}
	if err := json.Unmarshal(row[rowHeader:], t); err != nil {
		return nil, fmt.Errorf("dynamodb: row of a table: %w", err)
	}
	t.compile(cell)
	return t, nil
}

// next is a copy of the description to be changed and stored.
func (t *table) next() *table {
	n := *t
	n.Revision++
	n.Indexes = append([]index(nil), t.Indexes...)
	n.Tags = append([]tag(nil), t.Tags...)
	n.Attributes = append([]attribute(nil), t.Attributes...)
	return &n
}
