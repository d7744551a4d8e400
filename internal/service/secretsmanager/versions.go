package secretsmanager

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The labels that Secrets Manager moves itself.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"
)

// maxVersions is how many versions a secret keeps: without a label, the oldest go.
const maxVersions = 100

// maxBatch is how many secrets BatchGetSecretValue reads at once.
const maxBatch = 20

func stageOf(asked *string) string {
	if asked == nil {
		return current
	}
	return *asked
}

// stagesOf are the labels of a version, in order.
func (x *secret) stagesOf(version string) []string {
	out := []string{}
	for stage, of := range x.Stages {
		if of == version {
			out = append(out, stage)
		}
	}
	slices.Sort(out)
	return out
}

// label moves a label to a version. What was current is the previous one then.
func (x *secret) label(stage, version string) {
	if x.Stages == nil {
		x.Stages = map[string]string{}
	}
	if old := x.Stages[current]; stage == current && old != "" && old != version {
		x.Stages[previous] = old
	}
	if stage == current && x.Stages[previous] == version {
		delete(x.Stages, previous)
	}
	x.Stages[stage] = version
}

// trim forgets the oldest versions without labels when there are too many.
func (x *secret) trim(tx *kv.Tx) {
	for len(x.Versions) > maxVersions {
		oldest := ""
		for id, at := range x.Versions {
			if len(x.stagesOf(id)) == 0 && (oldest == "" || at < x.Versions[oldest]) {
				oldest = id
			}
		}
		if oldest == "" {
			return
		}
		delete(x.Versions, oldest)
		tx.Delete(x.space().version(x.text, x.suffix, oldest))
	}
}

// add makes a version of a secret, or fills one that a rotation has begun. The
// same value with the same token again is the request that was done before:
// nothing of what came after it is undone.
func (s *Service) add(ctx context.Context, id *string, token string, p *payload, stages []string, update func(x *secret) error) (*secret, error) {
	now := s.Clock.Now()
	for {
		x, err := s.view(ctx, id)
		if err != nil {
			return nil, err
		}
		if x.Deleted != 0 {
			return nil, deleted()
		}
		old, err := s.valueOf(ctx, x, token)
		if err != nil {
			return nil, err
		}
		if old != nil {
			have, err := s.open(ctx, x.name, token, old)
			if err == nil && !have.same(p) {
				err = fault.New("ResourceExistsException", "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, x.arn())
			}
			return x, err
		}
		if update != nil {
			if err := update(x); err != nil {
				return nil, err
			}
		}
		row, err := s.seal(ctx, x.name, x.KeyID, token, p)
		if err != nil {
			return nil, err
		}
		again := false
		done, err := s.change(ctx, ptr(x.arn()), func(tx *kv.Tx, y *secret) error {
			k := y.space().version(y.text, y.suffix, token)
			have, err := tx.Get(k)
			if again = have != nil; err != nil || again {
				return err
			}
			if update != nil {
				if err := update(y); err != nil {
					return err
				}
			}
			if err := jsonrow.Set(tx, k, row); err != nil {
				return err
			}
			if y.Versions == nil {
				y.Versions = map[string]clock.Instant{}
			}
			if _, known := y.Versions[token]; !known {
				y.Versions[token] = now
			}
			if y.Stages[current] == "" {
				y.label(current, token)
			}
			for _, stage := range stages {
				y.label(stage, token)
			}
			y.Changed = now
			y.trim(tx)
			return nil
		})
		if err != nil || !again {
			return done, err
		}
	}
}

// valueOf reads the row of a version, nil if it has no value.
func (s *Service) valueOf(ctx context.Context, x *secret, version string) (row *versionRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		var v versionRow
		ok, err := jsonrow.Get(snap, x.space().version(x.text, x.suffix, version), &v)
		if ok {
			row = &v
		}
		return err
	})
	return row, err
}

// tokenOf is the id of a version that a call makes.
func tokenOf(token *string) string {
	if token == nil {
		return awsapi.NewID()
	}
	return *token
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func (s *Service) putSecretValue(ctx context.Context, in *shapes.PutSecretValueRequest) (*shapes.PutSecretValueResponse, error) {
	p, err := payloadOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	stages := in.VersionStages
	if len(stages) == 0 {
		stages = []string{current}
	}
	token := tokenOf(in.ClientRequestToken)
	x, err := s.add(ctx, in.SecretId, token, p, stages, nil)
	if err != nil {
		return nil, err
	}
	return &shapes.PutSecretValueResponse{ARN: ptr(x.arn()), Name: &x.text, VersionId: &token, VersionStages: x.stagesOf(token)}, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func (s *Service) getSecretValue(ctx context.Context, in *shapes.GetSecretValueRequest) (*shapes.GetSecretValueResponse, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	if x.Deleted != 0 {
		return nil, deleted()
	}
	version := value(in.VersionId)
	if version == "" {
		stage := stageOf(in.VersionStage)
		if version = x.Stages[stage]; version == "" {
			return nil, noValue("staging label", stage)
		}
	} else if in.VersionStage != nil && x.Stages[*in.VersionStage] != version {
		return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	v, err := s.valueOf(ctx, x, version)
	if err != nil {
		return nil, err
	}
	if v == nil {
		if in.VersionId == nil {
			return nil, noValue("staging label", stageOf(in.VersionStage))
		}
		return nil, noValue("VersionId", version)
	}
	p, err := s.open(ctx, x.name, version, v)
	if err != nil {
		return nil, err
	}
	if err := s.accessed(ctx, x); err != nil {
		return nil, err
	}
	return &shapes.GetSecretValueResponse{
		ARN: ptr(x.arn()), Name: &x.text, VersionId: &version, SecretBinary: p.binary, SecretString: p.text, VersionStages: x.stagesOf(version), CreatedDate: ptr(x.Versions[version]),
	}, nil
}

// accessed notes the day on which a secret was read, once a day.
func (s *Service) accessed(ctx context.Context, x *secret) error {
	day := clock.At(s.Clock.Now().Time().Truncate(24 * time.Hour))
	if x.Accessed == day {
		return nil
	}
	_, err := s.changeAny(ctx, ptr(x.arn()), func(_ *kv.Tx, x *secret) error {
		x.Accessed = day
		return nil
	})
	if fault.Is(err, "ResourceNotFoundException") {
		return nil // it has been deleted since
	}
	return err
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
func (s *Service) batchGetSecretValue(ctx context.Context, in *shapes.BatchGetSecretValueRequest) (*shapes.BatchGetSecretValueResponse, error) {
	if (len(in.SecretIdList) > 0) == (len(in.Filters) > 0) {
		return nil, invalidParameter("You must provide either SecretIdList or Filters, and not both.")
	}
	ids, next := in.SecretIdList, (*string)(nil)
	if len(in.Filters) > 0 {
		most := in.MaxResults
		if most == nil {
			most = ptr(int32(maxBatch))
		}
		list, err := s.listSecrets(ctx, &shapes.ListSecretsRequest{Filters: in.Filters, MaxResults: most, NextToken: in.NextToken})
		if err != nil {
			return nil, err
		}
		next = list.NextToken
		for _, x := range list.SecretList {
			ids = append(ids, *x.ARN)
		}
	}
	out := &shapes.BatchGetSecretValueResponse{SecretValues: []shapes.SecretValueEntry{}, Errors: []shapes.APIErrorType{}, NextToken: next}
	for _, id := range ids {
		got, err := awsapi.Do(ctx, s.Caller, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: &id})
		if e, ok := fault.As(err); ok {
			code := e.Code
			if code == "AccessDenied" {
				code = "AccessDeniedException"
			}
			out.Errors = append(out.Errors, shapes.APIErrorType{SecretId: &id, ErrorCode: &code, Message: &e.Message})
			continue
		}
		if err != nil {
			return nil, err
		}
		out.SecretValues = append(out.SecretValues, shapes.SecretValueEntry(*got))
	}
	return out, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
func (s *Service) listSecretVersionIds(ctx context.Context, in *shapes.ListSecretVersionIdsRequest) (*shapes.ListSecretVersionIdsResponse, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListSecretVersionIdsResponse{ARN: ptr(x.arn()), Name: &x.text, Versions: []shapes.SecretVersionsListEntry{}}
	ids := slices.Sorted(maps.Keys(x.Versions))
	for _, id := range ids {
		stages := x.stagesOf(id)
		if len(stages) == 0 && !yes(in.IncludeDeprecated) || in.NextToken != nil && id <= *in.NextToken {
			continue
		}
		if in.MaxResults != nil && len(out.Versions) == int(*in.MaxResults) {
			out.NextToken = out.Versions[len(out.Versions)-1].VersionId
			break
		}
		e := shapes.SecretVersionsListEntry{VersionId: &id, CreatedDate: ptr(x.Versions[id]), KmsKeyIds: []string{"DefaultEncryptionKey"}}
		if len(stages) > 0 {
			e.VersionStages = stages
		}
		if x.KeyID != "" {
			e.KmsKeyIds = []string{x.KeyID}
		}
		if x.Accessed != 0 {
			e.LastAccessedDate = ptr(x.Accessed)
		}
		out.Versions = append(out.Versions, e)
	}
	return out, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
func (s *Service) updateSecretVersionStage(ctx context.Context, in *shapes.UpdateSecretVersionStageRequest) (*shapes.UpdateSecretVersionStageResponse, error) {
	stage, from, to := value(in.VersionStage), value(in.RemoveFromVersionId), value(in.MoveToVersionId)
	now := s.Clock.Now()
	x, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) error {
		have := x.Stages[stage]
		for _, id := range []string{from, to} {
			if _, ok := x.Versions[id]; id != "" && !ok {
				return fault.New("ResourceNotFoundException", "Secrets Manager can't find the specified secret version: %s.", id)
			}
		}
		switch {
		case from == "" && to == "":
			return invalidParameter("You must provide at least one of RemoveFromVersionId and MoveToVersionId.")
		case have != "" && have != to && from == "":
			return invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", stage, have)
		case from != "" && have != from:
			return invalidParameter("The parameter RemoveFromVersionId is incorrect. Staging label %s is not attached to version %s.", stage, from)
		case to == "" && stage == current:
			return invalidParameter("You can only move staging label %s to a different secret version. It can't be completely removed.", current)
		case to == "":
			delete(x.Stages, stage)
		default:
			x.label(stage, to)
		}
		x.Changed = now
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateSecretVersionStageResponse{ARN: ptr(x.arn()), Name: &x.text}, nil
}
