package kms

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// maxOnDemand is how often a key may be rotated on demand.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html
const maxOnDemand = 25

// nameIn is the key that a timer is of.
func nameIn(t timer.T) name {
	return name{scope: arn.In(t.Cell.Region, t.Cell.Account), id: t.ID}
}

// rotatable says whether a key can have further materials.
func (k *key) rotatable() error {
	if k.Spec != symmetric || k.Origin != "AWS_KMS" {
		return unsupported("%s is not a symmetric encryption key whose material nube made: it cannot be rotated.", k.arn())
	}
	return k.ready()
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
func (s *Service) enableKeyRotation(ctx context.Context, in *shapes.EnableKeyRotationRequest) (*schema.Empty, error) {
	every := int32(365)
	if in.RotationPeriodInDays != nil {
		every = *in.RotationPeriodInDays
	}
	if every < 90 || every > 2560 {
		return nil, fault.Validation("RotationPeriodInDays is %d: it must be from 90 to 2560", every)
	}
	now := s.Clock.Now()
	_, err := s.change(ctx, in.KeyId, func(tx *kv.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		if k.Every == int(every) {
			return nil
		}
		k.Every, k.Next = int(every), now.Add(time.Duration(every)*day)
		return s.setRotation(tx, k)
	})
	return &schema.Empty{}, err
}

func (s *Service) setRotation(tx *kv.Tx, k *key) error {
	return s.Timers.Set(tx, timer.T{Cell: k.cell(), Kind: timerRotate, ID: k.id, Due: k.Next, OneShot: false})
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html
func (s *Service) disableKeyRotation(ctx context.Context, in *shapes.DisableKeyRotationRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		k.Every, k.Next = 0, 0
		return nil
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
func (s *Service) getKeyRotationStatus(ctx context.Context, in *shapes.GetKeyRotationStatusRequest) (*shapes.GetKeyRotationStatusResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.Spec != symmetric {
		return nil, unsupported("%s is not a symmetric encryption key: it cannot be rotated.", k.arn())
	}
	if k.State == pendingImport {
		return nil, k.ready()
	}
	on := k.Every > 0 && k.State != pendingDeletion
	out := &shapes.GetKeyRotationStatusResponse{KeyId: ptr(k.arn()), KeyRotationEnabled: &on}
	if on {
		out.RotationPeriodInDays, out.NextRotationDate = ptr(int32(k.Every)), &k.Next
	}
	return out, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
func (s *Service) rotateKeyOnDemand(ctx context.Context, in *shapes.RotateKeyOnDemandRequest) (*shapes.RotateKeyOnDemandResponse, error) {
	now := s.Clock.Now()
	k, err := s.change(ctx, in.KeyId, func(tx *kv.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		n := 0
		for _, r := range k.Rotations {
			if r.OnDemand {
				n++
			}
		}
		if n >= maxOnDemand {
			return fault.New("LimitExceededException", "%s has been rotated on demand %d times", k.arn(), maxOnDemand)
		}
		return s.rotate(ctx, tx, k, rotation{At: now, OnDemand: true})
	})
	if err != nil {
		return nil, err
	}
	return &shapes.RotateKeyOnDemandResponse{KeyId: ptr(k.arn())}, nil
}

// rotate gives a key another material. Those that it had still decrypt.
func (s *Service) rotate(ctx context.Context, tx *kv.Tx, k *key, r rotation) error {
	sealed, err := s.sealNew(ctx, k.name, k.Spec, k.Material+1)
	if err != nil {
		return err
	}
	k.Material++
	k.Rotations = append(slices.Clip(k.Rotations), r)
	tx.Set(k.space().material(k.id, k.Material), sealed)
	return nil
}

// fireRotate rotates a key when its time has come. One that cannot be used then is
// rotated when it is enabled again.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html#rotate-keys-how-it-works
func (s *Service) fireRotate(tx *kv.Tx, now clock.Instant, t timer.T) error {
	k := &key{name: nameIn(t)}
	ok, err := jsonrow.Get(tx, k.space().key(k.id), &k.keyRow)
	if err != nil || !ok || k.Every == 0 || k.Next > now || k.State != enabled {
		return err
	}
	if err := s.rotate(context.Background(), tx, k, rotation{At: now}); err != nil {
		return err
	}
	k.Next = timer.Following(k.Next, time.Duration(k.Every)*day, now)
	if err := s.setRotation(tx, k); err != nil {
		return err
	}
	return jsonrow.Set(tx, k.space().key(k.id), &k.keyRow)
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html
func (s *Service) listKeyRotations(ctx context.Context, in *shapes.ListKeyRotationsRequest) (*shapes.ListKeyRotationsResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.Spec != symmetric {
		return nil, unsupported("%s is not a symmetric encryption key: it cannot be rotated.", k.arn())
	}
	list, next, err := cut(k.Rotations, in.Marker, in.Limit, 100, func(r rotation) string { return pad(r.At) })
	if err != nil {
		return nil, err
	}
	out := &shapes.ListKeyRotationsResponse{Rotations: []shapes.RotationsListEntry{}, NextMarker: next, Truncated: ptr(next != nil)}
	for _, r := range list {
		kind := "AUTOMATIC"
		if r.OnDemand {
			kind = "ON_DEMAND"
		}
		out.Rotations = append(out.Rotations, shapes.RotationsListEntry{KeyId: ptr(k.id), RotationDate: ptr(r.At), RotationType: &kind})
	}
	return out, nil
}

// pad writes an instant so that later ones sort behind it.
func pad(i clock.Instant) string {
	text := strconv.FormatInt(int64(i), 10)
	for len(text) < 20 {
		text = "0" + text
	}
	return text
}
