package events

import (
	"context"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/cron"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/pattern"
)

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// on reports whether events are matched and schedules fire.
func (r *ruleRow) on() bool { return r.State != disabled }

// parsePattern reads an event pattern. Its error is EventBridge's.
func parsePattern(text string) (*pattern.Pattern, error) {
	p, err := pattern.Compile([]byte(text), pattern.EventBridge)
	if err != nil {
		return nil, fault.New("InvalidEventPatternException", "%s", err)
	}
	return p, nil
}

// putRule makes a rule or replaces what one is, but for its targets and tags.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func (s *Service) putRule(ctx context.Context, in *shapes.PutRuleRequest) (*shapes.PutRuleResponse, error) {
	r, err := ruleOf(ctx, in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	row := ruleRow{
		Pattern: value(in.EventPattern), Schedule: value(in.ScheduleExpression), State: value(in.State), Description: value(in.Description), Role: value(in.RoleArn),
		CreatedBy: awsapi.From(ctx).Actor.Account, Begun: s.Clock.Now(),
	}
	if err := s.checkRule(ctx, r, &row); err != nil {
		return nil, err
	}
	if row.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	err = s.changeRule(ctx, r, func(old *ruleRow) (*ruleRow, error) {
		now := row // the body may run again
		if old != nil {
			if old.ManagedBy != "" {
				return nil, managed(r)
			}
			now.Targets, now.Tags, now.CreatedBy = old.Targets, old.Tags, old.CreatedBy
			if old.Schedule == now.Schedule {
				now.Begun = old.Begun
			}
		}
		return &now, nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.PutRuleResponse{RuleArn: ptr(r.arn())}, nil
}

// checkRule refuses what is no rule, and completes it.
func (s *Service) checkRule(ctx context.Context, r rule, row *ruleRow) error {
	switch {
	case row.Pattern == "" && row.Schedule == "":
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case row.Schedule != "" && r.bus.name != defaultBus:
		return invalid("ScheduleExpression is supported only on the default event bus.")
	case strings.HasPrefix(r.name, "AWS."):
		return invalid("Rule name must not start with AWS.")
	}
	if row.Schedule != "" {
		if _, err := cron.Parse(cron.Rules, row.Schedule); err != nil {
			return invalid("Parameter ScheduleExpression is not valid.").Because(err)
		}
	}
	if row.Pattern != "" {
		if _, err := parsePattern(row.Pattern); err != nil {
			return err
		}
	}
	if row.State == "" {
		row.State = enabled
	}
	return s.checkRole(ctx, r, row.Role)
}

// checkRole refuses a role that EventBridge could not take for a rule.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
func (s *Service) checkRole(ctx context.Context, r rule, role string) error {
	if role == "" {
		return nil
	}
	a := arn.ARN(role)
	if !arn.IsARN(role) || a.Service() != "iam" || a.ResourceType() != "role" {
		return invalid("Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format.")
	}
	ok, err := s.Roles.AssumableBy(ctx, a, principal, arn.ARN(r.arn()))
	if err == nil && !ok {
		err = invalid("Provided role '%s' cannot be assumed by principal '%s'.", role, principal)
	}
	return err
}

// errUnchanged says that a rule is as it is wanted already.
var errUnchanged = errors.New("events: nothing changes")

// changeRule changes a rule: change gets what there is, nil for nothing, and
// returns what there is to be, nil for nothing. Every change of a rule goes
// through it: it notes that the bus's rules have changed, and sets the timer.
func (s *Service) changeRule(ctx context.Context, r rule, change func(old *ruleRow) (*ruleRow, error)) error {
	now := s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		return s.changeRuleTx(tx, r, func(old *ruleRow) (*ruleRow, error) { return change(old) }, now)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
func (s *Service) deleteRule(ctx context.Context, in *shapes.DeleteRuleRequest) (*schema.Empty, error) {
	r, err := ruleOf(ctx, in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	err = s.changeRule(ctx, r, func(old *ruleRow) (*ruleRow, error) {
		switch {
		case old == nil:
			return nil, errUnchanged
		case old.ManagedBy != "" && !(in.Force != nil && *in.Force):
			return nil, managed(r)
		case len(old.Targets) > 0 && old.ManagedBy == "":
			return nil, invalid("Rule can't be deleted since it has targets.")
		}
		return nil, nil
	})
	if fault.Is(err, "ResourceNotFoundException") {
		err = nil // with its bus the rule is gone too
	}
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
func (s *Service) describeRule(ctx context.Context, in *shapes.DescribeRuleRequest) (*shapes.DescribeRuleResponse, error) {
	r, err := ruleOf(ctx, in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	row, err := s.viewRule(ctx, r)
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeRuleResponse{
		Name: &r.name, Arn: ptr(r.arn()), EventPattern: given(row.Pattern), ScheduleExpression: given(row.Schedule), State: &row.State,
		Description: given(row.Description), RoleArn: given(row.Role), ManagedBy: given(row.ManagedBy), EventBusName: &r.bus.name, CreatedBy: given(row.CreatedBy),
	}, nil
}

// viewRule reads a rule that must exist.
func (s *Service) viewRule(ctx context.Context, r rule) (row ruleRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		if _, err := loadBus(snap, r.bus); err != nil {
			return err
		}
		ok, err := jsonrow.Get(snap, r.key(), &row)
		if err == nil && !ok {
			err = noRule(r)
		}
		return err
	})
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EnableRule.html
func (s *Service) enableRule(ctx context.Context, in *shapes.EnableRuleRequest) (*schema.Empty, error) {
	return s.switchRule(ctx, in.Name, in.EventBusName, enabled)
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html
func (s *Service) disableRule(ctx context.Context, in *shapes.DisableRuleRequest) (*schema.Empty, error) {
	return s.switchRule(ctx, in.Name, in.EventBusName, disabled)
}

func (s *Service) switchRule(ctx context.Context, name, on *string, state string) (*schema.Empty, error) {
	r, err := ruleOf(ctx, name, on)
	if err != nil {
		return nil, err
	}
	return &schema.Empty{}, s.changeRule(ctx, r, func(old *ruleRow) (*ruleRow, error) {
		switch {
		case old == nil:
			return nil, noRule(r)
		case old.ManagedBy != "":
			return nil, managed(r)
		case old.State == state:
			return nil, errUnchanged
		}
		old.State = state
		return old, nil
	})
}

// testPattern says whether an event matches a pattern.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
func (s *Service) testPattern(_ context.Context, in *shapes.TestEventPatternRequest) (*shapes.TestEventPatternResponse, error) {
	p, err := parsePattern(value(in.EventPattern))
	if err != nil {
		return nil, err
	}
	if err := checkTestEvent(value(in.Event)); err != nil {
		return nil, err
	}
	return &shapes.TestEventPatternResponse{Result: ptr(p.Match([]byte(*in.Event)))}, nil
}
