package lambda

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// The layout, below account and region:
//
//	"fn" name              → function
//	"version" id number    → config: a published version of the function with that id
//	"layer" name           → counter: the last version number given out
//	"layer" name number    → layer
//	"next"                 → counter: the last function id given out
//	"reserved"             → counter: the reserved concurrency of all functions together
//	"url" id               → urlOwner: whose function URL it is
//
// Values are JSON, counters of package kv.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "lambda", 0)} }

func (s space) function(name string) kv.Key { return s.Key().Str("fn").Str(name).Done() }
func (s space) functions() kv.Range         { return s.Key().Str("fn").Range() }
func (s space) version(id, n uint64) kv.Key { return s.Key().Str("version").Uint(id).Uint(n).Done() }
func (s space) versions(id uint64) kv.Range { return s.Key().Str("version").Uint(id).Range() }
func (s space) lastLayer(name string) kv.Key {
	return s.Key().Str("layer").Str(name).Done()
}
func (s space) layer(name string, n uint64) kv.Key {
	return s.Key().Str("layer").Str(name).Uint(n).Done()
}
func (s space) layersOf(name string) kv.Range { return s.Key().Str("layer").Str(name).Range() }
func (s space) layers() kv.Range              { return s.Key().Str("layer").Range() }
func (s space) next() kv.Key                  { return s.Key().Str("next").Done() }
func (s space) reserved() kv.Key              { return s.Key().Str("reserved").Done() }
func (s space) url(id string) kv.Key          { return s.Key().Str("url").Str(id).Done() }

// function is the row of a function.
type function struct {
	ID          uint64
	Name        string
	Latest      config
	LastVersion uint64                   `json:",omitempty"`
	Reserved    *int32                   `json:",omitempty"`
	Tags        map[string]string        `json:",omitempty"`
	Aliases     map[string]*alias        `json:",omitempty"`
	Policies    map[string]*permissions  `json:",omitempty"` // by qualifier; "" for the function itself
	Async       map[string]*async        `json:",omitempty"` // by qualifier, "$LATEST" for the function itself
	URLs        map[string]*functionURL  `json:",omitempty"` // by qualifier; "" for the function itself
	Provisioned map[string]*provisioning `json:",omitempty"` // by qualifier
}

// config is the configuration and code of $LATEST or of a version.
type config struct {
	Version     string
	Description string `json:",omitempty"`
	Runtime     string `json:",omitempty"`
	Handler     string `json:",omitempty"`
	Role        string
	Timeout     int32
	Memory      int32
	Tmp         int32             // MB
	Env         map[string]string `json:",omitempty"`
	HasEnv      bool              `json:",omitempty"` // an empty environment is shown when it was given
	Layers      []layerRef        `json:",omitempty"`
	Code        code
	Arch        string
	Tracing     string
	DeadLetter  string   `json:",omitempty"`
	KMSKey      string   `json:",omitempty"`
	Lock        []byte   `json:",omitempty"` // opens for who may decrypt with KMSKey, and see the variables
	Subnets     []string `json:",omitempty"`
	Groups      []string `json:",omitempty"` // security groups
	LogGroup    string   `json:",omitempty"` // empty: the default
	Modified    clock.Instant
	Revision    string
	Failed      string `json:",omitempty"` // why the last update failed
	FailedCode  string `json:",omitempty"`
}

// code is an artifact, and what Lambda says of it.
type code struct {
	Digest string
	SHA256 string
	Size   int64
}

// layerRef is a layer version that a function uses.
type layerRef struct {
	ARN    string
	Digest string
	Size   int64
}

// alias is a name for a version.
type alias struct {
	Version     string
	Description string             `json:",omitempty"`
	Weights     map[string]float64 `json:",omitempty"`
	Revision    string
}

// permissions is a resource policy.
type permissions struct {
	Revision   string
	Statements []json.RawMessage

	read atomic.Pointer[policy.Doc] // of Statements, once it was asked for; rows that are read are never changed
}

// async is an EventInvokeConfig.
type async struct {
	Attempts  *int32 `json:",omitempty"` // retries
	Age       *int32 `json:",omitempty"` // seconds
	OnSuccess string `json:",omitempty"`
	OnFailure string `json:",omitempty"`
	Modified  clock.Instant
}

// layer is a version of a layer.
type layer struct {
	Version     uint64
	Description string   `json:",omitempty"`
	License     string   `json:",omitempty"`
	Runtimes    []string `json:",omitempty"`
	Archs       []string `json:",omitempty"`
	Code        code
	Created     clock.Instant
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w", err)
	}
	return b, nil
}

func decode[T any](b []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("decode row: %w", err)
	}
	return v, nil
}

// getter is a transaction or a snapshot.
type getter interface {
	Get(k kv.Key) ([]byte, error)
}

// get reads a row; nil without error when there is none.
func get[T any](g getter, k kv.Key) (*T, error) {
	b, err := g.Get(k)
	if b == nil || err != nil {
		return nil, err
	}
	return decode[T](b)
}

func put(tx *kv.Tx, k kv.Key, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	tx.Set(k, b)
	return nil
}

// counter reads a counter.
func counter(g getter, k kv.Key) (int64, error) {
	b, err := g.Get(k)
	if b == nil || err != nil {
		return 0, err
	}
	return kv.Int64(b)
}

// config returns the configuration of a version of f: nil without error when
// there is none.
func (f *function) config(g getter, s space, version string) (*config, error) {
	if version == "" || version == latest {
		return &f.Latest, nil
	}
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return nil, nil
	}
	return get[config](g, s.version(f.ID, n))
}

const latest = "$LATEST"
