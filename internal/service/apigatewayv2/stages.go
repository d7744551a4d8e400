package apigatewayv2

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerStages() {
	awsapi.Handle(s.api, shapes.CreateStage, on("POST", func(in *shapes.CreateStageRequest) string { return apiPath(in.ApiId) + "/stages" }), s.createStage)
	awsapi.Handle(s.api, shapes.GetStage, on("GET", func(in *shapes.GetStageRequest) string { return stagePath(in.ApiId, in.StageName) }), s.getStage)
	awsapi.Handle(s.api, shapes.GetStages, on("GET", func(in *shapes.GetStagesRequest) string { return apiPath(in.ApiId) + "/stages" }), s.getStages)
	awsapi.Handle(s.api, shapes.UpdateStage, on("PATCH", func(in *shapes.UpdateStageRequest) string { return stagePath(in.ApiId, in.StageName) }), s.updateStage)
	awsapi.Handle(s.api, shapes.DeleteStage, on("DELETE", func(in *shapes.DeleteStageRequest) string { return stagePath(in.ApiId, in.StageName) }), s.deleteStage)
	awsapi.Handle(s.api, shapes.DeleteAccessLogSettings, on("DELETE", func(in *shapes.DeleteAccessLogSettingsRequest) string {
		return stagePath(in.ApiId, in.StageName) + "/accesslogsettings"
	}), s.deleteAccessLogSettings)
	awsapi.Handle(s.api, shapes.DeleteRouteSettings, on("DELETE", func(in *shapes.DeleteRouteSettingsRequest) string {
		return stagePath(in.ApiId, in.StageName) + "/routesettings/" + value(in.RouteKey)
	}), s.deleteRouteSettings)
}

func stagePath(api, name *string) string { return apiPath(api) + "/stages/" + value(name) }

func noSuchStage() *fault.Error { return notFound("Invalid stage identifier specified") }

func newStage(name string, now clock.Instant) *shapes.Stage {
	return &shapes.Stage{
		StageName: &name, CreatedDate: &now, LastUpdatedDate: &now, AutoDeploy: ptr(false), DefaultRouteSettings: &shapes.RouteSettings{DetailedMetricsEnabled: ptr(false)},
		RouteSettings: map[string]shapes.RouteSettings{}, StageVariables: map[string]string{},
	}
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html#CreateStage
func (s *Service) createStage(ctx context.Context, in *shapes.CreateStageRequest) (*shapes.CreateStageResponse, error) {
	name := *in.StageName
	if name != defaultStage && (name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "") {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_- and $default")
	}
	if in.ClientCertificateId != nil {
		return nil, refused("client certificates: clientCertificateId")
	}
	st := newStage(name, s.Clock.Now())
	err := s.update(ctx, in.ApiId, func(c *change) error {
		if had, err := c.Get(c.part(stageKind, *in.ApiId, name)); err != nil || had != nil {
			return orConflict(err, "Stage already exists")
		}
		merge(st, in)
		if err := c.soundStage(st, in.DeploymentId); err != nil {
			return err
		}
		return jsonrow.Set(c.Tx, c.part(stageKind, *in.ApiId, name), st)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.getStage(ctx, &shapes.GetStageRequest{ApiId: in.ApiId, StageName: in.StageName})
	if err != nil {
		return nil, err
	}
	out := shapes.CreateStageResponse(*got)
	return &out, nil
}

func orConflict(err error, message string) error {
	if err != nil {
		return err
	}
	return conflict("%s", message)
}

// soundStage refuses settings that a stage cannot have. deployment is what a
// request names, nil for none.
func (c *change) soundStage(st *shapes.Stage, deployment *string) error {
	if value(st.AutoDeploy) && value(deployment) != "" {
		return badRequest("Deployment ID must not be set when autoDeploy is enabled")
	}
	if id := value(deployment); id != "" {
		if d, err := c.Get(c.part(deploymentKind, *c.api.ApiId, id)); err != nil || d == nil {
			return orErr(err, notFound("Deployment not found with ID: %s", id))
		}
	}
	if err := soundAccessLog(st.AccessLogSettings, c.scope); err != nil {
		return err
	}
	keys := map[string]bool{}
	if len(st.RouteSettings) > 0 {
		rs, err := listTx[shapes.Route](c.Tx, c.parts(routeKind, *c.api.ApiId))
		if err != nil {
			return err
		}
		for _, r := range rs {
			keys[*r.RouteKey] = true
		}
	}
	for key, rs := range st.RouteSettings {
		if !keys[key] {
			return notFound("Unable to find Route by key %s within the provided RouteSettings", key)
		}
		if err := soundSettings(&rs); err != nil {
			return err
		}
	}
	return soundSettings(st.DefaultRouteSettings)
}

func orErr(err error, other *fault.Error) error {
	if err != nil {
		return err
	}
	return other
}

// soundSettings refuses settings that only WebSocket APIs have.
func soundSettings(s *shapes.RouteSettings) error {
	if s == nil {
		return nil
	}
	if value(s.DataTraceEnabled) || s.LoggingLevel != nil && *s.LoggingLevel != "OFF" {
		return badRequest("Execution logs are not supported on protocolType HTTP: dataTraceEnabled and loggingLevel")
	}
	if value(s.ThrottlingRateLimit) < 0 || value(s.ThrottlingBurstLimit) < 0 {
		return badRequest("Throttling limits must not be negative")
	}
	return nil
}

// soundAccessLog refuses what could not be written.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
func soundAccessLog(l *shapes.AccessLogSettings, own arn.Scope) error {
	if l == nil {
		return nil
	}
	to := arn.ARN(value(l.DestinationArn))
	if to != "" && (to.Service() != "logs" || logGroupOf(to) == "") {
		return badRequest("Invalid ARN specified in the request: %s. Access logs go to a CloudWatch Logs log group.", to)
	}
	if to != "" && (to.Account() != own.Account || to.Region() != own.Region) {
		return badRequest("Invalid ARN specified in the request: %s. Access logs go to a log group of the API's own account and region.", to)
	}
	if f := value(l.Format); to != "" && !strings.Contains(f, "$context.requestId") && !strings.Contains(f, "$context.extendedRequestId") {
		return badRequest("Access Log format must contain at least one of $context.requestId or $context.extendedRequestId")
	}
	return nil
}

// logGroupOf is the log group that an ARN names, with or without the asterisk
// for its streams at the end; "" where it names none.
func logGroupOf(a arn.ARN) string {
	name, ok := strings.CutPrefix(a.Resource(), "log-group:")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, ":*")
}

func (s *Service) getStage(ctx context.Context, in *shapes.GetStageRequest) (*shapes.GetStageResponse, error) {
	st, err := getPart[shapes.Stage](ctx, s, stageKind, in.ApiId, in.StageName, noSuchStage())
	if err != nil {
		return nil, err
	}
	out := shapes.GetStageResponse(*st)
	return &out, nil
}

func (s *Service) getStages(ctx context.Context, in *shapes.GetStagesRequest) (*shapes.GetStagesResponse, error) {
	items, next, err := pageOfParts[shapes.Stage](ctx, s, stageKind, in.ApiId, in.NextToken, in.MaxResults)
	return &shapes.GetStagesResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateStage(ctx context.Context, in *shapes.UpdateStageRequest) (*shapes.UpdateStageResponse, error) {
	if in.ClientCertificateId != nil {
		return nil, refused("client certificates: clientCertificateId")
	}
	now := s.Clock.Now()
	_, err := changePart(ctx, s, stageKind, in.ApiId, in.StageName, noSuchStage(), func(c *change, st *shapes.Stage) error {
		settings, variables := in.RouteSettings, in.StageVariables
		in.RouteSettings, in.StageVariables = nil, nil
		defer func() { in.RouteSettings, in.StageVariables = settings, variables }()
		merge(st, in)
		st.RouteSettings = overlay(st.RouteSettings, settings)
		st.StageVariables = overlay(st.StageVariables, variables)
		for k, v := range st.StageVariables {
			if v == "" {
				delete(st.StageVariables, k)
			}
		}
		st.LastUpdatedDate = &now
		return c.soundStage(st, in.DeploymentId)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.getStage(ctx, &shapes.GetStageRequest{ApiId: in.ApiId, StageName: in.StageName})
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateStageResponse(*got)
	return &out, nil
}

// overlay sets the entries of a map that a request names.
func overlay[V any](have, set map[string]V) map[string]V {
	if have == nil {
		have = map[string]V{}
	}
	for k, v := range set {
		have[k] = v
	}
	return have
}

func (s *Service) deleteStage(ctx context.Context, in *shapes.DeleteStageRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		st, err := part[shapes.Stage](c.Tx, c.space, stageKind, *in.ApiId, *in.StageName, noSuchStage())
		if err != nil {
			return err
		}
		mapped, err := mappedBy(c.Tx, c.space, func(m *shapes.ApiMapping) bool {
			return value(m.ApiId) == *in.ApiId && value(m.Stage) == *in.StageName
		})
		if err != nil {
			return err
		}
		if mapped != "" {
			return badRequest("Deleting stage is not allowed while it is mapped to the domain name %s", mapped)
		}
		c.Delete(c.part(stageKind, *in.ApiId, *in.StageName))
		return c.leave(value(st.DeploymentId), *in.StageName)
	})
}

func (s *Service) deleteAccessLogSettings(ctx context.Context, in *shapes.DeleteAccessLogSettingsRequest) (*schema.Empty, error) {
	_, err := changePart(ctx, s, stageKind, in.ApiId, in.StageName, noSuchStage(), func(_ *change, st *shapes.Stage) error {
		st.AccessLogSettings = nil
		return nil
	})
	return nil, err
}

func (s *Service) deleteRouteSettings(ctx context.Context, in *shapes.DeleteRouteSettingsRequest) (*schema.Empty, error) {
	_, err := changePart(ctx, s, stageKind, in.ApiId, in.StageName, noSuchStage(), func(_ *change, st *shapes.Stage) error {
		if _, ok := st.RouteSettings[*in.RouteKey]; !ok {
			return notFound("Unable to find Route by key %s within the provided RouteSettings", *in.RouteKey)
		}
		delete(st.RouteSettings, *in.RouteKey)
		return nil
	})
	return nil, err
}
