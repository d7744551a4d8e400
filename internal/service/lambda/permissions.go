package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// statement is a statement of a function's resource policy, with its members
// in Lambda's order.
//
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// maxPolicy is the size of the largest resource policy.
const maxPolicy = 20 << 10

func (s *Service) addPermission(ctx context.Context, in *shapes.AddPermissionRequest) (*shapes.AddPermissionResponse, error) {
	r, err := parseRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.qualifier == latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	scope := awsapi.From(ctx).Scope
	st := statement{Sid: value(in.StatementId), Effect: "Allow", Action: value(in.Action), Resource: string(r.arn(scope))}
	if st.Principal, err = principal(scope, value(in.Principal)); err != nil {
		return nil, err
	}
	st.Condition = conditions(in)
	raw, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	revision := newUUID()
	_, err = s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if err := f.hasQualifier(tx, sp, r, scope); err != nil {
			return err
		}
		p := f.Policies[r.qualifier]
		if p == nil {
			p = &permissions{}
		}
		if in.RevisionId != nil && *in.RevisionId != p.Revision {
			return stale()
		}
		size := len(raw)
		for _, have := range p.Statements {
			if sid(have) == st.Sid {
				return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
			}
			size += len(have)
		}
		if size > maxPolicy {
			return fault.New("PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", size, maxPolicy)
		}
		p = &permissions{Revision: revision, Statements: append(slices.Clone(p.Statements), raw)}
		if f.Policies == nil {
			f.Policies = map[string]*permissions{}
		}
		f.Policies[r.qualifier] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.AddPermissionResponse{Statement: ptr(string(raw))}, nil
}

// hasQualifier checks that a version or alias exists.
func (f *function) hasQualifier(g getter, sp space, r ref, scope arn.Scope) error {
	if r.qualifier == "" || f.Aliases[r.qualifier] != nil {
		return nil
	}
	c, err := f.config(g, sp, r.qualifier)
	if err != nil {
		return err
	}
	if c == nil {
		return notFound(string(r.arn(scope)))
	}
	return nil
}

func principal(scope arn.Scope, text string) (any, error) {
	switch {
	case text == "*":
		return "*", nil
	case strings.HasSuffix(text, ".amazonaws.com") && strings.Count(text, ".") == 2, text == "apigateway.amazonaws.com":
		return map[string]string{"Service": text}, nil
	case len(text) == 12 && strings.Trim(text, "0123456789") == "":
		return map[string]string{"AWS": string(arn.Scope{Partition: scope.Partition, Account: text}.Root())}, nil
	case arn.Looks(text) && (arn.ARN(text).Service() == "iam" || arn.ARN(text).Service() == "sts"):
		return map[string]string{"AWS": text}, nil
	}
	return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
}

func conditions(in *shapes.AddPermissionRequest) map[string]map[string]string {
	out := map[string]map[string]string{}
	add := func(operator, key string, v *string) {
		if value(v) == "" {
			return
		}
		if out[operator] == nil {
			out[operator] = map[string]string{}
		}
		out[operator][key] = *v
	}
	add("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	if value(in.InvokedViaFunctionUrl) {
		add("Bool", "lambda:InvokedViaFunctionUrl", ptr("true"))
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func sid(raw json.RawMessage) string {
	var st struct{ Sid string }
	if json.Unmarshal(raw, &st) != nil {
		return ""
	}
	return st.Sid
}

func (s *Service) removePermission(ctx context.Context, in *shapes.RemovePermissionRequest) (*schema.Empty, error) {
	r, err := parseRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	revision := newUUID()
	_, err = s.change(ctx, in.FunctionName, func(_ *kv.Tx, _ space, f *function) error {
		p := f.Policies[r.qualifier]
		if p == nil {
			return fault.New("ResourceNotFoundException", "No policy is associated with the given resource.")
		}
		if in.RevisionId != nil && *in.RevisionId != p.Revision {
			return stale()
		}
		at := slices.IndexFunc(p.Statements, func(raw json.RawMessage) bool { return sid(raw) == value(in.StatementId) })
		if at < 0 {
			return fault.New("ResourceNotFoundException", "Statement %s is not found in resource policy.", value(in.StatementId))
		}
		p.Statements, p.Revision = slices.Delete(p.Statements, at, at+1), revision
		if len(p.Statements) == 0 {
			delete(f.Policies, r.qualifier)
		}
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) getPolicy(ctx context.Context, in *shapes.GetPolicyRequest) (*shapes.GetPolicyResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := f.Policies[r.qualifier]
	if p == nil {
		return nil, noResource()
	}
	return &shapes.GetPolicyResponse{Policy: ptr(p.document()), RevisionId: &p.Revision}, nil
}

// document is the policy as JSON.
func (p *permissions) document() string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Id":"default","Statement":[`)
	for i, raw := range p.Statements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(raw)
	}
	b.WriteString(`]}`)
	return b.String()
}

// ResourcePolicy implements [awsapi.ResourcePolicier].
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	if resource.Service() != "lambda" || resource.ResourceType() != "function" {
		return nil, nil
	}
	r, err := parseRef(ctx, ptr(string(resource)), nil)
	if err != nil {
		return nil, nil // not here: nobody grants anything
	}
	f, err := s.cached(ctx, r.name)
	if err != nil || f == nil {
		return nil, err
	}
	p := f.Policies[r.qualifier]
	if p == nil {
		return nil, nil
	}
	if doc := p.read.Load(); doc != nil {
		return doc, nil
	}
	doc, err := policy.Parse(policy.Resource, p.document())
	if err != nil {
		return nil, fmt.Errorf("resource policy of %s: %w", resource, err)
	}
	p.read.Store(doc)
	return doc, nil
}
