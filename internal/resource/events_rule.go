package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// eventRule is AWS::Events::Rule. Ref is its name, of another bus than the
// default one BUS|NAME.
type eventRule struct{ base }

// refusedOfRule is what goes with targets that nube does not have.
func refusedOfRule() []string {
	return []string{
		"Targets.AppSyncParameters", "Targets.BatchParameters", "Targets.EcsParameters", "Targets.KinesisParameters", "Targets.RedshiftDataParameters",
		"Targets.RunCommandParameters", "Targets.SageMakerPipelineParameters",
	}
}

// ruleName is the name of the rule that a request is about.
func ruleName(r stack.Request) string {
	_, name, onBus := strings.Cut(r.PhysicalID, "|")
	if onBus {
		return name
	}
	return r.PhysicalID
}

// ruleBus is the name of its bus, which the template may give as an ARN; nil is
// the default one.
func ruleBus(r stack.Request) *string {
	name := text(r.Properties, "EventBusName")
	if _, of, ok := strings.Cut(name, ":event-bus/"); ok {
		name = of
	}
	if name == "" || name == "default" {
		return nil
	}
	return &name
}

// ruleARN is the rule's ARN; that of a rule of the default bus does not name it.
func ruleARN(r stack.Request) string {
	name := ruleName(r)
	if bus := ruleBus(r); bus != nil {
		name = *bus + "/" + name
	}
	return r.Stack.Scope.Of("events", "rule/"+name).String()
}

func (e eventRule) progress(r stack.Request) stack.Progress {
	name := ruleName(r)
	id := name
	if bus := ruleBus(r); bus != nil {
		id = *bus + "|" + name
	}
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Arn": ruleARN(r), "RuleName": name}}
}

func eventsTag(k, v string) events.Tag { return events.Tag{Key: &k, Value: &v} }

func (e eventRule) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if !r.Again {
		// Putting a rule that exists succeeds, and would take it over.
		out, err := do(ctx, e.base, events.DescribeRule, &events.DescribeRuleRequest{Name: ptr(ruleName(r)), EventBusName: ruleBus(r)})
		if err == nil && val(out.Arn) != "" {
			return stack.Progress{}, fmt.Errorf("the rule %s already exists", ruleName(r))
		}
		if err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	done := e.progress(r)
	if err := e.put(ctx, r, pairs(tagMap(r.Properties), eventsTag)); err != nil {
		return done, err
	}
	return done, e.aim(ctx, r)
}

// put puts the rule itself.
func (e eventRule) put(ctx context.Context, r stack.Request, tags []events.Tag) error {
	in := &events.PutRuleRequest{Name: ptr(ruleName(r)), EventBusName: ruleBus(r), Tags: tags}
	if err := bind(in, r.Properties, "Name", "EventBusName", "Tags", "Targets"); err != nil {
		return err
	}
	return run(ctx, e.base, events.PutRule, in)
}

// aim puts the rule's targets.
func (e eventRule) aim(ctx context.Context, r stack.Request) error {
	targets := r.Properties.Get("Targets")
	if targets == nil || len(targets.Items) == 0 {
		return nil
	}
	in := &events.PutTargetsRequest{Rule: ptr(ruleName(r)), EventBusName: ruleBus(r)}
	if err := bind(in, r.Properties, "Name", "EventBusName", "Tags", "Description", "EventPattern", "RoleArn", "ScheduleExpression", "State"); err != nil {
		return err
	}
	out, err := do(ctx, e.base, events.PutTargets, in)
	if err != nil {
		return err
	}
	for _, f := range out.FailedEntries {
		return fmt.Errorf("target %s: %s", val(f.TargetId), val(f.ErrorMessage))
	}
	return nil
}

func targetIDs(props *template.Value) (ids []string) {
	if v := props.Get("Targets"); v != nil {
		for _, t := range v.Items {
			ids = append(ids, text(t, "Id"))
		}
	}
	return ids
}

// drop takes targets away.
func (e eventRule) drop(ctx context.Context, r stack.Request, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return run(ctx, e.base, events.RemoveTargets, &events.RemoveTargetsRequest{Rule: ptr(ruleName(r)), EventBusName: ruleBus(r), Ids: ids})
}

func (e eventRule) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := e.progress(r)
	if err := e.put(ctx, r, nil); err != nil {
		return done, err
	}
	if !same(r.Old, r.Properties, "Targets") {
		keep := targetIDs(r.Properties)
		gone := slices.DeleteFunc(targetIDs(r.Old), func(id string) bool { return slices.Contains(keep, id) })
		if err := e.drop(ctx, r, gone); err != nil {
			return done, err
		}
		if err := e.aim(ctx, r); err != nil {
			return done, err
		}
	}
	return done, retagEvents(ctx, e.base, ruleARN(r), r)
}

// retagEvents changes the tags of a bus or a rule.
func retagEvents(ctx context.Context, b base, arn string, r stack.Request) error {
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, b, events.UntagResource, &events.UntagResourceRequest{ResourceARN: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	return run(ctx, b, events.TagResource, &events.TagResourceRequest{ResourceARN: &arn, Tags: pairs(set, eventsTag)})
}

func (e eventRule) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := e.drop(ctx, r, targetIDs(r.Properties)); err != nil {
		return gone(err)
	}
	return gone(run(ctx, e.base, events.DeleteRule, &events.DeleteRuleRequest{Name: ptr(ruleName(r)), EventBusName: ruleBus(r)}))
}

func (e eventRule) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, e.base, events.DescribeRule, &events.DescribeRuleRequest{Name: ptr(ruleName(r)), EventBusName: ruleBus(r)}); err != nil {
		return nil, found(err)
	}
	return e.progress(r).Attrs, nil
}
