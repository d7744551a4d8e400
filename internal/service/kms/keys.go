package kms

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func specName(in *shapes.CreateKeyRequest) string {
	if in.KeySpec == nil {
		return or(in.CustomerMasterKeySpec, symmetric)
	}
	return *in.KeySpec
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
func (s *Service) createKey(ctx context.Context, in *shapes.CreateKeyRequest) (*shapes.CreateKeyResponse, error) {
	origin := or(in.Origin, "AWS_KMS")
	switch {
	case in.CustomKeyStoreId != nil, in.XksKeyId != nil, origin == "AWS_CLOUDHSM", origin == "EXTERNAL_KEY_STORE":
		return nil, unsupported("Keys in custom key stores are not offered: %s.", noStores)
	case yes(in.MultiRegion):
		return nil, unsupported("Multi-Region keys are not offered: %s.", noRegions)
	case in.KeySpec != nil && in.CustomerMasterKeySpec != nil:
		return nil, fault.Validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	name := name{scope: awsapi.From(ctx).Scope, id: awsapi.NewID()}
	row := keyRow{
		Spec: specName(in), Origin: origin, State: enabled, Created: s.Clock.Now(), Description: value(in.Description), Policy: value(in.Policy), Material: 1,
	}
	kind, err := specOf(row.Spec)
	if err != nil {
		return nil, err
	}
	if row.Usage, err = kind.usageOf(row.Spec, value(in.KeyUsage)); err != nil {
		return nil, err
	}
	if row.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	if in.Policy != nil {
		if err := s.checkPolicy(ctx, name, *in.Policy, yes(in.BypassPolicyLockoutSafetyCheck)); err != nil {
			return nil, err
		}
	}
	var sealed []byte
	if origin == "EXTERNAL" {
		row.State, row.Material = pendingImport, 0
	} else if sealed, err = s.sealNew(ctx, name, row.Spec, 1); err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if sealed != nil {
			tx.Set(name.space().material(name.id, 1), sealed)
		}
		return jsonrow.Set(tx, name.space().key(name.id), &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateKeyResponse{KeyMetadata: (&key{name, row}).metadata()}, nil
}

// sealNew makes a material of a key, and seals it.
func (s *Service) sealNew(ctx context.Context, n name, spec string, number uint32) ([]byte, error) {
	material, err := newMaterial(spec)
	if err != nil {
		return nil, err
	}
	return s.Sealer.Seal(ctx, material, n.bound(number))
}

// metadata describes the key.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
func (k *key) metadata() *shapes.KeyMetadata {
	m := &shapes.KeyMetadata{
		AWSAccountId: &k.scope.Account, KeyId: &k.id, Arn: ptr(k.arn()), CreationDate: &k.Created, Enabled: ptr(k.State == enabled),
		Description: &k.Description, KeyUsage: &k.Usage, KeyState: &k.State, Origin: &k.Origin, KeyManager: ptr("CUSTOMER"),
		CustomerMasterKeySpec: &k.Spec, KeySpec: &k.Spec, MultiRegion: ptr(false),
	}
	if k.Service != "" {
		m.KeyManager = ptr("AWS")
	}
	if k.State == pendingDeletion {
		m.DeletionDate = &k.Deletion
	}
	if k.Origin == "EXTERNAL" && k.Material != 0 {
		m.ExpirationModel = ptr(never)
		if k.ValidTo != 0 {
			m.ExpirationModel, m.ValidTo = ptr(expires), &k.ValidTo
		}
	}
	kind, err := specOf(k.Spec)
	if err != nil {
		return m // no key of such a spec was made
	}
	switch k.Usage {
	case forEncryption:
		m.EncryptionAlgorithms = kind.encryption
	case forSignatures:
		m.SigningAlgorithms = kind.signing
	case forMACs:
		m.MacAlgorithms = []string{kind.mac}
	case forAgreement:
		m.KeyAgreementAlgorithms = []string{"ECDH"}
	}
	return m
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
func (s *Service) describeKey(ctx context.Context, in *shapes.DescribeKeyRequest) (*shapes.DescribeKeyResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeKeyResponse{KeyMetadata: k.metadata()}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
func (s *Service) listKeys(ctx context.Context, in *shapes.ListKeysRequest) (*shapes.ListKeysResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	out := &shapes.ListKeysResponse{Keys: []shapes.KeyListEntry{}}
	next, err := s.page(ctx, sp.keys(), in.Marker, in.Limit, 100, func(p kv.Pair) (bool, error) {
		d := sp.Decode(p.Key)
		d.Str()
		n.id = d.Str()
		out.Keys = append(out.Keys, shapes.KeyListEntry{KeyId: ptr(n.id), KeyArn: ptr(n.arn())})
		return true, d.Done()
	})
	out.NextMarker, out.Truncated = next, ptr(next != nil)
	return out, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html
func (s *Service) updateKeyDescription(ctx context.Context, in *shapes.UpdateKeyDescriptionRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) error {
		if k.State == pendingDeletion {
			return k.ready()
		}
		k.Description = value(in.Description)
		return nil
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html
func (s *Service) enableKey(ctx context.Context, in *shapes.EnableKeyRequest) (*schema.Empty, error) {
	return s.setState(ctx, in.KeyId, enabled)
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html
func (s *Service) disableKey(ctx context.Context, in *shapes.DisableKeyRequest) (*schema.Empty, error) {
	return s.setState(ctx, in.KeyId, disabled)
}

func (s *Service) setState(ctx context.Context, id *string, state string) (*schema.Empty, error) {
	_, err := s.change(ctx, id, func(tx *kv.Tx, k *key) error {
		if k.State != enabled && k.State != disabled {
			return k.ready()
		}
		k.State = state
		if state == enabled && k.Every > 0 {
			return s.setRotation(tx, k) // it may have been missed
		}
		return nil
	})
	return &schema.Empty{}, err
}

// maxTags is how many tags a key may have.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html
const maxTags = 50

// tagged adds tags to those of a key.
func tagged(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	seen := map[string]bool{}
	for _, t := range tags {
		k := value(t.TagKey)
		if seen[k] {
			return nil, fault.New("TagException", "Duplicate tag keys")
		}
		if reserved(k) {
			return nil, fault.New("TagException", "Tags beginning with aws: are reserved").With(http.StatusBadRequest)
		}
		seen[k] = true
		if out == nil {
			out = map[string]string{}
		}
		out[k] = value(t.TagValue)
	}
	if len(out) > maxTags {
		return nil, fault.New("LimitExceededException", "A key has %d tags at most", maxTags)
	}
	return out, nil
}

func reserved(tag string) bool { return len(tag) >= 4 && strings.EqualFold(tag[:4], "aws:") }

// https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html
func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) (err error) {
		if k.State == pendingDeletion {
			return k.ready()
		}
		k.Tags, err = tagged(k.Tags, in.Tags)
		return err
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html
func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.KeyId, func(_ *kv.Tx, k *key) error {
		if k.State == pendingDeletion {
			return k.ready()
		}
		for _, t := range in.TagKeys {
			delete(k.Tags, t)
		}
		return nil
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
func (s *Service) listResourceTags(ctx context.Context, in *shapes.ListResourceTagsRequest) (*shapes.ListResourceTagsResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	names, next, err := cut(slices.Sorted(maps.Keys(k.Tags)), in.Marker, in.Limit, 50, func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	out := &shapes.ListResourceTagsResponse{Tags: []shapes.Tag{}, NextMarker: next, Truncated: ptr(next != nil)}
	for _, name := range names {
		out.Tags = append(out.Tags, shapes.Tag{TagKey: ptr(name), TagValue: ptr(k.Tags[name])})
	}
	return out, nil
}
