package iam

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerKeys() {
	awsapi.Handle(s.api, shapes.CreateAccessKey, func(ctx context.Context, in *shapes.CreateAccessKeyRequest) ([]awsapi.Access, error) {
		return s.onSelf(ctx, "CreateAccessKey", in.UserName)
	}, s.createAccessKey)
	awsapi.Handle(s.api, shapes.ListAccessKeys, func(ctx context.Context, in *shapes.ListAccessKeysRequest) ([]awsapi.Access, error) {
		return s.onSelf(ctx, "ListAccessKeys", in.UserName)
	}, s.listAccessKeys)
	awsapi.Handle(s.api, shapes.UpdateAccessKey, func(ctx context.Context, in *shapes.UpdateAccessKeyRequest) ([]awsapi.Access, error) {
		return s.onSelf(ctx, "UpdateAccessKey", in.UserName)
	}, s.updateAccessKey)
	awsapi.Handle(s.api, shapes.DeleteAccessKey, func(ctx context.Context, in *shapes.DeleteAccessKeyRequest) ([]awsapi.Access, error) {
		return s.onSelf(ctx, "DeleteAccessKey", in.UserName)
	}, s.deleteAccessKey)
	awsapi.Handle(s.api, shapes.GetAccessKeyLastUsed, func(ctx context.Context, in *shapes.GetAccessKeyLastUsedRequest) ([]awsapi.Access, error) {
		return s.onKey(ctx, "GetAccessKeyLastUsed", value(in.AccessKeyId))
	}, s.getAccessKeyLastUsed)
}

// self is the user that an operation on keys means.
func self(ctx context.Context, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	if n := userOf(awsapi.From(ctx).Actor.Principal.ARN); n != "" {
		return n, nil
	}
	return "", fault.New("ValidationError", "Must specify userName when calling with non-User credentials")
}

// maxKeys is IAM's quota of access keys per user.
const maxKeys = 2

// keysOf returns a user's keys.
func keysOf(tx *kv.Tx, sp space, userName string) ([]*accessKey, error) {
	var out []*accessKey
	for p, err := range tx.Scan(sp.keys(), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		k, err := jsonrow.Load[accessKey](tx, p.Key)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(k.User, userName) {
			out = append(out, k)
		}
	}
	return out, nil
}

func renameKeys(tx *kv.Tx, sp space, from, to string) error {
	ks, err := keysOf(tx, sp, from)
	for _, k := range ks {
		k.User = to
		if err := jsonrow.Set(tx, sp.key(k.ID), k); err != nil {
			return err
		}
	}
	return err
}

func (s *Service) createAccessKey(ctx context.Context, in *shapes.CreateAccessKeyRequest) (*shapes.CreateAccessKeyResponse, error) {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	var secret [30]byte
	rand.Read(secret[:])
	k := &accessKey{ID: newID("AKIA"), Secret: base64.StdEncoding.EncodeToString(secret[:]), Active: true, Created: s.clock.Now()}
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		u, err := jsonrow.Load[entity](tx, sp.entity(user, name))
		if err != nil {
			return err
		}
		if u == nil {
			return noSuch(user, name)
		}
		k.User = u.Name
		had, err := keysOf(tx, sp, u.Name)
		if err != nil {
			return err
		}
		if len(had) >= maxKeys {
			return limit("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
		}
		return jsonrow.Set(tx, sp.key(k.ID), k)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateAccessKeyResponse{AccessKey: &shapes.AccessKey{
		UserName: &k.User, AccessKeyId: &k.ID, SecretAccessKey: &k.Secret, Status: ptr("Active"), CreateDate: &k.Created,
	}}, nil
}

func (k *accessKey) status() *string {
	if k.Active {
		return ptr("Active")
	}
	return ptr("Inactive")
}

func (s *Service) listAccessKeys(ctx context.Context, in *shapes.ListAccessKeysRequest) (*shapes.ListAccessKeysResponse, error) {
	name, err := self(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.read(ctx, user, name)
	if err != nil {
		return nil, err
	}
	var ks []*accessKey
	err = s.db.View(ctx, func(sn *kv.Snap) (err error) {
		ks, err = all[accessKey](sn, spaceOf(awsapi.From(ctx).Scope.Account).keys())
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(ks, func(a, b *accessKey) int { return cmp.Compare(a.Created, b.Created) }) // oldest first
	out := &shapes.ListAccessKeysResponse{AccessKeyMetadata: []shapes.AccessKeyMetadata{}, IsTruncated: ptr(false)}
	for _, k := range ks {
		if k.User == u.Name {
			out.AccessKeyMetadata = append(out.AccessKeyMetadata, shapes.AccessKeyMetadata{
				UserName: &k.User, AccessKeyId: &k.ID, Status: k.status(), CreateDate: &k.Created,
			})
		}
	}
	return out, nil
}

// changeKey runs fn on a key of the user.
func (s *Service) changeKey(ctx context.Context, userName *string, id string, fn func(tx *kv.Tx, sp space, k *accessKey) error) error {
	name, err := self(ctx, userName)
	if err != nil {
		return err
	}
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		k, err := jsonrow.Load[accessKey](tx, sp.key(id))
		if err != nil {
			return err
		}
		if k == nil || !strings.EqualFold(k.User, name) {
			return noSuchKey(id)
		}
		tx.Signal(sp.changed())
		return fn(tx, sp, k)
	})
	return err
}

func (s *Service) updateAccessKey(ctx context.Context, in *shapes.UpdateAccessKeyRequest) (*schema.Empty, error) {
	return nil, s.changeKey(ctx, in.UserName, *in.AccessKeyId, func(tx *kv.Tx, sp space, k *accessKey) error {
		k.Active = *in.Status == "Active"
		return jsonrow.Set(tx, sp.key(k.ID), k)
	})
}

func (s *Service) deleteAccessKey(ctx context.Context, in *shapes.DeleteAccessKeyRequest) (*schema.Empty, error) {
	return nil, s.changeKey(ctx, in.UserName, *in.AccessKeyId, func(tx *kv.Tx, sp space, k *accessKey) error {
		tx.Delete(sp.key(k.ID))
		return nil
	})
}

// getAccessKeyLastUsed names the key's user. The use of keys is not recorded
// here, which AWS shows as N/A.
func (s *Service) getAccessKeyLastUsed(ctx context.Context, in *shapes.GetAccessKeyLastUsedRequest) (*shapes.GetAccessKeyLastUsedResponse, error) {
	var k *accessKey
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		k, err = jsonrow.Load[accessKey](sn, spaceOf(awsapi.From(ctx).Scope.Account).key(*in.AccessKeyId))
		return err
	})
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, noSuchKey(*in.AccessKeyId)
	}
	return &shapes.GetAccessKeyLastUsedResponse{UserName: &k.User, AccessKeyLastUsed: &shapes.AccessKeyLastUsed{
		ServiceName: ptr("N/A"), Region: ptr("N/A"),
	}}, nil
}
