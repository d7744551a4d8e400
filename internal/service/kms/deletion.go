package kms

import (
	"context"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// The kinds of timers. A timer that is too early, because what it was set for was
// put off or called off, does nothing.
const (
	timerDelete = "kms-delete"
	timerRotate = "kms-rotate"
	timerExpire = "kms-expire"
)

const day = 24 * time.Hour

func days(p *int32, otherwise int32) string {
	if p != nil {
		otherwise = *p
	}
	return strconv.Itoa(int(otherwise))
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
func (s *Service) scheduleKeyDeletion(ctx context.Context, in *shapes.ScheduleKeyDeletionRequest) (*shapes.ScheduleKeyDeletionResponse, error) {
	window := int32(30)
	if in.PendingWindowInDays != nil {
		window = *in.PendingWindowInDays
	}
	if window < 7 || window > 30 {
		return nil, fault.Validation("PendingWindowInDays is %d: it must be from 7 to 30", window)
	}
	now := s.Clock.Now()
	k, err := s.change(ctx, in.KeyId, func(tx *kv.Tx, k *key) error {
		if k.State == pendingDeletion {
			return k.ready()
		}
		k.State, k.Deletion = pendingDeletion, now.Add(time.Duration(window)*day)
		return s.Timers.Set(tx, timer.T{Cell: k.cell(), Kind: timerDelete, ID: k.id, Due: k.Deletion, OneShot: false})
	})
	if err != nil {
		return nil, err
	}
	return &shapes.ScheduleKeyDeletionResponse{KeyId: ptr(k.arn()), DeletionDate: &k.Deletion, KeyState: &k.State, PendingWindowInDays: &window}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html
func (s *Service) cancelKeyDeletion(ctx context.Context, in *shapes.CancelKeyDeletionRequest) (*shapes.CancelKeyDeletionResponse, error) {
	k, err := s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) error {
		if k.State != pendingDeletion {
			return badState("%s is not pending deletion.", k.arn())
		}
		k.State, k.Deletion = disabled, 0
		if k.Material == 0 {
			k.State = pendingImport
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CancelKeyDeletionResponse{KeyId: ptr(k.arn())}, nil
}

// fireDelete deletes a key whose time has come, and all that belongs to it.
func (s *Service) fireDelete(tx *kv.Tx, now clock.Instant, t timer.T) error {
	sp := spaceOf(t.Cell)
	var row keyRow
	if ok, err := jsonrow.Get(tx, sp.key(t.ID), &row); err != nil || !ok || row.State != pendingDeletion || row.Deletion > now {
		return err
	}
	for p, err := range tx.Scan(sp.namesOf(t.ID), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return err
		}
		d := sp.Decode(p.Key)
		_, _ = d.Str(), d.Str()
		tx.Delete(sp.alias(d.Str()))
	}
	tx.Delete(sp.key(t.ID))
	tx.DeleteRange(sp.materialsOf(t.ID))
	tx.DeleteRange(sp.namesOf(t.ID))
	tx.DeleteRange(sp.grantsOf(t.ID))
	return nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
func (s *Service) deleteImportedKeyMaterial(ctx context.Context, in *shapes.DeleteImportedKeyMaterialRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.KeyId, func(tx *kv.Tx, k *key) error {
		if k.Origin != "EXTERNAL" {
			return unsupported("%s origin is %s which is not valid for this operation.", k.arn(), k.Origin)
		}
		if k.State == pendingDeletion {
			return k.ready()
		}
		k.forget(tx)
		return nil
	})
	return &schema.Empty{}, err
}

// forget removes imported material; only the same may come back.
func (k *key) forget(tx *kv.Tx) {
	tx.DeleteRange(k.space().materialsOf(k.id))
	k.Material, k.ValidTo = 0, 0
	if k.State != pendingDeletion {
		k.State = pendingImport
	}
}

// fireExpire removes imported material that is valid no longer.
func (s *Service) fireExpire(tx *kv.Tx, now clock.Instant, t timer.T) error {
	k := &key{name: nameIn(t)}
	ok, err := jsonrow.Get(tx, k.space().key(k.id), &k.keyRow)
	if err != nil || !ok || k.ValidTo == 0 || k.ValidTo > now {
		return err
	}
	k.forget(tx)
	return jsonrow.Set(tx, k.space().key(k.id), &k.keyRow)
}
