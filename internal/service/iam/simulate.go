package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

func (s *Service) registerSimulation() {
	awsapi.Handle(s.api, shapes.SimulateCustomPolicy, nil, s.simulateCustomPolicy)
	awsapi.Handle(s.api, shapes.SimulatePrincipalPolicy, onPolicy(s, "SimulatePrincipalPolicy", func(in *shapes.SimulatePrincipalPolicyRequest) *string { return in.PolicySourceArn }), s.simulatePrincipalPolicy)
}

// simulation is a run of the policy simulator.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
type simulation struct {
	set        policy.Set
	principal  policy.Principal
	actions    []string
	resources  []string
	context    []shapes.ContextEntry
	owner      *string
	boundaries []string
	resource   *string // resource policy
}

// simulateCustomPolicy simulates somebody of the account when no caller is
// named.
func (s *Service) simulateCustomPolicy(ctx context.Context, in *shapes.SimulateCustomPolicyRequest) (*shapes.SimulatePolicyResponse, error) {
	sim := simulation{
		principal: policy.Principal{ARN: arn.ARN(value(in.CallerArn))}, actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries,
		owner: in.ResourceOwner, boundaries: in.PermissionsBoundaryPolicyInputList, resource: in.ResourcePolicy,
	}
	if in.CallerArn == nil {
		sim.principal.ARN = s.scope(ctx).User("/", "simulated")
	}
	if err := sim.add(in.PolicyInputList); err != nil {
		return nil, err
	}
	return sim.run(in.Marker, in.MaxItems)
}

func (s *Service) simulatePrincipalPolicy(ctx context.Context, in *shapes.SimulatePrincipalPolicyRequest) (*shapes.SimulatePolicyResponse, error) {
	source := arn.ARN(*in.PolicySourceArn)
	sim := simulation{
		principal: policy.Principal{ARN: source}, actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries,
		owner: in.ResourceOwner, boundaries: in.PermissionsBoundaryPolicyInputList, resource: in.ResourcePolicy,
	}
	if in.CallerArn != nil {
		sim.principal.ARN = arn.ARN(*in.CallerArn)
	}
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		k, _, _ := strings.Cut(source.Resource(), "/")
		e, err := s.holderOf(sn, source)
		if err != nil {
			return err
		}
		if e == nil {
			return noSuch(kind(k), policyName(source))
		}
		h, err := s.gather(sn, e)
		if err == nil {
			sim.set = h.set
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := sim.add(in.PolicyInputList); err != nil {
		return nil, err
	}
	return sim.run(in.Marker, in.MaxItems)
}

func (sim *simulation) add(documents []string) error {
	for i, text := range documents {
		doc, err := parse(policy.Identity, text)
		if err != nil {
			return err
		}
		sim.set.Identity = append(sim.set.Identity, doc.Named(fmt.Sprintf("PolicyInputList.%d", i+1)))
	}
	for i, text := range sim.boundaries {
		if i == 0 {
			sim.set.Boundary = nil // instead of the one that the entity has
		}
		doc, err := parse(policy.Boundary, text)
		if err != nil {
			return err
		}
		sim.set.Boundary = append(sim.set.Boundary, doc.Named(fmt.Sprintf("PermissionsBoundaryPolicyInputList.%d", i+1)))
	}
	if sim.resource != nil {
		doc, err := parse(policy.Resource, *sim.resource)
		if err != nil {
			return err
		}
		sim.set.Resource = append(sim.set.Resource, doc.Named("ResourcePolicy"))
	}
	return nil
}

// Key implements policy.Keys over the context entries of the request.
func (sim *simulation) Key(name string) (policy.Value, bool) {
	for _, e := range sim.context {
		if strings.EqualFold(value(e.ContextKeyName), name) {
			if strings.HasSuffix(value(e.ContextKeyType), "List") {
				return policy.Many(e.ContextKeyValues...), true
			}
			if len(e.ContextKeyValues) > 0 {
				return policy.One(e.ContextKeyValues[0]), true
			}
		}
	}
	return policy.Value{}, false
}

func (sim *simulation) run(marker *string, max *int32) (*shapes.SimulatePolicyResponse, error) {
	resources := sim.resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	out := []shapes.EvaluationResult{}
	for _, action := range sim.actions {
		if _, name, ok := strings.Cut(action, ":"); !ok || name == "" {
			return nil, invalid("Invalid Action: %s is not a valid service action.", action)
		}
		for _, resource := range resources {
			out = append(out, sim.evaluate(action, resource))
		}
	}
	out, more, next, err := page(out, marker, max)
	return &shapes.SimulatePolicyResponse{EvaluationResults: out, IsTruncated: more, Marker: next}, err
}

func (sim *simulation) evaluate(action, resource string) shapes.EvaluationResult {
	req := policy.Request{Principal: sim.principal, Action: action, Resource: arn.ARN(resource), ResourceAccount: sim.account(arn.ARN(resource)), Keys: sim}
	tr := sim.set.Explain(&req)
	r := shapes.EvaluationResult{
		EvalActionName: ptr(action), EvalResourceName: ptr(resource), EvalDecision: ptr(tr.Decision.Outcome.String()),
		MatchedStatements: []shapes.Statement{}, MissingContextValues: []string{},
	}
	if d := tr.Decision; d.Doc != nil {
		r.MatchedStatements = append(r.MatchedStatements, shapes.Statement{SourcePolicyId: ptr(d.Doc.Name()), SourcePolicyType: ptr("IAM Policy")})
	}
	for _, step := range tr.Steps {
		if m := step.Condition; m != nil && m.Got == nil && !slices.Contains(r.MissingContextValues, m.Key) {
			r.MissingContextValues = append(r.MissingContextValues, m.Key)
		}
	}
	if len(sim.set.Boundary) > 0 {
		allowed := (&policy.Set{Identity: asIdentity(sim.set.Boundary)}).Evaluate(&req).Allowed()
		r.PermissionsBoundaryDecisionDetail = &shapes.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: &allowed}
	}
	return r
}

// account owns a simulated resource: who is said to, or whom its ARN names, and
// for resources without an account the principal's own.
func (sim *simulation) account(resource arn.ARN) string {
	if sim.owner != nil {
		return arn.ARN(*sim.owner).Account()
	}
	if a := resource.Account(); a != "" && strings.Trim(a, "0123456789") == "" {
		return a
	}
	return sim.principal.Account()
}

func asIdentity(docs []*policy.Doc) []*policy.Doc {
	var out []*policy.Doc
	for _, d := range docs {
		out = append(out, d.As(policy.Identity))
	}
	return out
}
