package events

import (
	"context"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html
func (s *Service) listRules(ctx context.Context, in *shapes.ListRulesRequest) (*shapes.ListRulesResponse, error) {
	out := &shapes.ListRulesResponse{Rules: []shapes.Rule{}}
	var err error
	out.NextToken, err = s.eachRule(ctx, in.EventBusName, in.NextToken, in.Limit, value(in.NamePrefix), func(r rule, row *ruleRow) bool {
		out.Rules = append(out.Rules, shapes.Rule{
			Name: &r.name, Arn: ptr(r.arn()), EventPattern: given(row.Pattern), ScheduleExpression: given(row.Schedule), State: &row.State,
			Description: given(row.Description), RoleArn: given(row.Role), ManagedBy: given(row.ManagedBy), EventBusName: &r.bus.name,
		})
		return true
	})
	return out, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRuleNamesByTarget.html
func (s *Service) listRuleNames(ctx context.Context, in *shapes.ListRuleNamesByTargetRequest) (*shapes.ListRuleNamesByTargetResponse, error) {
	out := &shapes.ListRuleNamesByTargetResponse{RuleNames: []string{}}
	var err error
	out.NextToken, err = s.eachRule(ctx, in.EventBusName, in.NextToken, in.Limit, "", func(r rule, row *ruleRow) bool {
		if !slices.ContainsFunc(row.Targets, func(t target) bool { return t.ARN == value(in.TargetArn) }) {
			return false
		}
		out.RuleNames = append(out.RuleNames, r.name)
		return true
	})
	return out, err
}

// eachRule goes over a page of a bus's rules.
func (s *Service) eachRule(ctx context.Context, on, token *string, limit *int32, prefix string, take func(rule, *ruleRow) bool) (next *string, err error) {
	b, err := busOf(ctx, on)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(token, limit)
	if err != nil {
		return nil, err
	}
	sp := b.space()
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		if _, err := loadBus(snap, b); err != nil {
			return err
		}
		next, err = p.list(snap, sp.Subspace, sp.rulesOf(b.name), 2, prefix, func(name string, kvs kv.Pair) (bool, error) {
			var row ruleRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, err
			}
			return take(rule{b, name}, &row), nil
		})
		return err
	})
	return next, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html
func (s *Service) listTargets(ctx context.Context, in *shapes.ListTargetsByRuleRequest) (*shapes.ListTargetsByRuleResponse, error) {
	r, err := ruleOf(ctx, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	row, err := s.viewRule(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListTargetsByRuleResponse{Targets: []shapes.Target{}}
	for _, t := range row.Targets {
		if p.after != "" && t.ID <= p.after {
			continue
		}
		if len(out.Targets) == p.limit {
			out.NextToken = p.next(*out.Targets[p.limit-1].Id)
			break
		}
		out.Targets = append(out.Targets, t.shape())
	}
	return out, nil
}
