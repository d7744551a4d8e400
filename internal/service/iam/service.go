package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// Options says what the service needs.
type Options struct {
	DB      *kv.DB
	Clock   *clock.Model
	Account string
	RootKey string // access key id of the account's root
	Secret  string // and its secret
}

// Service is IAM.
type Service struct {
	api     *awsapi.Service
	db      *kv.DB
	clock   *clock.Model
	account string
	root    awsapi.Credential
	rootKey string
	master  []byte
	cache   *cache
}

// New returns the service. It makes the account's master key at the first
// start; so it writes to the store.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		api: awsapi.NewService(&shapes.Model), db: o.DB, clock: o.Clock, account: o.Account,
		root: awsapi.Credential{Secret: o.Secret, Actor: awsapi.RootOf(o.Account)}, rootKey: o.RootKey, cache: newCache(),
	}
	s.root.Actor.KeyID = o.RootKey
	if err := s.loadMaster(ctx); err != nil {
		return nil, fmt.Errorf("iam: master key: %w", err)
	}
	o.DB.WatchFunc(s.cache.drop, spaceOf(o.Account).changed())
	s.registerRoles()
	s.registerUsers()
	s.registerGroups()
	s.registerKeys()
	s.registerManaged()
	s.registerInline()
	s.registerAttachments()
	s.registerBoundaries()
	s.registerTags()
	s.registerSimulation()
	return s, nil
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) loadMaster(ctx context.Context) error {
	k := spaceOf(s.account).master()
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		s.master, err = sn.Get(k)
		return err
	})
	if err != nil || s.master != nil {
		return err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(k)
		if err != nil {
			return err
		}
		if s.master = had; had == nil {
			tx.Set(k, fresh)
			s.master = fresh
		}
		return nil
	})
	return err
}

// newID returns a unique identifier with the prefix that IAM gives to its
// kind: AIDA for users, AROA for roles, AGPA for groups, ANPA for policies,
// AKIA for keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func newID(prefix string) string {
	var b [10]byte
	rand.Read(b[:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

func (s *Service) scope(ctx context.Context) arn.Scope {
	return arn.Scope{Partition: awsapi.From(ctx).Scope.Partition, Account: awsapi.From(ctx).Scope.Account}
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
