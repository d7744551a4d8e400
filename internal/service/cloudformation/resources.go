package cloudformation

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/stack"
)

func (s *Service) registerResources() {
	awsapi.Handle(s.api, shapes.DescribeStackResource, on("DescribeStackResource", func(in *shapes.DescribeStackResourceInput) *string { return in.StackName }, nil), s.describeStackResource)
	awsapi.Handle(s.api, shapes.DescribeStackResources, on("DescribeStackResources", func(in *shapes.DescribeStackResourcesInput) *string { return in.StackName }, nil), s.describeStackResources)
	awsapi.Handle(s.api, shapes.ListStackResources, on("ListStackResources", func(in *shapes.ListStackResourcesInput) *string { return in.StackName }, nil), s.listStackResources)
}

// notChecked is the drift of every resource.
const notChecked = "NOT_CHECKED"

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
func (s *Service) describeStackResource(ctx context.Context, in *shapes.DescribeStackResourceInput) (*shapes.DescribeStackResourceOutput, error) {
	st, rs, err := s.engine.Resources(ctx, scope(ctx), val(in.StackName))
	if stack.IsNoStack(err) {
		return nil, invalid("Stack '%s' does not exist", val(in.StackName))
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		if r.LogicalID != val(in.LogicalResourceId) {
			continue
		}
		return &shapes.DescribeStackResourceOutput{StackResourceDetail: &shapes.StackResourceDetail{
			StackId: &st.ID, StackName: &st.Name, LogicalResourceId: &r.LogicalID, PhysicalResourceId: opt(r.PhysicalID), ResourceType: &r.Type,
			LastUpdatedTimestamp: &r.Changed, ResourceStatus: ptr(string(r.Status)), ResourceStatusReason: opt(r.Reason), Metadata: opt(r.Metadata()),
			DriftInformation: &shapes.StackResourceDriftInformation{StackResourceDriftStatus: ptr(notChecked)},
		}}, nil
	}
	return nil, invalid("Resource %s does not exist for stack %s", val(in.LogicalResourceId), st.Name)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
func (s *Service) describeStackResources(ctx context.Context, in *shapes.DescribeStackResourcesInput) (*shapes.DescribeStackResourcesOutput, error) {
	name := val(in.StackName)
	switch {
	case name == "" && in.PhysicalResourceId == nil:
		return nil, invalid("Either stackName or physicalResourceId must be specified")
	case name != "" && in.PhysicalResourceId != nil:
		return nil, invalid("Only one of stackName and physicalResourceId can be specified")
	case name == "":
		st, err := s.engine.FindPhysical(ctx, scope(ctx), *in.PhysicalResourceId)
		if err != nil {
			return nil, err
		}
		name = st.ID
	}
	st, rs, err := s.engine.Resources(ctx, scope(ctx), name)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeStackResourcesOutput{StackResources: []shapes.StackResource{}}
	for _, r := range rs {
		if in.LogicalResourceId != nil && r.LogicalID != *in.LogicalResourceId {
			continue
		}
		out.StackResources = append(out.StackResources, shapes.StackResource{
			StackId: &st.ID, StackName: &st.Name, LogicalResourceId: &r.LogicalID, PhysicalResourceId: opt(r.PhysicalID), ResourceType: &r.Type,
			Timestamp: &r.Changed, ResourceStatus: ptr(string(r.Status)), ResourceStatusReason: opt(r.Reason),
			DriftInformation: &shapes.StackResourceDriftInformation{StackResourceDriftStatus: ptr(notChecked)},
		})
	}
	return out, nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
func (s *Service) listStackResources(ctx context.Context, in *shapes.ListStackResourcesInput) (*shapes.ListStackResourcesOutput, error) {
	_, rs, err := s.engine.Resources(ctx, scope(ctx), val(in.StackName))
	if err != nil {
		return nil, err
	}
	rs, next, err := page(rs, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListStackResourcesOutput{StackResourceSummaries: []shapes.StackResourceSummary{}, NextToken: next}
	for _, r := range rs {
		out.StackResourceSummaries = append(out.StackResourceSummaries, shapes.StackResourceSummary{
			LogicalResourceId: &r.LogicalID, PhysicalResourceId: opt(r.PhysicalID), ResourceType: &r.Type, LastUpdatedTimestamp: &r.Changed,
			ResourceStatus: ptr(string(r.Status)), ResourceStatusReason: opt(r.Reason),
			DriftInformation: &shapes.StackResourceDriftInformationSummary{StackResourceDriftStatus: ptr(notChecked)},
		})
	}
	return out, nil
}
