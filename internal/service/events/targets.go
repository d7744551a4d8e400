package events

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
)

// maxTargets is how many targets a rule may have.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const maxTargets = 5

func isService(text, service string) bool {
	return arn.IsARN(text) && arn.ARN(text).Service() == service
}

// putTargets adds targets to a rule, or replaces those with the same ids.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
func (s *Service) putTargets(ctx context.Context, in *shapes.PutTargetsRequest) (*shapes.PutTargetsResponse, error) {
	r, err := ruleOf(ctx, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := &shapes.PutTargetsResponse{FailedEntryCount: ptr(int32(0)), FailedEntries: []shapes.PutTargetsResultEntry{}}
	var good []target
	for i := range in.Targets {
		t, err := s.readTarget(ctx, r, &in.Targets[i])
		if err != nil {
			return nil, err
		}
		if why := s.refuse(&in.Targets[i]); why != "" {
			out.FailedEntries = append(out.FailedEntries, shapes.PutTargetsResultEntry{TargetId: &t.ID, ErrorCode: ptr("ValidationException"), ErrorMessage: &why})
			continue
		}
		good = append(good, t)
	}
	out.FailedEntryCount = ptr(int32(len(out.FailedEntries)))
	return out, s.changeRule(ctx, r, func(old *ruleRow) (*ruleRow, error) {
		switch {
		case old == nil:
			return nil, noRule(r)
		case old.ManagedBy != "":
			return nil, managed(r)
		case len(good) == 0:
			return nil, errUnchanged
		}
		for _, t := range good {
			old.Targets = slices.DeleteFunc(old.Targets, func(o target) bool { return o.ID == t.ID })
			old.Targets = append(old.Targets, t)
		}
		if len(old.Targets) > maxTargets {
			return nil, tooMany("The requested resource exceeds the maximum number allowed.")
		}
		sort.Slice(old.Targets, func(i, j int) bool { return old.Targets[i].ID < old.Targets[j].ID })
		return old, nil
	})
}

// refuse says why a target cannot be one here; empty if it can.
func (s *Service) refuse(in *shapes.Target) string {
	to := value(in.Arn)
	if !arn.IsARN(to) {
		return "Parameter " + to + " is not valid. Reason: Provided Arn is not in correct format."
	}
	a := arn.ARN(to)
	switch a.Service() {
	case "lambda", "sns", "sqs":
		if !s.Emit.Delivers(to) {
			return "Parameter " + to + " is not valid. Reason: this cloud has no " + a.Service() + "."
		}
		if a.Service() == "sqs" && strings.HasSuffix(to, ".fifo") && (in.SqsParameters == nil || value(in.SqsParameters.MessageGroupId) == "") {
			return "Parameter(s) SqsParameters must be specified for target: " + value(in.Id) + "."
		}
		return ""
	case "logs":
		if groupOf(to) != "" {
			return ""
		}
	case "events":
		if _, ok := busOfARN(to); ok {
			return ""
		}
		if a.ResourceType() == "api-destination" {
			if value(in.RoleArn) == "" {
				return "RoleArn is required for target " + to + "."
			}
			return ""
		}
	}
	return "Parameter " + to + " is not valid. Reason: nube sends events to Lambda functions, SQS queues, SNS topics, CloudWatch Logs groups, " +
		"event buses and API destinations, and this is none of them."
}

// readTarget reads a target. What of it is for other kinds of targets is refused
// where it is given.
func (s *Service) readTarget(ctx context.Context, r rule, in *shapes.Target) (target, error) {
	t := target{ID: value(in.Id), ARN: value(in.Arn), Role: value(in.RoleArn), Input: in.Input, InputPath: in.InputPath}
	for name, is := range map[string]bool{
		"KinesisParameters": in.KinesisParameters != nil, "RunCommandParameters": in.RunCommandParameters != nil, "EcsParameters": in.EcsParameters != nil,
		"BatchParameters": in.BatchParameters != nil, "RedshiftDataParameters": in.RedshiftDataParameters != nil,
		"SageMakerPipelineParameters": in.SageMakerPipelineParameters != nil, "AppSyncParameters": in.AppSyncParameters != nil,
	} {
		if is {
			return t, invalid("Parameter %s is not valid for target %s. Reason: nube has no such targets.", name, t.ID)
		}
	}
	if err := s.checkRole(ctx, r, t.Role); err != nil {
		return t, err
	}
	n := 0
	for _, is := range []bool{in.Input != nil, in.InputPath != nil, in.InputTransformer != nil} {
		if is {
			n++
		}
	}
	if n > 1 {
		return t, invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	}
	if in.Input != nil && !json.Valid([]byte(*in.Input)) {
		return t, invalid("JSON syntax error in input for target %s", t.ID)
	}
	if tr := in.InputTransformer; tr != nil {
		t.Transform = &transformer{Paths: tr.InputPathsMap, Template: value(tr.InputTemplate)}
	}
	if _, err := t.compile(); err != nil {
		return t, err
	}
	if in.SqsParameters != nil {
		t.Group = value(in.SqsParameters.MessageGroupId)
	}
	if h := in.HttpParameters; h != nil {
		t.HTTP = &httpParameters{Path: h.PathParameterValues, Headers: h.HeaderParameters, Query: h.QueryStringParameters}
	}
	if p := in.RetryPolicy; p != nil {
		t.Retries, t.Age = p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds
	}
	var err error
	t.DeadLetter, err = s.deadLetterQueue(in.DeadLetterConfig)
	return t, err
}

// shape is the target as it was put.
func (t *target) shape() shapes.Target {
	out := shapes.Target{Id: &t.ID, Arn: &t.ARN, RoleArn: given(t.Role), Input: t.Input, InputPath: t.InputPath, DeadLetterConfig: deadLetterConfig(t.DeadLetter)}
	if tr := t.Transform; tr != nil {
		out.InputTransformer = &shapes.InputTransformer{InputPathsMap: tr.Paths, InputTemplate: &tr.Template}
	}
	if t.Group != "" {
		out.SqsParameters = &shapes.SqsParameters{MessageGroupId: &t.Group}
	}
	if h := t.HTTP; h != nil {
		out.HttpParameters = &shapes.HttpParameters{PathParameterValues: h.Path, HeaderParameters: h.Headers, QueryStringParameters: h.Query}
	}
	if t.Retries != nil || t.Age != nil {
		out.RetryPolicy = &shapes.RetryPolicy{MaximumRetryAttempts: t.Retries, MaximumEventAgeInSeconds: t.Age}
	}
	return out
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
func (s *Service) removeTargets(ctx context.Context, in *shapes.RemoveTargetsRequest) (*shapes.RemoveTargetsResponse, error) {
	r, err := ruleOf(ctx, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := &shapes.RemoveTargetsResponse{FailedEntryCount: ptr(int32(0)), FailedEntries: []shapes.RemoveTargetsResultEntry{}}
	return out, s.changeRule(ctx, r, func(old *ruleRow) (*ruleRow, error) {
		switch {
		case old == nil:
			return nil, noRule(r)
		case old.ManagedBy != "" && !(in.Force != nil && *in.Force):
			return nil, managed(r)
		}
		old.Targets = slices.DeleteFunc(old.Targets, func(t target) bool { return slices.Contains(in.Ids, t.ID) })
		return old, nil
	})
}
