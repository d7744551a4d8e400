package iam

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// cache holds what the hot path needs of every principal that was seen:
// credentials of users and compiled policies. Any change of IAM empties it.
type cache struct {
	mu       sync.RWMutex
	epoch    uint64 // counts the changes, so that a slow reader stores nothing stale
	keys     map[string]awsapi.Credential
	policies map[arn.ARN]*policy.Set
}

func newCache() *cache {
	c := new(cache)
	c.drop()
	return c
}

// drop forgets everything.
func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.keys = map[string]awsapi.Credential{}
	c.policies = map[arn.ARN]*policy.Set{}
}

func (c *cache) read() (keys map[string]awsapi.Credential, policies map[arn.ARN]*policy.Set, epoch uint64, done func()) {
	c.mu.RLock()
	return c.keys, c.policies, c.epoch, c.mu.RUnlock
}

// store runs fn unless something changed since epoch.
func (c *cache) store(epoch uint64, fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		fn()
	}
}

// Key implements [awsapi.Identities].
func (s *Service) Key(ctx context.Context, id, token string) (awsapi.Credential, bool, error) {
	if id == s.rootKey {
		return s.root, true, nil
	}
	if strings.HasPrefix(id, sessionPrefix) {
		return s.openSession(id, token)
	}
	keys, _, epoch, done := s.cache.read()
	c, ok := keys[id]
	done()
	if ok {
		return c, true, nil
	}
	sp := spaceOf(s.account)
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		k, err := load[accessKey](sn, sp.key(id))
		if err != nil || k == nil || !k.Active {
			return err
		}
		u, err := load[entity](sn, sp.entity(user, k.User))
		if err != nil || u == nil {
			return err
		}
		ok = true
		c = awsapi.Credential{Secret: k.Secret, Actor: awsapi.Actor{
			Account: s.account, UserID: u.ID, KeyID: id, Principal: policy.Principal{ARN: u.arn(arn.Scope{Account: s.account})},
		}}
		return nil
	})
	if err != nil {
		return c, false, fmt.Errorf("iam: key %s: %w", id, err)
	}
	if ok {
		s.cache.store(epoch, func() { s.cache.keys[id] = c })
	}
	return c, ok, nil
}

// Policies implements [awsapi.Identities].
func (s *Service) Policies(ctx context.Context, a *awsapi.Actor) (*policy.Set, error) {
	set, err := s.standing(ctx, a)
	if err != nil || a.Session == nil || a.Session.Policy == "" {
		return set, err
	}
	doc, err := policy.Parse(policy.Session, a.Session.Policy)
	if err != nil {
		return nil, fmt.Errorf("iam: session policy of %s: %w", a.Principal.ARN, err)
	}
	with := *set
	with.Session = []*policy.Doc{doc}
	return &with, nil
}

// standing returns the policies that the actor's user or role has.
func (s *Service) standing(ctx context.Context, a *awsapi.Actor) (*policy.Set, error) {
	holder := a.Principal.Issuer
	if holder == "" {
		holder = a.Principal.ARN
	}
	if a.Principal.IsRoot() || holder == "" {
		return &policy.Set{}, nil
	}
	_, policies, epoch, done := s.cache.read()
	set, ok := policies[holder]
	done()
	if ok {
		return set, nil
	}
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		set, err = s.compile(sn, holder)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("iam: policies of %s: %w", holder, err)
	}
	s.cache.store(epoch, func() { s.cache.policies[holder] = set })
	return set, nil
}

// holderOf finds the entity of a user's or role's ARN.
func (s *Service) holderOf(sn *kv.Snap, a arn.ARN) (*entity, error) {
	k, rest, _ := strings.Cut(a.Resource(), "/")
	if k != string(user) && k != string(role) {
		return nil, nil
	}
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	e, err := load[entity](sn, spaceOf(s.account).entity(kind(k), name))
	if err != nil || e == nil || e.arn(a.Scope()) != a {
		return nil, err
	}
	return e, nil
}

// compile gathers and compiles the policies of one principal. A principal that
// is gone has none, and may do nothing.
func (s *Service) compile(sn *kv.Snap, holder arn.ARN) (*policy.Set, error) {
	set := &policy.Set{}
	e, err := s.holderOf(sn, holder)
	if err != nil || e == nil {
		return set, err
	}
	if set.Identity, err = s.documents(sn, e); err != nil {
		return nil, err
	}
	for _, g := range e.Groups {
		ge, err := load[entity](sn, spaceOf(s.account).entity(group, g))
		if err != nil || ge == nil {
			return nil, err
		}
		docs, err := s.documents(sn, ge)
		if err != nil {
			return nil, err
		}
		set.Identity = append(set.Identity, docs...)
	}
	if e.Boundary != "" {
		doc, err := s.managedDoc(sn, policy.Boundary, e.Boundary)
		if err != nil {
			return nil, err
		}
		set.Boundary = []*policy.Doc{doc}
	}
	return set, nil
}

// documents compiles an entity's own policies.
func (s *Service) documents(sn *kv.Snap, e *entity) ([]*policy.Doc, error) {
	var out []*policy.Doc
	for name, text := range e.Inline {
		doc, err := policy.Parse(policy.Identity, text)
		if err != nil {
			return nil, fmt.Errorf("inline policy %s: %w", name, err)
		}
		out = append(out, doc.Named(name))
	}
	for _, a := range e.Attached {
		doc, err := s.managedDoc(sn, policy.Identity, a)
		if err != nil {
			return nil, err
		}
		out = append(out, doc)
	}
	return out, nil
}

func (s *Service) managedDoc(sn *kv.Snap, k policy.Kind, a arn.ARN) (*policy.Doc, error) {
	m := awsManaged(a)
	if m == nil {
		var err error
		if m, err = load[managed](sn, spaceOf(s.account).policy(a)); err != nil {
			return nil, err
		}
	}
	if m == nil {
		return nil, fmt.Errorf("managed policy %s is gone", a)
	}
	doc, err := policy.Parse(k, m.document())
	if err != nil {
		return nil, fmt.Errorf("managed policy %s: %w", a, err)
	}
	return doc.Named(a.String()), nil
}
