package cloudformation

import (
	"context"
	"regexp"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/stack"
)

func (s *Service) registerStacks() {
	awsapi.Handle(s.api, shapes.CreateStack, on("CreateStack",
		func(in *shapes.CreateStackInput) *string { return in.StackName }, func(in *shapes.CreateStackInput) *string { return in.RoleARN }), s.createStack)
	awsapi.Handle(s.api, shapes.UpdateStack, on("UpdateStack",
		func(in *shapes.UpdateStackInput) *string { return in.StackName }, func(in *shapes.UpdateStackInput) *string { return in.RoleARN }), s.updateStack)
	awsapi.Handle(s.api, shapes.DeleteStack, on("DeleteStack",
		func(in *shapes.DeleteStackInput) *string { return in.StackName }, func(in *shapes.DeleteStackInput) *string { return in.RoleARN }), s.deleteStack)
	awsapi.Handle(s.api, shapes.CancelUpdateStack, on("CancelUpdateStack",
		func(in *shapes.CancelUpdateStackInput) *string { return in.StackName }, nil), s.cancelUpdateStack)
	awsapi.Handle(s.api, shapes.ContinueUpdateRollback, on("ContinueUpdateRollback",
		func(in *shapes.ContinueUpdateRollbackInput) *string { return in.StackName }, func(in *shapes.ContinueUpdateRollbackInput) *string { return in.RoleARN }), s.continueUpdateRollback)
	awsapi.Handle(s.api, shapes.UpdateTerminationProtection, on("UpdateTerminationProtection",
		func(in *shapes.UpdateTerminationProtectionInput) *string { return in.StackName }, nil), s.updateTerminationProtection)
}

// maxStackName is how long the name of a stack may be.
const maxStackName = 128

// checkName checks the name of a new stack.
func checkName(name string) error {
	switch {
	case len(name) > maxStackName:
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to %d", name, maxStackName)
	case !regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`).MatchString(name):
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	return nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
func (s *Service) createStack(ctx context.Context, in *shapes.CreateStackInput) (*shapes.CreateStackOutput, error) {
	if err := checkName(val(in.StackName)); err != nil {
		return nil, err
	}
	d, err := s.deploy(ctx, request{
		name: in.StackName, body: in.TemplateBody, url: in.TemplateURL, parameters: in.Parameters, tags: in.Tags, capabilities: in.Capabilities,
		resourceTypes: in.ResourceTypes, role: in.RoleARN, token: in.ClientRequestToken, notify: in.NotificationARNs, rollback: in.RollbackConfiguration,
		policy: either(in.StackPolicyBody, in.StackPolicyURL),
	}, nil)
	if err != nil {
		return nil, err
	}
	if d.OnFailure, err = onFailure(in.OnFailure, in.DisableRollback); err != nil {
		return nil, err
	}
	d.RetainExceptOnCreate, d.TerminationProtection = val(in.RetainExceptOnCreate), val(in.EnableTerminationProtection)
	d.TimeoutMinutes = int(val(in.TimeoutInMinutes))
	id, err := s.engine.Create(ctx, d)
	if err != nil {
		return nil, shown(err)
	}
	return &shapes.CreateStackOutput{StackId: &id}, nil
}

func either(a, b *string) *string {
	if a != nil {
		return a
	}
	return b
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
func (s *Service) updateStack(ctx context.Context, in *shapes.UpdateStackInput) (*shapes.UpdateStackOutput, error) {
	keep, err := s.living(ctx, val(in.StackName))
	if err != nil {
		return nil, err
	}
	d, err := s.deploy(ctx, request{
		name: in.StackName, body: in.TemplateBody, url: in.TemplateURL, previous: in.UsePreviousTemplate, parameters: in.Parameters, tags: in.Tags,
		capabilities: in.Capabilities, resourceTypes: in.ResourceTypes, role: in.RoleARN, token: in.ClientRequestToken, notify: in.NotificationARNs,
		rollback: in.RollbackConfiguration,
		policy:   either(either(in.StackPolicyBody, in.StackPolicyURL), either(in.StackPolicyDuringUpdateBody, in.StackPolicyDuringUpdateURL)),
	}, keep)
	if err != nil {
		return nil, err
	}
	if d.OnFailure, err = onFailure(nil, in.DisableRollback); err != nil {
		return nil, err
	}
	d.RetainExceptOnCreate = val(in.RetainExceptOnCreate)
	id, err := s.engine.Update(ctx, d)
	if err != nil {
		return nil, shown(err)
	}
	return &shapes.UpdateStackOutput{StackId: &id}, nil
}

// living returns a stack that is to be changed.
func (s *Service) living(ctx context.Context, nameOrID string) (*stack.Stack, error) {
	st, err := s.engine.Stack(ctx, scope(ctx), nameOrID)
	if stack.IsNoStack(err) {
		return nil, invalid("Stack [%s] does not exist", nameOrID)
	}
	return st, err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
func (s *Service) deleteStack(ctx context.Context, in *shapes.DeleteStackInput) (*schema.Empty, error) {
	if val(in.DeletionMode) == "FORCE_DELETE_STACK" {
		return nil, unsupported("DeletionMode FORCE_DELETE_STACK", "Name what cannot be deleted in RetainResources instead.")
	}
	role := in.RoleARN
	if st, err := s.engine.Stack(ctx, scope(ctx), val(in.StackName)); err == nil && role == nil {
		role = opt(st.RoleARN)
	}
	actor, err := s.actor(ctx, role)
	if err != nil {
		return nil, err
	}
	return nil, s.engine.Delete(ctx, stack.DeleteRequest{
		Scope: scope(ctx), Name: val(in.StackName), Actor: actor, Retain: in.RetainResources, Token: val(in.ClientRequestToken),
	})
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
func (s *Service) cancelUpdateStack(ctx context.Context, in *shapes.CancelUpdateStackInput) (*schema.Empty, error) {
	return nil, s.engine.CancelUpdate(ctx, scope(ctx), val(in.StackName))
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
func (s *Service) continueUpdateRollback(ctx context.Context, in *shapes.ContinueUpdateRollbackInput) (*shapes.ContinueUpdateRollbackOutput, error) {
	keep, err := s.living(ctx, val(in.StackName))
	if err != nil {
		return nil, err
	}
	role := in.RoleARN
	if role == nil {
		role = opt(keep.RoleARN)
	}
	actor, err := s.actor(ctx, role)
	if err != nil {
		return nil, err
	}
	return &shapes.ContinueUpdateRollbackOutput{}, s.engine.ContinueRollback(ctx, scope(ctx), keep.ID, actor, in.ResourcesToSkip, val(in.ClientRequestToken))
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateTerminationProtection.html
func (s *Service) updateTerminationProtection(ctx context.Context, in *shapes.UpdateTerminationProtectionInput) (*shapes.UpdateTerminationProtectionOutput, error) {
	id, err := s.engine.SetTerminationProtection(ctx, scope(ctx), val(in.StackName), val(in.EnableTerminationProtection))
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateTerminationProtectionOutput{StackId: &id}, nil
}
