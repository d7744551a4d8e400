package secretsmanager

import (
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// Timers are set for deletions and rotations. It is a *timer.Timers.
type Timers interface {
	Set(tx *kv.Tx, t timer.T) error
	Handle(kind string, fire timer.Fire)
}

// Emitter takes the steps of rotations. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
}

// Options says what the service needs.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Timers Timers
	Emit   Emitter
	// Caller calls KMS with the rights of who calls, and functions as the service.
	Caller awsapi.Caller
}

// Service is Secrets Manager.
type Service struct {
	Options
	api *awsapi.Service
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	s.api.Policies = s
	s.registerSecrets()
	s.registerValues()
	s.api.NotOffered(noReplicas, "ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica")
	o.Timers.Handle(timerDelete, s.fireDelete)
	o.Timers.Handle(timerRotate, s.fireRotate)
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) registerSecrets() {
	awsapi.Handle(s.api, shapes.CreateSecret, s.accessCreate, s.createSecret)
	awsapi.Handle(s.api, shapes.DescribeSecret, on(s, "DescribeSecret", func(in *shapes.DescribeSecretRequest) *string { return in.SecretId }), s.describeSecret)
	awsapi.Handle(s.api, shapes.ListSecrets, nil, s.listSecrets)
	awsapi.Handle(s.api, shapes.UpdateSecret, s.accessUpdate, s.updateSecret)
	awsapi.Handle(s.api, shapes.DeleteSecret, s.accessDelete, s.deleteSecret)
	awsapi.Handle(s.api, shapes.RestoreSecret, on(s, "RestoreSecret", func(in *shapes.RestoreSecretRequest) *string { return in.SecretId }), s.restoreSecret)
	awsapi.Handle(s.api, shapes.TagResource, s.accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, s.accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.GetResourcePolicy, on(s, "GetResourcePolicy", func(in *shapes.GetResourcePolicyRequest) *string { return in.SecretId }), s.getResourcePolicy)
	awsapi.Handle(s.api, shapes.PutResourcePolicy, s.accessPutPolicy, s.putResourcePolicy)
	awsapi.Handle(s.api, shapes.DeleteResourcePolicy, on(s, "DeleteResourcePolicy", func(in *shapes.DeleteResourcePolicyRequest) *string { return in.SecretId }), s.deleteResourcePolicy)
	awsapi.Handle(s.api, shapes.ValidateResourcePolicy, s.accessValidate, s.validateResourcePolicy)
	awsapi.Handle(s.api, shapes.RotateSecret, s.accessRotate, s.rotateSecret)
	awsapi.Handle(s.api, shapes.CancelRotateSecret, on(s, "CancelRotateSecret", func(in *shapes.CancelRotateSecretRequest) *string { return in.SecretId }), s.cancelRotateSecret)
}

func (s *Service) registerValues() {
	awsapi.Handle(s.api, shapes.GetSecretValue, s.accessGet, s.getSecretValue)
	awsapi.Handle(s.api, shapes.BatchGetSecretValue, accessBatch, s.batchGetSecretValue)
	awsapi.Handle(s.api, shapes.PutSecretValue, on(s, "PutSecretValue", func(in *shapes.PutSecretValueRequest) *string { return in.SecretId }), s.putSecretValue)
	awsapi.Handle(s.api, shapes.ListSecretVersionIds, on(s, "ListSecretVersionIds", func(in *shapes.ListSecretVersionIdsRequest) *string { return in.SecretId }), s.listSecretVersionIds)
	awsapi.Handle(s.api, shapes.UpdateSecretVersionStage, s.accessStage, s.updateSecretVersionStage)
	awsapi.Handle(s.api, shapes.GetRandomPassword, nil, s.getRandomPassword)
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func yes(p *bool) bool { return p != nil && *p }

func ptr[T any](v T) *T { return &v }

func maybe(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
