package iam

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// facts are the condition keys of IAM's own actions.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
type facts struct {
	tags      map[string]string // of the resource
	boundary  arn.ARN           // that the entity has, or is to have
	policyARN arn.ARN           // that is attached or detached
	request   []shapes.Tag
	tagKeys   []string
}

// Key implements [policy.Keys].
func (f *facts) Key(name string) (policy.Value, bool) {
	switch name {
	case "iam:permissionsboundary":
		return policy.One(f.boundary.String()), f.boundary != ""
	case "iam:policyarn":
		return policy.One(f.policyARN.String()), f.policyARN != ""
	case "aws:tagkeys":
		return policy.Many(f.tagKeys...), len(f.tagKeys) > 0
	}
	prefix, key, ok := strings.Cut(name, "/")
	switch {
	case !ok:
	case prefix == "aws:resourcetag" || prefix == "iam:resourcetag":
		for k, v := range f.tags {
			if strings.EqualFold(k, key) {
				return policy.One(v), true
			}
		}
	case prefix == "aws:requesttag":
		for _, t := range f.request {
			if strings.EqualFold(value(t.Key), key) {
				return policy.One(value(t.Value)), true
			}
		}
	}
	return policy.Value{}, false
}

// tagged adds the tags of a request.
func (f *facts) tagged(tags []shapes.Tag) *facts {
	f.request = tags
	for _, t := range tags {
		f.tagKeys = append(f.tagKeys, value(t.Key))
	}
	return f
}

// existing is the entity of that name with its path, tags and boundary. One
// that does not exist has none of them, which is all that a caller who is then
// denied can find out.
func (s *Service) existing(ctx context.Context, k kind, name string) (*entity, error) {
	e, err := s.read(ctx, k, name)
	if fault.Is(err, "NoSuchEntity") {
		return &entity{Kind: k, Name: name}, nil
	}
	return e, err
}

// on is the access function of an operation on one entity.
//
//go:noinline
func on[I any](s *Service, action string, k kind, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return s.onEntity(ctx, action, k, name(in), &facts{})
	}
}

// onEntity completes the facts with those of the entity.
func (s *Service) onEntity(ctx context.Context, action string, k kind, name *string, f *facts) ([]awsapi.Access, error) {
	e, err := s.existing(ctx, k, value(name))
	if err != nil {
		return nil, err
	}
	if f.tags = e.Tags; f.boundary == "" {
		f.boundary = e.Boundary
	}
	return []awsapi.Access{{Action: "iam:" + action, Resource: e.arn(s.scope(ctx)), Keys: f}}, nil
}

// onNew is the permission to make an entity, which has the path asked for.
func (s *Service) onNew(ctx context.Context, action string, e entity, f *facts) []awsapi.Access {
	return []awsapi.Access{{Action: "iam:" + action, Resource: e.arn(s.scope(ctx)), Keys: f}}
}

// onAttached is the permission to attach or detach a managed policy.
func (s *Service) onAttached(ctx context.Context, action string, k kind, name, policyARN *string) ([]awsapi.Access, error) {
	return s.onEntity(ctx, action, k, name, &facts{policyARN: arn.ARN(value(policyARN))})
}

// onPolicy is the access function of an operation on a managed policy.
//
//go:noinline
func onPolicy[I any](s *Service, action string, policyARN func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return s.onManaged(ctx, action, policyARN(in), &facts{})
	}
}

func (s *Service) onManaged(ctx context.Context, action string, policyARN *string, f *facts) ([]awsapi.Access, error) {
	a := arn.ARN(value(policyARN))
	m, err := s.readPolicy(ctx, a)
	switch {
	case fault.Is(err, "NoSuchEntity"):
	case err != nil:
		return nil, err
	default:
		f.tags = m.Tags
	}
	return []awsapi.Access{{Action: "iam:" + action, Resource: a, Keys: f}}, nil
}

// onSelf is the permission for an operation on a user, the caller itself when
// none is named.
func (s *Service) onSelf(ctx context.Context, action string, name *string) ([]awsapi.Access, error) {
	if name != nil {
		return s.onEntity(ctx, action, user, name, &facts{})
	}
	caller := awsapi.From(ctx).Actor.Principal.ARN
	if n := userOf(caller); n != "" {
		return s.onEntity(ctx, action, user, &n, &facts{})
	}
	return []awsapi.Access{{Action: "iam:" + action, Resource: caller}}, nil
}

// onKey is the permission for an operation on an access key, whose user it is
// about.
func (s *Service) onKey(ctx context.Context, action, id string) ([]awsapi.Access, error) {
	var k *accessKey
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		k, err = jsonrow.Load[accessKey](sn, spaceOf(awsapi.From(ctx).Scope.Account).key(id))
		return err
	})
	if err != nil {
		return nil, err
	}
	if k == nil {
		k = &accessKey{User: "*"}
	}
	return s.onEntity(ctx, action, user, &k.User, &facts{})
}

// userOf is the name of the user of an ARN, "" when it is not a user's.
func userOf(a arn.ARN) string {
	if a.Service() != "iam" || !strings.HasPrefix(a.Resource(), "user/") {
		return ""
	}
	return policyName(a)
}
