package kms

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// aliasName reads the name of an alias that a call makes or changes.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
func aliasName(ctx context.Context, text *string) (name, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	rest, ok := strings.CutPrefix(value(text), "alias/")
	switch {
	case !ok:
		return n, fault.Validation("Invalid identifier")
	case strings.HasPrefix(rest, "aws/"):
		return n, fault.New("NotAuthorizedException", "")
	case rest == "" || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-") != "":
		return n, fault.New("InvalidAliasNameException", "An alias name is alias/ and letters, digits, slashes, underscores and dashes: %s", value(text))
	}
	n.alias = rest
	return n, nil
}

// targeted reads a key that an alias is to lead to.
func (s *Service) targeted(ctx context.Context, n name, text *string) (*key, error) {
	if arn.Looks(value(text)) && arn.ARN(value(text)).Account() != n.scope.Account {
		return nil, fault.New("InvalidArnException", "An alias and its key must be of the same account and region: %s", value(text))
	}
	k, err := s.find(ctx, text)
	if err != nil {
		return nil, err
	}
	if k.alias != "" {
		return nil, fault.Validation("Aliases must refer to keys. Not aliases")
	}
	if k.State == pendingDeletion {
		return nil, k.ready()
	}
	return k, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
func (s *Service) createAlias(ctx context.Context, in *shapes.CreateAliasRequest) (*schema.Empty, error) {
	n, err := aliasName(ctx, in.AliasName)
	if err != nil {
		return nil, err
	}
	k, err := s.targeted(ctx, n, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	now, sp := s.Clock.Now(), n.space()
	_, err = s.changeNamed(ctx, k.name, func(tx *kv.Tx, k *key) error {
		if row, err := tx.Get(sp.alias(n.alias)); err != nil {
			return err
		} else if row != nil {
			return fault.New("AlreadyExistsException", "An alias with the name %s already exists", n.aliasARN())
		}
		tx.Set(sp.named(k.id, n.alias), nil)
		return jsonrow.Set(tx, sp.alias(n.alias), &aliasRow{Key: k.id, Created: now, Updated: now})
	})
	return &schema.Empty{}, err
}

// updateAlias has an alias lead to another key for the same use.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html
func (s *Service) updateAlias(ctx context.Context, in *shapes.UpdateAliasRequest) (*schema.Empty, error) {
	n, err := aliasName(ctx, in.AliasName)
	if err != nil {
		return nil, err
	}
	k, err := s.targeted(ctx, n, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	now, sp := s.Clock.Now(), n.space()
	_, err = s.changeNamed(ctx, k.name, func(tx *kv.Tx, k *key) error {
		var row aliasRow
		var old keyRow
		switch ok, err := jsonrow.Get(tx, sp.alias(n.alias), &row); {
		case err != nil:
			return err
		case !ok:
			return noAlias(n.aliasARN())
		}
		if _, err := jsonrow.Get(tx, sp.key(row.Key), &old); err != nil {
			return err
		}
		if (old.Spec == symmetric) != (k.Spec == symmetric) || old.Usage != k.Usage {
			return fault.Validation("Alias %s cannot be changed from a %s key of %s to a %s key of %s", *in.AliasName, old.Usage, old.Spec, k.Usage, k.Spec)
		}
		tx.Delete(sp.named(row.Key, n.alias))
		tx.Set(sp.named(k.id, n.alias), nil)
		row.Key, row.Updated = k.id, now
		return jsonrow.Set(tx, sp.alias(n.alias), &row)
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html
func (s *Service) deleteAlias(ctx context.Context, in *shapes.DeleteAliasRequest) (*schema.Empty, error) {
	n, err := aliasName(ctx, in.AliasName)
	if err != nil {
		return nil, err
	}
	sp := n.space()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		var row aliasRow
		switch ok, err := jsonrow.Get(tx, sp.alias(n.alias), &row); {
		case err != nil:
			return err
		case !ok:
			return noAlias(n.aliasARN())
		}
		tx.Delete(sp.alias(n.alias))
		tx.Delete(sp.named(row.Key, n.alias))
		return nil
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
func (s *Service) listAliases(ctx context.Context, in *shapes.ListAliasesRequest) (*shapes.ListAliasesResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	only := ""
	if in.KeyId != nil {
		k, err := s.find(ctx, in.KeyId)
		if err != nil {
			return nil, err
		}
		only = k.id
	}
	sp := n.space()
	out := &shapes.ListAliasesResponse{Aliases: []shapes.AliasListEntry{}}
	next, err := s.page(ctx, sp.aliases(), in.Marker, in.Limit, 50, func(p kv.Pair) (bool, error) {
		var row aliasRow
		if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil || only != "" && row.Key != only {
			return false, err
		}
		d := sp.Decode(p.Key)
		d.Str()
		n.alias = d.Str()
		out.Aliases = append(out.Aliases, shapes.AliasListEntry{
			AliasName: ptr("alias/" + n.alias), AliasArn: ptr(n.aliasARN()), TargetKeyId: &row.Key, CreationDate: &row.Created, LastUpdatedDate: &row.Updated,
		})
		return true, d.Done()
	})
	out.NextMarker, out.Truncated = next, ptr(next != nil)
	return out, err
}
