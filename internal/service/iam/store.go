package iam

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The layout, below the account's cell without a region, since IAM is global:
//
//	"entity" kind name  → entity   names are compared without regard to case
//	"policy" path/name  → managed  customer managed policies
//	"key" id            → accessKey
//	"master"            → 32 random bytes that seal session tokens
//
// Values are JSON: what changes rarely and is read by people may be slow.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.

// kind is what an entity is.
type kind string

const (
	user  kind = "user"
	group kind = "group"
	role  kind = "role"
)

// title is the kind at the start of AWS's sentences.
func (k kind) title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// entity is a user, a group or a role.
type entity struct {
	Kind     kind
	Name     string
	Path     string
	ID       string
	Created  clock.Instant
	Inline   map[string]string `json:",omitempty"` // policy name → document
	Attached []arn.ARN         `json:",omitempty"` // managed policies
	Boundary arn.ARN           `json:",omitempty"`
	Tags     map[string]string `json:",omitempty"`

	Groups []string `json:",omitempty"` // of a user

	Trust       string `json:",omitempty"` // of a role
	Description string `json:",omitempty"`
	MaxSession  int32  `json:",omitempty"` // seconds
}

// managed is a customer managed policy.
type managed struct {
	ARN         arn.ARN
	Name        string
	Path        string
	ID          string
	Description string `json:",omitempty"`
	Created     clock.Instant
	Updated     clock.Instant
	Default     string // version id
	Next        int    // number of the next version
	Versions    []version
	Tags        map[string]string `json:",omitempty"`
}

type version struct {
	ID       string
	Document string
	Created  clock.Instant
}

// document is the text of the default version.
func (m *managed) document() string {
	for _, v := range m.Versions {
		if v.ID == m.Default {
			return v.Document
		}
	}
	return ""
}

// accessKey is a user's long-term key.
type accessKey struct {
	ID      string
	Secret  string
	User    string
	Active  bool
	Created clock.Instant
}

type space struct{ keyspace.Subspace }

func spaceOf(account string) space {
	return space{keyspace.Service(keyspace.Cell{Account: account}, "iam", 0)}
}

func (s space) entity(k kind, name string) kv.Key {
	return s.Key().Str("entity").Str(string(k)).Str(strings.ToLower(name)).Done()
}

func (s space) entities(k kind) kv.Range {
	return kv.Range(s.Key().Str("entity").Str(string(k)).Range())
}

func (s space) policy(a arn.ARN) kv.Key {
	return s.Key().Str("policy").Str(strings.TrimPrefix(a.Resource(), "policy")).Done()
}

func (s space) policies() kv.Range {
	return kv.Range(s.Key().Str("policy").Range())
}

func (s space) key(id string) kv.Key { return s.Key().Str("key").Str(id).Done() }

func (s space) keys() kv.Range {
	return kv.Range(s.Key().Str("key").Range())
}

func (s space) master() kv.Key { return s.Key().Str("master").Done() }

func (s space) changed() kv.Key { return s.Key().Str("changed").Done() }

// all reads the JSON values of a range.
func all[T any](s *kv.Snap, r kv.Range) ([]*T, error) {
	var out []*T
	for p, err := range s.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		v := new(T)
		if err := json.Unmarshal(p.Value, v); err != nil {
			return nil, fmt.Errorf("iam: reading %s: %w", p.Key, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// change runs fn on an entity and stores what it made of it.
func (s *Service) change(ctx context.Context, k kind, name *string, fn func(tx *kv.Tx, e *entity) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		e, err := jsonrow.Load[entity](tx, sp.entity(k, *name))
		if err != nil {
			return err
		}
		if e == nil {
			return noSuch(k, *name)
		}
		if err := fn(tx, e); err != nil {
			return err
		}
		tx.Signal(sp.changed())
		return jsonrow.Set(tx, sp.entity(k, *name), e)
	})
	return err
}

// read returns an entity.
func (s *Service) read(ctx context.Context, k kind, name string) (*entity, error) {
	var e *entity
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		e, err = jsonrow.Load[entity](sn, sp.entity(k, name))
		return err
	})
	if err == nil && e == nil {
		err = noSuch(k, name)
	}
	return e, err
}

// list returns all entities of a kind whose path begins with prefix.
func (s *Service) list(ctx context.Context, k kind, prefix *string) ([]*entity, error) {
	var out []*entity
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		out, err = all[entity](sn, sp.entities(k))
		return err
	})
	if err != nil || prefix == nil {
		return out, err
	}
	kept := out[:0]
	for _, e := range out {
		if strings.HasPrefix(e.Path, *prefix) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

func (e *entity) arn(s arn.Scope) arn.ARN {
	switch e.Kind {
	case user:
		return s.User(e.Path, e.Name)
	case group:
		return s.Group(e.Path, e.Name)
	}
	return s.Role(e.Path, e.Name)
}
