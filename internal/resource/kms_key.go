package resource

import (
	"context"
	"fmt"
	"maps"

	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// encryptionKey is AWS::KMS::Key. Ref is its id. Deleting it schedules its
// deletion.
type encryptionKey struct{ base }

func kmsTag(k, v string) kms.Tag { return kms.Tag{TagKey: &k, TagValue: &v} }

func kmsProgress(r stack.Request, id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Arn": r.Stack.Scope.Key(id).String(), "KeyId": id}}
}

// Create makes a key. KMS gives the id, so a repeated creation looks for a key that
// is as asked for and not older than the step.
func (t encryptionKey) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	p := r.Properties
	in := &kms.CreateKeyRequest{Tags: pairs(tagMap(p), kmsTag)}
	if v := p.Get("KeyPolicy"); v != nil {
		in.Policy = ptr(document(v))
	}
	if err := bind(in, p, "KeyPolicy", "Tags", "Enabled", "EnableKeyRotation", "RotationPeriodInDays", "PendingWindowInDays"); err != nil {
		return stack.Progress{}, err
	}
	id := ""
	if r.Again {
		var err error
		if id, err = t.made(ctx, r, in); err != nil {
			return stack.Progress{}, err
		}
	}
	if id == "" {
		out, err := do(ctx, t.base, kms.CreateKey, in)
		if err != nil {
			return stack.Progress{}, err
		}
		if out.KeyMetadata != nil {
			id = val(out.KeyMetadata.KeyId)
		}
	}
	return kmsProgress(r, id), t.settings(ctx, id, nil, p)
}

// made looks for the key of an earlier attempt, empty if there is none.
func (t encryptionKey) made(ctx context.Context, r stack.Request, in *kms.CreateKeyRequest) (string, error) {
	for next := (*string)(nil); ; {
		list, err := do(ctx, t.base, kms.ListKeys, &kms.ListKeysRequest{Marker: next})
		if err != nil {
			return "", err
		}
		for _, k := range list.Keys {
			out, err := do(ctx, t.base, kms.DescribeKey, &kms.DescribeKeyRequest{KeyId: k.KeyId})
			if err != nil {
				return "", err
			}
			m := out.KeyMetadata
			if m == nil || val(m.CreationDate) < r.Since || val(m.Description) != val(in.Description) || val(m.KeyManager) != "CUSTOMER" {
				continue
			}
			have, err := do(ctx, t.base, kms.ListResourceTags, &kms.ListResourceTagsRequest{KeyId: k.KeyId})
			if err != nil {
				return "", err
			}
			tags := map[string]string{}
			for _, tag := range have.Tags {
				tags[val(tag.TagKey)] = val(tag.TagValue)
			}
			if maps.Equal(tags, tagMap(r.Properties)) {
				return val(k.KeyId), nil
			}
		}
		if next = list.NextMarker; next == nil {
			return "", nil
		}
	}
}

// settings brings a key from one version's state and rotation to another's.
func (t encryptionKey) settings(ctx context.Context, id string, old, new *template.Value) error {
	disabled := func(p *template.Value) bool { return p.Has("Enabled") && !has(p, "Enabled") }
	if disabled(old) && !disabled(new) {
		if err := run(ctx, t.base, kms.EnableKey, &kms.EnableKeyRequest{KeyId: &id}); err != nil {
			return err
		}
	}
	if has(new, "EnableKeyRotation") {
		in := &kms.EnableKeyRotationRequest{KeyId: &id}
		if v := new.Get("RotationPeriodInDays"); v != nil {
			days, _ := v.AsInt()
			in.RotationPeriodInDays = ptr(int32(days))
		}
		if err := run(ctx, t.base, kms.EnableKeyRotation, in); err != nil {
			return err
		}
	} else if has(old, "EnableKeyRotation") {
		if err := run(ctx, t.base, kms.DisableKeyRotation, &kms.DisableKeyRotationRequest{KeyId: &id}); err != nil {
			return err
		}
	}
	if disabled(new) && !disabled(old) {
		return run(ctx, t.base, kms.DisableKey, &kms.DisableKeyRequest{KeyId: &id})
	}
	return nil
}

func (t encryptionKey) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := kmsProgress(r, r.PhysicalID)
	for _, name := range []string{"KeySpec", "KeyUsage", "Origin", "MultiRegion"} {
		if !same(r.Old, r.Properties, name) {
			return done, fmt.Errorf("You cannot update the %s of a KMS key.", name)
		}
	}
	if !same(r.Old, r.Properties, "Description") {
		if err := run(ctx, t.base, kms.UpdateKeyDescription, &kms.UpdateKeyDescriptionRequest{KeyId: &r.PhysicalID, Description: ptr(text(r.Properties, "Description"))}); err != nil {
			return done, err
		}
	}
	if v := r.Properties.Get("KeyPolicy"); v != nil && !same(r.Old, r.Properties, "KeyPolicy") {
		in := &kms.PutKeyPolicyRequest{KeyId: &r.PhysicalID, Policy: ptr(document(v)), BypassPolicyLockoutSafetyCheck: ptr(has(r.Properties, "BypassPolicyLockoutSafetyCheck"))}
		if err := run(ctx, t.base, kms.PutKeyPolicy, in); err != nil {
			return done, err
		}
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, kms.UntagResource, &kms.UntagResourceRequest{KeyId: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, t.base, kms.TagResource, &kms.TagResourceRequest{KeyId: &r.PhysicalID, Tags: pairs(set, kmsTag)}); err != nil {
			return done, err
		}
	}
	return done, t.settings(ctx, r.PhysicalID, r.Old, r.Properties)
}

func (t encryptionKey) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &kms.ScheduleKeyDeletionRequest{KeyId: &r.PhysicalID}
	if v := r.Properties.Get("PendingWindowInDays"); v != nil {
		days, _ := v.AsInt()
		in.PendingWindowInDays = ptr(int32(days))
	}
	err := run(ctx, t.base, kms.ScheduleKeyDeletion, in)
	if e, ok := fault.As(err); ok && e.Code == "KMSInvalidStateException" {
		err = nil // it is scheduled already
	}
	return gone(err)
}

func (t encryptionKey) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, kms.DescribeKey, &kms.DescribeKeyRequest{KeyId: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	if out.KeyMetadata != nil && val(out.KeyMetadata.KeyState) == "PendingDeletion" {
		return nil, stack.ErrNotFound
	}
	return kmsProgress(r, r.PhysicalID).Attrs, nil
}
