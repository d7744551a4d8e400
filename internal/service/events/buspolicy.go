package events

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// maxPolicy is the size of the largest policy of a bus.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const maxPolicy = 10240

// document is a policy that statements are put into and removed from. What it
// does not know it keeps.
type document struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// statement is what PutPermission makes, in AWS's order.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// putPermission sets a bus's policy, or a statement of it.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
func (s *Service) putPermission(ctx context.Context, in *shapes.PutPermissionRequest) (*schema.Empty, error) {
	b, err := busOf(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.Policy != nil {
		if in.Action != nil || in.Principal != nil || in.StatementId != nil || in.Condition != nil {
			return nil, invalid("Policy cannot be given with Action, Principal, StatementId or Condition.")
		}
		if err := checkPolicy(*in.Policy); err != nil {
			return nil, err
		}
		_, err := s.changeBus(ctx, b, func(row *busRow) error { row.Policy = *in.Policy; return nil })
		return &schema.Empty{}, err
	}
	if in.Action == nil || in.Principal == nil || in.StatementId == nil {
		return nil, invalid("Parameters Action, Principal and StatementId must be specified when Policy is not.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Action: *in.Action, Resource: b.arn(), Principal: "*"}
	if *in.Principal != "*" {
		st.Principal = map[string]string{"AWS": string(arn.Scope{Partition: b.scope.Partition, Region: b.scope.Region, Account: *in.Principal}.Root())}
	}
	if c := in.Condition; c != nil {
		if value(c.Type) != "StringEquals" || value(c.Key) != "aws:PrincipalOrgID" || *in.Principal != "*" {
			return nil, invalid("Parameter Condition is not valid. Reason: StringEquals of aws:PrincipalOrgID is supported, with the principal *.")
		}
		st.Condition = map[string]map[string]string{*c.Type: {*c.Key: value(c.Value)}}
	}
	raw, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return &schema.Empty{}, s.changePolicy(ctx, b, func(d *document) error {
		d.Statement = append(slices.DeleteFunc(d.Statement, func(old json.RawMessage) bool { return sid(old) == st.Sid }), raw)
		return nil
	})
}

func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return fault.New("PolicyLengthExceededException", "The policy is %d bytes long, and at most %d are allowed.", len(text), maxPolicy)
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return invalid("Parameter Policy is not valid. Reason: %s", err).Because(err)
	}
	return nil
}

func sid(raw json.RawMessage) string {
	var st struct{ Sid string }
	if json.Unmarshal(raw, &st) != nil {
		return ""
	}
	return st.Sid
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemovePermission.html
func (s *Service) removePermission(ctx context.Context, in *shapes.RemovePermissionRequest) (*schema.Empty, error) {
	b, err := busOf(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.RemoveAllPermissions != nil && *in.RemoveAllPermissions {
		_, err := s.changeBus(ctx, b, func(row *busRow) error { row.Policy = ""; return nil })
		return &schema.Empty{}, err
	}
	if in.StatementId == nil {
		return nil, invalid("Parameter StatementId must be specified, or RemoveAllPermissions.")
	}
	return &schema.Empty{}, s.changePolicy(ctx, b, func(d *document) error {
		before := len(d.Statement)
		d.Statement = slices.DeleteFunc(d.Statement, func(old json.RawMessage) bool { return sid(old) == *in.StatementId })
		if before == 0 {
			return notFound("EventBus does not have a policy.")
		}
		if len(d.Statement) == before {
			return notFound("Statement with the provided id does not exist.")
		}
		return nil
	})
}

// changePolicy changes the statements of a bus's policy.
func (s *Service) changePolicy(ctx context.Context, b bus, change func(*document) error) error {
	_, err := s.changeBus(ctx, b, func(row *busRow) error {
		d := document{Version: "2012-10-17"}
		if row.Policy != "" {
			if err := json.Unmarshal([]byte(row.Policy), &d); err != nil {
				return fmt.Errorf("policy of %s: %w", b.arn(), err)
			}
		}
		if err := change(&d); err != nil {
			return err
		}
		if len(d.Statement) == 0 {
			row.Policy = ""
			return nil
		}
		text, err := json.Marshal(&d)
		if err != nil {
			return fmt.Errorf("policy of %s: %w", b.arn(), err)
		}
		row.Policy = string(text)
		return checkPolicy(row.Policy)
	})
	return err
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of a bus, which
// also judges what is done with its rules.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	b, ok := busOfARN(resource.String())
	if !ok {
		r, isRule := ruleOfARN(resource.String())
		if !isRule {
			return nil, nil
		}
		b = r.bus
	}
	row, err := s.viewBus(ctx, b)
	if fault.Is(err, "ResourceNotFoundException") || err == nil && row.Policy == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if old, ok := s.policies.Load(b); ok && old.(*parsed).text == row.Policy {
		return old.(*parsed).doc, nil
	}
	doc, err := policy.Parse(policy.Resource, row.Policy)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", b.arn(), err)
	}
	s.policies.Store(b, &parsed{row.Policy, doc})
	return doc, nil
}

// parsed is the policy of a bus as it was read last.
type parsed struct {
	text string
	doc  *policy.Doc
}
