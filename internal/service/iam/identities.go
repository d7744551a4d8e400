package iam

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// cache holds what the hot path needs of every principal that was seen:
// credentials of users, compiled policies and roles. Any change of IAM empties it.
type cache struct {
	mu       sync.RWMutex
	epoch    uint64 // counts the changes, so that a slow reader stores nothing stale
	keys     map[string]awsapi.Credential
	holdings map[arn.ARN]*holding
	roles    map[arn.ARN]*AssumableRole
}

// holding is what a user or a role has: its unique id, by which it is told from
// one that had the name before, its tags and its compiled policies.
type holding struct {
	id   string
	tags map[string]string
	set  policy.Set
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
	c.holdings = map[arn.ARN]*holding{}
	c.roles = map[arn.ARN]*AssumableRole{}
}

// role returns a role that was seen, and the epoch of the answer.
func (c *cache) role(a arn.ARN) (*AssumableRole, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.roles[a], c.epoch
}

func (c *cache) read() (keys map[string]awsapi.Credential, holdings map[arn.ARN]*holding, epoch uint64, done func()) {
	c.mu.RLock()
	return c.keys, c.holdings, c.epoch, c.mu.RUnlock
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
		k, err := jsonrow.Load[accessKey](sn, sp.key(id))
		if err != nil || k == nil || !k.Active {
			return err
		}
		u, err := jsonrow.Load[entity](sn, sp.entity(user, k.User))
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
	h, err := s.held(ctx, a)
	if err != nil || a.Session == nil {
		return &h.set, err
	}
	set := h.set
	federated := strings.HasPrefix(a.Principal.ARN.Resource(), "federated-user/")
	switch limits := limitsOfSessions(); {
	case federated:
		set.Identity = append([]*policy.Doc{limits.federated}, set.Identity...)
	case a.Principal.Issuer == "":
		set.Identity = append([]*policy.Doc{limits.user}, set.Identity...)
	}
	for _, text := range a.Session.Policies {
		doc, err := policy.Parse(policy.Session, text)
		if err != nil {
			return nil, fmt.Errorf("iam: session policy of %s: %w", a.Principal.ARN, err)
		}
		set.Session = append(set.Session, doc)
	}
	if federated && set.Session == nil {
		// "If you do not pass a policy, the session has no permissions":
		// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
		set.Session = []*policy.Doc{policy.Nothing(policy.Session)}
	}
	return &set, nil
}

// limitsOfSessions are what AWS lets no session do that is not a role's.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
var limitsOfSessions = sync.OnceValue(func() (l struct{ user, federated *policy.Doc }) {
	forbid := func(name, actions string) *policy.Doc {
		doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":[`+actions+`],"Resource":"*"}}`)
		if err != nil {
			panic(err)
		}
		return doc.Named(name)
	}
	l.user = forbid("limits of GetSessionToken", `"iam:*","sts:GetFederationToken","sts:DecodeAuthorizationMessage","sts:GetAccessKeyInfo"`)
	l.federated = forbid("limits of GetFederationToken", `"iam:*","sts:*"`)
	return l
})

// PrincipalTags implements [awsapi.Tagger].
func (s *Service) PrincipalTags(ctx context.Context, a *awsapi.Actor) (map[string]string, error) {
	h, err := s.held(ctx, a)
	return h.tags, err
}

// held returns what the actor's user or role has. An actor whose user or role
// is gone, or is not the one of that name any more, has nothing.
func (s *Service) held(ctx context.Context, a *awsapi.Actor) (*holding, error) {
	holder := a.Principal.Issuer
	if holder == "" {
		holder = a.Principal.ARN
	}
	if a.Principal.IsRoot() || holder == "" {
		return &holding{}, nil
	}
	_, holdings, epoch, done := s.cache.read()
	h, ok := holdings[holder]
	done()
	if !ok {
		err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
			h, err = s.compile(sn, holder)
			return err
		})
		if err != nil {
			return &holding{}, fmt.Errorf("iam: policies of %s: %w", holder, err)
		}
		s.cache.store(epoch, func() { s.cache.holdings[holder] = h })
	}
	if id, _, _ := strings.Cut(a.UserID, ":"); isUnique(id) && id != h.id {
		return &holding{}, nil
	}
	return h, nil
}

// isUnique reports whether an id is one that a user or role got when it was
// made.
func isUnique(id string) bool { return strings.HasPrefix(id, "AIDA") || strings.HasPrefix(id, "AROA") }

// holderOf finds the entity of a user's, a group's or a role's ARN.
func (s *Service) holderOf(sn *kv.Snap, a arn.ARN) (*entity, error) {
	k, rest, _ := strings.Cut(a.Resource(), "/")
	if k != string(user) && k != string(role) && k != string(group) {
		return nil, nil
	}
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	e, err := jsonrow.Load[entity](sn, spaceOf(s.account).entity(kind(k), name))
	if err != nil || e == nil || e.arn(a.Scope()) != a {
		return nil, err
	}
	return e, nil
}

// compile gathers what a principal has. One that is gone has nothing, and may
// do nothing.
func (s *Service) compile(sn *kv.Snap, holder arn.ARN) (*holding, error) {
	e, err := s.holderOf(sn, holder)
	if err != nil || e == nil {
		return &holding{}, err
	}
	return s.gather(sn, e)
}

// gather compiles the policies of an entity, and of the groups that it is in.
func (s *Service) gather(sn *kv.Snap, e *entity) (_ *holding, err error) {
	h := &holding{id: e.ID, tags: e.Tags}
	if h.set.Identity, err = s.documents(sn, e); err != nil {
		return nil, err
	}
	for _, g := range e.Groups {
		ge, err := jsonrow.Load[entity](sn, spaceOf(s.account).entity(group, g))
		if err != nil {
			return nil, err
		}
		if ge == nil {
			continue
		}
		docs, err := s.documents(sn, ge)
		if err != nil {
			return nil, err
		}
		h.set.Identity = append(h.set.Identity, docs...)
	}
	if e.Boundary != "" {
		doc, err := s.managedDoc(sn, policy.Boundary, e.Boundary)
		if err != nil {
			return nil, err
		}
		h.set.Boundary = []*policy.Doc{doc}
	}
	return h, nil
}

// documents compiles an entity's own policies.
func (s *Service) documents(sn *kv.Snap, e *entity) ([]*policy.Doc, error) {
	var out []*policy.Doc
	for _, name := range slices.Sorted(maps.Keys(e.Inline)) {
		doc, err := policy.Parse(policy.Identity, e.Inline[name])
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
		if m, err = jsonrow.Load[managed](sn, spaceOf(s.account).policy(a)); err != nil {
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
