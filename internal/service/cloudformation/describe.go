package cloudformation

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/stack"
)

func (s *Service) registerDescribe() {
	awsapi.Handle(s.api, shapes.DescribeStacks, on("DescribeStacks", func(in *shapes.DescribeStacksInput) *string { return in.StackName }, nil), s.describeStacks)
	awsapi.Handle(s.api, shapes.DescribeStackEvents, on("DescribeStackEvents", func(in *shapes.DescribeStackEventsInput) *string { return in.StackName }, nil), s.describeStackEvents)
	awsapi.Handle(s.api, shapes.ListStacks, nil, s.listStacks)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
func (s *Service) describeStacks(ctx context.Context, in *shapes.DescribeStacksInput) (*shapes.DescribeStacksOutput, error) {
	if val(in.StackName) != "" {
		st, err := s.engine.Stack(ctx, scope(ctx), *in.StackName)
		if err != nil {
			return nil, err
		}
		return &shapes.DescribeStacksOutput{Stacks: []shapes.Stack{stackShape(st)}}, nil
	}
	all, err := s.engine.Stacks(ctx, scope(ctx), false)
	if err != nil {
		return nil, err
	}
	all, next, err := page(all, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeStacksOutput{Stacks: []shapes.Stack{}, NextToken: next}
	for _, st := range all {
		out.Stacks = append(out.Stacks, stackShape(st))
	}
	return out, nil
}

func stackShape(st *stack.Stack) shapes.Stack {
	out := shapes.Stack{
		StackId: &st.ID, StackName: &st.Name, ChangeSetId: opt(st.ChangeSetID), Description: opt(st.Description), Parameters: parameters(st.Parameters),
		CreationTime: &st.Created, DeletionTime: opt(st.Deleted), LastUpdatedTime: opt(st.Updated), RollbackConfiguration: &shapes.RollbackConfiguration{},
		StackStatus: ptr(string(st.Status)), StackStatusReason: opt(st.Reason), DisableRollback: &st.DisableRollback, NotificationARNs: st.NotificationARNs,
		TimeoutInMinutes: opt(int32(st.TimeoutMinutes)), Capabilities: st.Capabilities, RoleARN: opt(st.RoleARN), Tags: tags(st.Tags),
		EnableTerminationProtection: &st.TerminationProtection, DriftInformation: &shapes.StackDriftInformation{StackDriftStatus: ptr("NOT_CHECKED")},
	}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, shapes.Output{OutputKey: ptr(o.Key), OutputValue: ptr(o.Value), Description: opt(o.Description), ExportName: opt(o.Export)})
	}
	return out
}

// hidden stands for a value that must not be shown.
const hidden = "****"

func parameters(ps []stack.Parameter) []shapes.Parameter {
	var out []shapes.Parameter
	for _, p := range ps {
		v := p.Value
		if p.NoEcho {
			v = hidden
		}
		out = append(out, shapes.Parameter{ParameterKey: ptr(p.Key), ParameterValue: &v})
	}
	return out
}

func tags(ts []stack.Tag) []shapes.Tag {
	out := []shapes.Tag{}
	for _, t := range ts {
		out = append(out, shapes.Tag{Key: ptr(t.Key), Value: ptr(t.Value)})
	}
	return out
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
func (s *Service) listStacks(ctx context.Context, in *shapes.ListStacksInput) (*shapes.ListStacksOutput, error) {
	all, err := s.engine.Stacks(ctx, scope(ctx), true)
	if err != nil {
		return nil, err
	}
	if len(in.StackStatusFilter) > 0 {
		all = slices.DeleteFunc(all, func(st *stack.Stack) bool { return !slices.Contains(in.StackStatusFilter, string(st.Status)) })
	}
	all, next, err := page(all, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListStacksOutput{StackSummaries: []shapes.StackSummary{}, NextToken: next}
	for _, st := range all {
		out.StackSummaries = append(out.StackSummaries, shapes.StackSummary{
			StackId: &st.ID, StackName: &st.Name, TemplateDescription: opt(st.Description), CreationTime: &st.Created, LastUpdatedTime: opt(st.Updated),
			DeletionTime: opt(st.Deleted), StackStatus: ptr(string(st.Status)), StackStatusReason: opt(st.Reason),
			DriftInformation: &shapes.StackDriftInformationSummary{StackDriftStatus: ptr("NOT_CHECKED")},
		})
	}
	return out, nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
func (s *Service) describeStackEvents(ctx context.Context, in *shapes.DescribeStackEventsInput) (*shapes.DescribeStackEventsOutput, error) {
	if val(in.StackName) == "" {
		return nil, invalid("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	}
	st, events, next, err := s.engine.Events(ctx, scope(ctx), *in.StackName, val(in.NextToken), pageSize)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeStackEventsOutput{StackEvents: []shapes.StackEvent{}, NextToken: opt(next)}
	for _, e := range events {
		out.StackEvents = append(out.StackEvents, shapes.StackEvent{
			StackId: &st.ID, StackName: &st.Name, EventId: ptr(e.ID), LogicalResourceId: ptr(e.LogicalID), PhysicalResourceId: ptr(e.PhysicalID),
			ResourceType: ptr(e.Type), Timestamp: ptr(e.Time), ResourceStatus: ptr(string(e.Status)), ResourceStatusReason: opt(e.Reason),
			ResourceProperties: opt(e.Properties), ClientRequestToken: opt(e.Token),
		})
	}
	return out, nil
}
