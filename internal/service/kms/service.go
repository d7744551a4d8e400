package kms

import (
	"context"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// Sealer keeps key material secret where it lies. What it seals opens only
// together with the same associated data.
type Sealer interface {
	Seal(ctx context.Context, text, associated []byte) ([]byte, error)
	Open(ctx context.Context, envelope, associated []byte) ([]byte, error)
}

// Timers are set for what keys do by themselves. It is a *timer.Timers.
type Timers interface {
	Set(tx *kv.Tx, t timer.T) error
	Handle(kind string, fire timer.Fire)
}

// Options says what the service needs.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Sealer Sealer
	Timers Timers
}

// Service is KMS.
type Service struct {
	Options
	api      *awsapi.Service
	policies sync.Map // ARN of a key → *parsed
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	s.api.Policies = s
	s.registerKeys()
	s.registerGrants()
	s.registerCryptography()
	s.api.NotOffered(noStores, "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore", "DescribeCustomKeyStores",
		"DisconnectCustomKeyStore", "UpdateCustomKeyStore")
	s.api.NotOffered(noRegions, "ReplicateKey", "UpdatePrimaryRegion")
	o.Timers.Handle(timerDelete, s.fireDelete)
	o.Timers.Handle(timerRotate, s.fireRotate)
	o.Timers.Handle(timerExpire, s.fireExpire)
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) registerKeys() {
	awsapi.Handle(s.api, shapes.CreateKey, accessCreateKey, s.createKey)
	awsapi.Handle(s.api, shapes.DescribeKey, onKey(s, "DescribeKey", func(in *shapes.DescribeKeyRequest) *string { return in.KeyId }), s.describeKey)
	awsapi.Handle(s.api, shapes.ListKeys, nil, s.listKeys)
	awsapi.Handle(s.api, shapes.UpdateKeyDescription, onKey(s, "UpdateKeyDescription", func(in *shapes.UpdateKeyDescriptionRequest) *string { return in.KeyId }), s.updateKeyDescription)
	awsapi.Handle(s.api, shapes.EnableKey, onKey(s, "EnableKey", func(in *shapes.EnableKeyRequest) *string { return in.KeyId }), s.enableKey)
	awsapi.Handle(s.api, shapes.DisableKey, onKey(s, "DisableKey", func(in *shapes.DisableKeyRequest) *string { return in.KeyId }), s.disableKey)
	awsapi.Handle(s.api, shapes.ScheduleKeyDeletion, s.accessSchedule, s.scheduleKeyDeletion)
	awsapi.Handle(s.api, shapes.CancelKeyDeletion, onKey(s, "CancelKeyDeletion", func(in *shapes.CancelKeyDeletionRequest) *string { return in.KeyId }), s.cancelKeyDeletion)
	awsapi.Handle(s.api, shapes.GetKeyPolicy, onKey(s, "GetKeyPolicy", func(in *shapes.GetKeyPolicyRequest) *string { return in.KeyId }), s.getKeyPolicy)
	awsapi.Handle(s.api, shapes.PutKeyPolicy, s.accessPutPolicy, s.putKeyPolicy)
	awsapi.Handle(s.api, shapes.ListKeyPolicies, onKey(s, "ListKeyPolicies", func(in *shapes.ListKeyPoliciesRequest) *string { return in.KeyId }), s.listKeyPolicies)
	awsapi.Handle(s.api, shapes.TagResource, s.accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, s.accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.ListResourceTags, onKey(s, "ListResourceTags", func(in *shapes.ListResourceTagsRequest) *string { return in.KeyId }), s.listResourceTags)
	awsapi.Handle(s.api, shapes.CreateAlias, s.accessCreateAlias, s.createAlias)
	awsapi.Handle(s.api, shapes.UpdateAlias, s.accessUpdateAlias, s.updateAlias)
	awsapi.Handle(s.api, shapes.DeleteAlias, s.accessDeleteAlias, s.deleteAlias)
	awsapi.Handle(s.api, shapes.ListAliases, nil, s.listAliases)
	awsapi.Handle(s.api, shapes.EnableKeyRotation, s.accessRotation, s.enableKeyRotation)
	awsapi.Handle(s.api, shapes.DisableKeyRotation, onKey(s, "DisableKeyRotation", func(in *shapes.DisableKeyRotationRequest) *string { return in.KeyId }), s.disableKeyRotation)
	awsapi.Handle(s.api, shapes.GetKeyRotationStatus, onKey(s, "GetKeyRotationStatus", func(in *shapes.GetKeyRotationStatusRequest) *string { return in.KeyId }), s.getKeyRotationStatus)
	awsapi.Handle(s.api, shapes.RotateKeyOnDemand, onKey(s, "RotateKeyOnDemand", func(in *shapes.RotateKeyOnDemandRequest) *string { return in.KeyId }), s.rotateKeyOnDemand)
	awsapi.Handle(s.api, shapes.ListKeyRotations, onKey(s, "ListKeyRotations", func(in *shapes.ListKeyRotationsRequest) *string { return in.KeyId }), s.listKeyRotations)
	awsapi.Handle(s.api, shapes.GetParametersForImport, s.accessImportParameters, s.getParametersForImport)
	awsapi.Handle(s.api, shapes.ImportKeyMaterial, s.accessImport, s.importKeyMaterial)
	awsapi.Handle(s.api, shapes.DeleteImportedKeyMaterial, onKey(s, "DeleteImportedKeyMaterial", func(in *shapes.DeleteImportedKeyMaterialRequest) *string { return in.KeyId }), s.deleteImportedKeyMaterial)
}

func (s *Service) registerGrants() {
	awsapi.Handle(s.api, shapes.CreateGrant, s.accessCreateGrant, s.createGrant)
	awsapi.Handle(s.api, shapes.ListGrants, onKey(s, "ListGrants", func(in *shapes.ListGrantsRequest) *string { return in.KeyId }), s.listGrants)
	awsapi.Handle(s.api, shapes.ListRetirableGrants, nil, s.listRetirableGrants)
	awsapi.Handle(s.api, shapes.RevokeGrant, s.accessRevoke, s.revokeGrant)
	awsapi.Handle(s.api, shapes.RetireGrant, s.accessRetire, s.retireGrant)
}

func (s *Service) registerCryptography() {
	awsapi.Handle(s.api, shapes.Encrypt, s.accessEncrypt, s.encrypt)
	awsapi.Handle(s.api, shapes.Decrypt, s.accessDecrypt, s.decrypt)
	awsapi.Handle(s.api, shapes.ReEncrypt, s.accessReEncrypt, s.reEncrypt)
	awsapi.Handle(s.api, shapes.GenerateDataKey, s.accessDataKey, s.generateDataKey)
	awsapi.Handle(s.api, shapes.GenerateDataKeyWithoutPlaintext, s.accessDataKeyWithout, s.generateDataKeyWithout)
	awsapi.Handle(s.api, shapes.GenerateDataKeyPair, s.accessDataKeyPair, s.generateDataKeyPair)
	awsapi.Handle(s.api, shapes.GenerateDataKeyPairWithoutPlaintext, s.accessDataKeyPairWithout, s.generateDataKeyPairWithout)
	awsapi.Handle(s.api, shapes.GenerateRandom, nil, s.generateRandom)
	awsapi.Handle(s.api, shapes.Sign, s.accessSign, s.sign)
	awsapi.Handle(s.api, shapes.Verify, s.accessVerify, s.verify)
	awsapi.Handle(s.api, shapes.GenerateMac, s.accessGenerateMac, s.generateMac)
	awsapi.Handle(s.api, shapes.VerifyMac, s.accessVerifyMac, s.verifyMac)
	awsapi.Handle(s.api, shapes.DeriveSharedSecret, s.accessDerive, s.deriveSharedSecret)
	awsapi.Handle(s.api, shapes.GetPublicKey, onKey(s, "GetPublicKey", func(in *shapes.GetPublicKeyRequest) *string { return in.KeyId }), s.getPublicKey)
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func yes(p *bool) bool { return p != nil && *p }

func ptr[T any](v T) *T { return &v }
