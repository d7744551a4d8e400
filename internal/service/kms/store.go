package kms

import (
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "kms", 0)} }

func (s space) key(id string) kv.Key { return s.Key().Str("key").Str(id).Done() }
func (s space) keys() kv.Range       { return s.Key().Str("key").Range() }
func (s space) material(id string, n uint32) kv.Key {
	return s.Key().Str("material").Str(id).Uint(uint64(n)).Done()
}
func (s space) materialsOf(id string) kv.Range { return s.Key().Str("material").Str(id).Range() }
func (s space) alias(name string) kv.Key       { return s.Key().Str("alias").Str(name).Done() }
func (s space) aliases() kv.Range              { return s.Key().Str("alias").Range() }
func (s space) named(id, name string) kv.Key   { return s.Key().Str("named").Str(id).Str(name).Done() }
func (s space) namesOf(id string) kv.Range     { return s.Key().Str("named").Str(id).Range() }
func (s space) grant(id, grant string) kv.Key  { return s.Key().Str("grant").Str(id).Str(grant).Done() }
func (s space) grantsOf(id string) kv.Range    { return s.Key().Str("grant").Str(id).Range() }
func (s space) grants() kv.Range               { return s.Key().Str("grant").Range() }

// keyRow is the row of a key.
type keyRow struct {
	Spec, Usage, Origin string
	State               string
	Created             clock.Instant
	Description         string            `json:",omitempty"`
	Policy              string            `json:",omitempty"` // empty is the default one
	Tags                map[string]string `json:",omitempty"`
	Service             string            `json:",omitempty"` // for which AWS manages it
	Deletion            clock.Instant     `json:",omitempty"` // when it will be deleted
	Material            uint32            `json:",omitempty"` // the current one; 0 is none
	Digest              []byte            `json:",omitempty"` // of imported material: SHA-256 with the key's id
	ValidTo             clock.Instant     `json:",omitempty"` // of imported material
	Every               int               `json:",omitempty"` // days between rotations; 0 is never
	Next                clock.Instant     `json:",omitempty"` // rotation
	Rotations           []rotation        `json:",omitempty"`
}

// rotation is one that was done.
type rotation struct {
	At       clock.Instant
	OnDemand bool `json:",omitempty"`
}

// aliasRow is the row of an alias.
type aliasRow struct {
	Key              string
	Created, Updated clock.Instant
}

// grantRow is the row of a grant.
type grantRow struct {
	Created    clock.Instant
	Name       string `json:",omitempty"`
	Grantee    string
	Retiring   string `json:",omitempty"`
	Issuer     string // account
	Operations []string
	Subset     map[string]string `json:",omitempty"`
	Equals     map[string]string `json:",omitempty"`
}
