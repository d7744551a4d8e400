package secretsmanager

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// The kinds of timers. A timer that what it was set for has passed by does
// nothing.
const (
	timerDelete = "secretsmanager-delete"
	timerRotate = "secretsmanager-rotate"
)

const day = 24 * time.Hour

const maxTags = 50

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
func (s *Service) createSecret(ctx context.Context, in *shapes.CreateSecretRequest) (*shapes.CreateSecretResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope, text: value(in.Name), suffix: suffixFor(ctx, value(in.Name))}
	switch {
	case len(in.AddReplicaRegions) > 0:
		return nil, invalidParameter("AddReplicaRegions is not offered: %s.", noReplicas)
	case strings.Trim(n.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+=.@-") != "":
		return nil, fault.Validation("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	p, err := payloadOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	now, token := s.Clock.Now(), tokenOf(in.ClientRequestToken)
	row := secretRow{Suffix: n.suffix, Created: now, Changed: now, Description: value(in.Description), KeyID: value(in.KmsKeyId), Versions: map[string]clock.Instant{}}
	if row.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	var v *versionRow
	if p != nil {
		if v, err = s.seal(ctx, n, row.KeyID, token, p); err != nil {
			return nil, err
		}
		row.Versions[token], row.Stages = now, map[string]string{current: token}
	}
	var have *secret
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		have = nil
		var old secretRow
		switch ok, err := jsonrow.Get(tx, n.space().secret(n.text), &old); {
		case err != nil:
			return err
		case ok && old.Deleted != 0:
			return invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
		case ok:
			have = &secret{n, old}
			have.suffix = old.Suffix
			return nil
		}
		if v != nil {
			if err := jsonrow.Set(tx, n.space().version(n.text, n.suffix, token), v); err != nil {
				return err
			}
		}
		return jsonrow.Set(tx, n.space().secret(n.text), &row)
	})
	if err != nil {
		return nil, err
	}
	if have != nil {
		return s.createdBefore(ctx, have, token, p)
	}
	out := &shapes.CreateSecretResponse{ARN: ptr(n.arn()), Name: &n.text}
	if p != nil {
		out.VersionId = &token
	}
	return out, nil
}

// createdBefore: the same secret with the same token again is the same secret.
func (s *Service) createdBefore(ctx context.Context, x *secret, token string, p *payload) (*shapes.CreateSecretResponse, error) {
	exists := fault.New("ResourceExistsException", "The operation failed because the secret %s already exists.", x.text)
	if _, ok := x.Versions[token]; !ok || p == nil {
		return nil, exists
	}
	v, err := s.valueOf(ctx, x, token)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, exists
	}
	have, err := s.open(ctx, x.name, token, v)
	if err != nil {
		return nil, err
	}
	if !have.same(p) {
		return nil, exists
	}
	return &shapes.CreateSecretResponse{ARN: ptr(x.arn()), Name: &x.text, VersionId: &token}, nil
}

// tagged adds tags to those of a secret.
func tagged(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(value(t.Key)), "aws:") {
			return nil, invalidRequest("You can't use tag keys that begin with aws:.")
		}
		if out == nil {
			out = map[string]string{}
		}
		out[value(t.Key)] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, invalidRequest("A secret has %d tags at most.", maxTags)
	}
	return out, nil
}

func tagsOf(m map[string]string) []shapes.Tag {
	out := []shapes.Tag{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, shapes.Tag{Key: ptr(k), Value: ptr(m[k])})
	}
	return out
}

// entry describes a secret.
func (x *secret) entry() shapes.SecretListEntry {
	e := shapes.SecretListEntry{
		ARN: ptr(x.arn()), Name: &x.text, Description: maybe(x.Description), KmsKeyId: maybe(x.KeyID), LastChangedDate: &x.Changed, CreatedDate: &x.Created,
		Tags: tagsOf(x.Tags), SecretVersionsToStages: map[string][]string{},
	}
	for stage := range x.Stages {
		id := x.Stages[stage]
		e.SecretVersionsToStages[id] = x.stagesOf(id)
	}
	if x.Accessed != 0 {
		e.LastAccessedDate = &x.Accessed
	}
	if x.Deleted != 0 {
		e.DeletedDate = &x.Deleted
	}
	if r := x.Rotation; r != nil {
		e.RotationEnabled, e.RotationLambdaARN, e.RotationRules = &r.Enabled, maybe(r.Function), r.rules()
		if r.Last != 0 {
			e.LastRotatedDate = &r.Last
		}
		if r.Enabled && r.Next != 0 {
			e.NextRotationDate = &r.Next
		}
	}
	return e
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
func (s *Service) describeSecret(ctx context.Context, in *shapes.DescribeSecretRequest) (*shapes.DescribeSecretResponse, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	e := x.entry()
	return &shapes.DescribeSecretResponse{
		ARN: e.ARN, Name: e.Name, Description: e.Description, KmsKeyId: e.KmsKeyId, RotationEnabled: e.RotationEnabled, RotationLambdaARN: e.RotationLambdaARN,
		RotationRules: e.RotationRules, LastRotatedDate: e.LastRotatedDate, LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate,
		DeletedDate: e.DeletedDate, NextRotationDate: e.NextRotationDate, Tags: e.Tags, VersionIdsToStages: e.SecretVersionsToStages, CreatedDate: e.CreatedDate,
	}, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
func (s *Service) updateSecret(ctx context.Context, in *shapes.UpdateSecretRequest) (*shapes.UpdateSecretResponse, error) {
	p, err := payloadOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	update := func(x *secret) error {
		if in.Description != nil {
			x.Description = *in.Description
		}
		if in.KmsKeyId != nil {
			x.KeyID = *in.KmsKeyId
		}
		x.Changed = now
		return nil
	}
	if p == nil {
		x, err := s.changeKey(ctx, in, update)
		if err != nil {
			return nil, err
		}
		return &shapes.UpdateSecretResponse{ARN: ptr(x.arn()), Name: &x.text}, nil
	}
	token := tokenOf(in.ClientRequestToken)
	x, err := s.add(ctx, in.SecretId, token, p, []string{current}, update)
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateSecretResponse{ARN: ptr(x.arn()), Name: &x.text, VersionId: &token}, nil
}

// changeKey changes a secret but for its value. With another key, the versions that
// Secrets Manager itself labels are encrypted anew: the old key may go.
func (s *Service) changeKey(ctx context.Context, in *shapes.UpdateSecretRequest, update func(x *secret) error) (*secret, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	fresh := map[string]*versionRow{}
	if in.KmsKeyId != nil && *in.KmsKeyId != x.KeyID && x.Deleted == 0 {
		for _, stage := range []string{current, pending, previous} {
			version := x.Stages[stage]
			if version == "" || fresh[version] != nil {
				continue
			}
			v, err := s.valueOf(ctx, x, version)
			if err != nil {
				return nil, err
			}
			if v == nil {
				continue // of a rotation that has just begun
			}
			p, err := s.open(ctx, x.name, version, v)
			if err != nil {
				return nil, err
			}
			if fresh[version], err = s.seal(ctx, x.name, *in.KmsKeyId, version, p); err != nil {
				return nil, err
			}
		}
	}
	return s.change(ctx, in.SecretId, func(tx *kv.Tx, y *secret) error {
		for version, v := range fresh {
			if _, ok := y.Versions[version]; !ok || y.suffix != x.suffix {
				continue
			}
			if err := jsonrow.Set(tx, y.space().version(y.text, y.suffix, version), v); err != nil {
				return err
			}
		}
		return update(y)
	})
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
func (s *Service) deleteSecret(ctx context.Context, in *shapes.DeleteSecretRequest) (*shapes.DeleteSecretResponse, error) {
	force, window := yes(in.ForceDeleteWithoutRecovery), int64(30)
	if in.RecoveryWindowInDays != nil {
		window = *in.RecoveryWindowInDays
	}
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case window < 7 || window > 30:
		return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	now := s.Clock.Now()
	var out *shapes.DeleteSecretResponse
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		x, err := find(ctx, tx, in.SecretId)
		if force && fault.Is(err, "ResourceNotFoundException") {
			if arn.Looks(value(in.SecretId)) {
				return err
			}
			out = &shapes.DeleteSecretResponse{ARN: ptr(x.arn()), Name: &x.text, DeletionDate: &now}
			return nil
		}
		if err != nil {
			return err
		}
		if force {
			out = &shapes.DeleteSecretResponse{ARN: ptr(x.arn()), Name: &x.text, DeletionDate: &now}
			x.remove(tx)
			return nil
		}
		if x.Deleted != 0 {
			return deleted()
		}
		x.Deleted = now.Add(time.Duration(window) * day)
		out = &shapes.DeleteSecretResponse{ARN: ptr(x.arn()), Name: &x.text, DeletionDate: &x.Deleted}
		if err := s.Timers.Set(tx, timer.T{Cell: x.cell(), Kind: timerDelete, ID: x.text, Due: x.Deleted}); err != nil {
			return err
		}
		return jsonrow.Set(tx, x.space().secret(x.text), &x.secretRow)
	})
	return out, err
}

// remove takes a secret out of the store.
func (x *secret) remove(tx *kv.Tx) {
	tx.Delete(x.space().secret(x.text))
	tx.DeleteRange(x.space().versionsOf(x.text, x.suffix))
}

// named is the secret that a timer is of.
func named(tx *kv.Tx, t timer.T) (*secret, bool, error) {
	x := &secret{name: name{scope: arn.In(t.Cell.Region, t.Cell.Account), text: t.ID}}
	ok, err := jsonrow.Get(tx, x.space().secret(x.text), &x.secretRow)
	x.suffix = x.Suffix
	return x, ok, err
}

// fireDelete deletes a secret at the end of its recovery window.
func (s *Service) fireDelete(tx *kv.Tx, now clock.Instant, t timer.T) error {
	x, ok, err := named(tx, t)
	if err == nil && ok && x.Deleted != 0 && x.Deleted <= now {
		x.remove(tx)
	}
	return err
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html
func (s *Service) restoreSecret(ctx context.Context, in *shapes.RestoreSecretRequest) (*shapes.RestoreSecretResponse, error) {
	now := s.Clock.Now()
	x, err := s.changeAny(ctx, in.SecretId, func(tx *kv.Tx, x *secret) error {
		x.Deleted = 0
		if r := x.Rotation; r != nil && r.Next != 0 && r.Next <= now {
			return s.setNext(tx, x, now) // it was due meanwhile, and passed over
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.RestoreSecretResponse{ARN: ptr(x.arn()), Name: &x.text}, nil
}
