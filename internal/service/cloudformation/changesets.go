package cloudformation

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/stack"
)

func (s *Service) registerChangeSets() {
	awsapi.Handle(s.api, shapes.CreateChangeSet, on("CreateChangeSet",
		func(in *shapes.CreateChangeSetInput) *string { return in.StackName }, func(in *shapes.CreateChangeSetInput) *string { return in.RoleARN }), s.createChangeSet)
	awsapi.Handle(s.api, shapes.DescribeChangeSet, on("DescribeChangeSet", func(in *shapes.DescribeChangeSetInput) *string { return in.StackName }, nil), s.describeChangeSet)
	awsapi.Handle(s.api, shapes.ExecuteChangeSet, on("ExecuteChangeSet", func(in *shapes.ExecuteChangeSetInput) *string { return in.StackName }, nil), s.executeChangeSet)
	awsapi.Handle(s.api, shapes.DeleteChangeSet, on("DeleteChangeSet", func(in *shapes.DeleteChangeSetInput) *string { return in.StackName }, nil), s.deleteChangeSet)
	awsapi.Handle(s.api, shapes.ListChangeSets, on("ListChangeSets", func(in *shapes.ListChangeSetsInput) *string { return in.StackName }, nil), s.listChangeSets)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
func (s *Service) createChangeSet(ctx context.Context, in *shapes.CreateChangeSetInput) (*shapes.CreateChangeSetOutput, error) {
	q := stack.ChangeSetRequest{ChangeSet: val(in.ChangeSetName), Description: val(in.Description), Creates: val(in.ChangeSetType) == "CREATE"}
	switch {
	case val(in.ChangeSetType) == "IMPORT", len(in.ResourcesToImport) > 0, val(in.ImportExistingResources):
		return nil, unsupported("Importing resources", "Let the stack create them.")
	case val(in.ChangeSetType) != "" && val(in.ChangeSetType) != "CREATE" && val(in.ChangeSetType) != "UPDATE":
		return nil, invalid("1 validation error detected: Value '%s' at 'changeSetType' failed to satisfy constraint: Member must satisfy enum value set: [IMPORT, UPDATE, CREATE]", *in.ChangeSetType)
	}
	var keep *stack.Stack
	if q.Creates {
		if err := checkName(val(in.StackName)); err != nil {
			return nil, err
		}
	} else {
		var err error
		if keep, err = s.living(ctx, val(in.StackName)); err != nil {
			return nil, err
		}
	}
	d, err := s.deploy(ctx, request{
		name: in.StackName, body: in.TemplateBody, url: in.TemplateURL, previous: in.UsePreviousTemplate, parameters: in.Parameters, tags: in.Tags,
		capabilities: in.Capabilities, resourceTypes: in.ResourceTypes, role: in.RoleARN, token: in.ClientToken, notify: in.NotificationARNs,
		rollback: in.RollbackConfiguration,
	}, keep)
	if err != nil {
		return nil, err
	}
	if d.OnFailure, err = onFailure(in.OnStackFailure, nil); err != nil {
		return nil, err
	}
	q.Deploy = d
	cs, err := s.engine.CreateChangeSet(ctx, q)
	if err != nil {
		return nil, shown(err)
	}
	return &shapes.CreateChangeSetOutput{Id: &cs.ID, StackId: &cs.StackID}, nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
func (s *Service) describeChangeSet(ctx context.Context, in *shapes.DescribeChangeSetInput) (*shapes.DescribeChangeSetOutput, error) {
	cs, st, err := s.engine.ChangeSet(ctx, scope(ctx), val(in.StackName), val(in.ChangeSetName))
	if err != nil {
		return nil, err
	}
	changes, next, err := page(cs.Changes, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeChangeSetOutput{
		ChangeSetName: &cs.Name, ChangeSetId: &cs.ID, StackId: &st.ID, StackName: &st.Name, Description: opt(cs.Description),
		Parameters: parameters(cs.Settings.Parameters), CreationTime: &cs.Created, ExecutionStatus: &cs.Execution, Status: &cs.Status, StatusReason: opt(cs.Reason),
		NotificationARNs: cs.Settings.NotificationARNs, RollbackConfiguration: &shapes.RollbackConfiguration{}, Capabilities: cs.Settings.Capabilities,
		Tags: tags(cs.Settings.Tags), Changes: []shapes.Change{}, NextToken: next, IncludeNestedStacks: ptr(false),
	}
	for _, c := range changes {
		out.Changes = append(out.Changes, shapes.Change{Type: ptr("Resource"), ResourceChange: changeShape(c)})
	}
	return out, nil
}

func changeShape(c stack.Change) *shapes.ResourceChange {
	out := &shapes.ResourceChange{
		Action: ptr(c.Action), PolicyAction: opt(c.PolicyAction), LogicalResourceId: ptr(c.LogicalID), PhysicalResourceId: opt(c.PhysicalID),
		ResourceType: ptr(c.Type), Replacement: opt(c.Replacement), Scope: c.Scope, Details: []shapes.ResourceChangeDetail{},
	}
	for _, d := range c.Details {
		out.Details = append(out.Details, shapes.ResourceChangeDetail{
			Target:     &shapes.ResourceTargetDefinition{Attribute: ptr(d.Attribute), Name: opt(d.Name), RequiresRecreation: opt(d.Recreation)},
			Evaluation: ptr(d.Evaluation), ChangeSource: ptr(d.Source), CausingEntity: opt(d.Entity),
		})
	}
	return out
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
func (s *Service) executeChangeSet(ctx context.Context, in *shapes.ExecuteChangeSetInput) (*shapes.ExecuteChangeSetOutput, error) {
	cs, _, err := s.engine.ChangeSet(ctx, scope(ctx), val(in.StackName), val(in.ChangeSetName))
	if err != nil {
		return nil, err
	}
	actor, err := s.actor(ctx, opt(cs.Settings.RoleARN))
	if err != nil {
		return nil, err
	}
	_, err = s.engine.Execute(ctx, stack.ExecuteRequest{
		Scope: scope(ctx), Stack: val(in.StackName), ChangeSet: val(in.ChangeSetName), Actor: actor, DisableRollback: val(in.DisableRollback),
		RetainExceptOnCreate: val(in.RetainExceptOnCreate), Token: val(in.ClientRequestToken),
	})
	if err != nil {
		return nil, shown(err)
	}
	return &shapes.ExecuteChangeSetOutput{}, nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
func (s *Service) deleteChangeSet(ctx context.Context, in *shapes.DeleteChangeSetInput) (*shapes.DeleteChangeSetOutput, error) {
	return &shapes.DeleteChangeSetOutput{}, s.engine.DeleteChangeSet(ctx, scope(ctx), val(in.StackName), val(in.ChangeSetName))
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html
func (s *Service) listChangeSets(ctx context.Context, in *shapes.ListChangeSetsInput) (*shapes.ListChangeSetsOutput, error) {
	list, err := s.engine.ChangeSets(ctx, scope(ctx), val(in.StackName))
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListChangeSetsOutput{Summaries: []shapes.ChangeSetSummary{}, NextToken: next}
	for _, cs := range list {
		out.Summaries = append(out.Summaries, shapes.ChangeSetSummary{
			StackId: &cs.StackID, StackName: &cs.StackName, ChangeSetId: &cs.ID, ChangeSetName: &cs.Name, ExecutionStatus: &cs.Execution, Status: &cs.Status,
			StatusReason: opt(cs.Reason), CreationTime: &cs.Created, Description: opt(cs.Description), IncludeNestedStacks: ptr(false),
		})
	}
	return out, nil
}
