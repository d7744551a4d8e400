package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of the table that the resource is, or an index of. Streams
// do not have their tables'.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (doc *policy.Doc, err error) {
	name, ok := strings.CutPrefix(resource.Resource(), "table/")
	name, part, _ := strings.Cut(name, "/")
	if !ok || strings.HasPrefix(part, "stream/") {
		return nil, nil
	}
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.table(sn, keyspace.Cell{Account: resource.Account(), Region: resource.Region()}, name)
		if err == nil && t != nil {
			doc, err = t.policy()
		}
		return err
	})
	return doc, err
}

// checkPolicy checks a policy document.
func checkPolicy(text string) error {
	_, err := policy.Parse(policy.Resource, text)
	var bad *policy.Error
	if errors.As(err, &bad) {
		return validation("Invalid policy document: %s", bad.Message).Because(err)
	}
	return err
}

// revisionOf names the content of a policy.
func revisionOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func policyNotFound(a string) *fault.Error {
	return fault.New("PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: %s", a)
}

// putResourcePolicy: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
func (s *Service) putResourcePolicy(ctx context.Context, in *shapes.PutResourcePolicyInput) (*shapes.PutResourcePolicyOutput, error) {
	text := value(in.Policy)
	if err := checkPolicy(text); err != nil {
		return nil, err
	}
	revision := revisionOf(text)
	err := s.changeResource(ctx, in.ResourceArn, func(t *table) error {
		if err := t.checkRevision(in.ExpectedRevisionId, value(in.ResourceArn)); err != nil {
			return err
		}
		t.Policy = text
		return nil
	})
	return &shapes.PutResourcePolicyOutput{RevisionId: &revision}, err
}

// checkRevision checks ExpectedRevisionId, which is NO_POLICY for a policy that must not be there.
func (t *table) checkRevision(want *string, resource string) error {
	switch {
	case want == nil:
		return nil
	case *want == "NO_POLICY" && t.Policy == "":
		return nil
	case t.Policy == "" || *want != revisionOf(t.Policy):
		return policyNotFound(resource)
	}
	return nil
}

// getResourcePolicy: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
func (s *Service) getResourcePolicy(ctx context.Context, in *shapes.GetResourcePolicyInput) (*shapes.GetResourcePolicyOutput, error) {
	name, err := resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetResourcePolicyOutput{}
	err = s.look(ctx, name, func(_ *kv.Snap, t *table) error {
		if t.Policy == "" {
			return policyNotFound(value(in.ResourceArn))
		}
		out.Policy, out.RevisionId = &t.Policy, ptr(revisionOf(t.Policy))
		return nil
	})
	return out, err
}

// deleteResourcePolicy: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteResourcePolicy.html
func (s *Service) deleteResourcePolicy(ctx context.Context, in *shapes.DeleteResourcePolicyInput) (*shapes.DeleteResourcePolicyOutput, error) {
	out := &shapes.DeleteResourcePolicyOutput{}
	err := s.changeResource(ctx, in.ResourceArn, func(t *table) error {
		if t.Policy == "" {
			return nil // deleting what is not there succeeds
		}
		if err := t.checkRevision(in.ExpectedRevisionId, value(in.ResourceArn)); err != nil {
			return err
		}
		out.RevisionId = ptr(revisionOf(t.Policy))
		t.Policy = ""
		return nil
	})
	return out, err
}

// onTable is the access function of an operation on a table.
//
//go:noinline
func onTable[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "dynamodb:" + action, Resource: tableARN(ctx, name(in))}}, nil
	}
}

// onResource is the access function of an operation that names its table by the ARN.
//
//go:noinline
func onResource[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(_ context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "dynamodb:" + action, Resource: arn.ARN(value(name(in)))}}, nil
	}
}

// tableARN is the ARN of the table that a TableName parameter means.
func tableARN(ctx context.Context, name *string) arn.ARN {
	if strings.HasPrefix(value(name), "arn:") {
		return arn.ARN(*name)
	}
	return awsapi.From(ctx).Scope.Table(value(name))
}
