package apigateway

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func stagePath(api, name *string) string {
	return "/restapis/" + value(api) + "/stages/" + value(name)
}

func (s *Service) registerStages() {
	awsapi.Handle(s.api, shapes.CreateStage, on("POST", func(in *shapes.CreateStageRequest) string { return "/restapis/" + value(in.RestApiId) + "/stages" }), s.createStage)
	awsapi.Handle(s.api, shapes.GetStage, on("GET", func(in *shapes.GetStageRequest) string { return stagePath(in.RestApiId, in.StageName) }), s.getStage)
	awsapi.Handle(s.api, shapes.GetStages, on("GET", func(in *shapes.GetStagesRequest) string { return "/restapis/" + value(in.RestApiId) + "/stages" }), s.getStages)
	awsapi.Handle(s.api, shapes.UpdateStage, on("PATCH", func(in *shapes.UpdateStageRequest) string { return stagePath(in.RestApiId, in.StageName) }), s.updateStage)
	awsapi.Handle(s.api, shapes.DeleteStage, on("DELETE", func(in *shapes.DeleteStageRequest) string { return stagePath(in.RestApiId, in.StageName) }), s.deleteStage)
}

var stageName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`) })

func newStage(name string, now clock.Instant) (*shapes.Stage, error) {
	if !stageName().MatchString(name) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	return &shapes.Stage{
		StageName: &name, CacheClusterEnabled: ptr(false), CacheClusterStatus: ptr("NOT_AVAILABLE"), TracingEnabled: ptr(false),
		MethodSettings: map[string]shapes.MethodSetting{}, CreatedDate: &now, LastUpdatedDate: &now,
	}, nil
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
func (s *Service) createStage(ctx context.Context, in *shapes.CreateStageRequest) (*shapes.Stage, error) {
	switch {
	case value(in.CacheClusterEnabled):
		return nil, badRequest("cacheClusterEnabled is not supported: responses are not cached.")
	case in.CanarySettings != nil:
		return nil, badRequest("canarySettings are not supported.")
	}
	st, err := newStage(*in.StageName, s.clock.Now())
	if err != nil {
		return nil, err
	}
	st.DeploymentId, st.Description, st.Variables, st.Tags = in.DeploymentId, in.Description, in.Variables, in.Tags
	st.DocumentationVersion = in.DocumentationVersion
	st.TracingEnabled = ptr(value(in.TracingEnabled))
	err = s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		had, err := tx.Get(sp.stage(*a.Id, *in.StageName))
		if err != nil {
			return err
		}
		if had != nil {
			return conflict("Stage already exists")
		}
		d, err := tx.Get(sp.deployment(*a.Id, *in.DeploymentId))
		if err != nil {
			return err
		}
		if d == nil {
			return badRequest("Deployment id does not exist")
		}
		return jsonrow.Set(tx, sp.stage(*a.Id, *in.StageName), st)
	})
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Service) getStage(ctx context.Context, in *shapes.GetStageRequest) (*shapes.Stage, error) {
	if _, err := s.readAPI(ctx, *in.RestApiId); err != nil {
		return nil, err
	}
	var st *shapes.Stage
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		st, err = jsonrow.Load[shapes.Stage](sn, sp.stage(*in.RestApiId, *in.StageName))
		return err
	})
	if err == nil && st == nil {
		err = noSuchStage()
	}
	return st, err
}

func (s *Service) getStages(ctx context.Context, in *shapes.GetStagesRequest) (*shapes.Stages, error) {
	if _, err := s.readAPI(ctx, *in.RestApiId); err != nil {
		return nil, err
	}
	out := &shapes.Stages{Item: []shapes.Stage{}}
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		sts, err := list[shapes.Stage](sn, sp.stages(*in.RestApiId))
		for _, st := range sts {
			if in.DeploymentId == nil || value(st.DeploymentId) == *in.DeploymentId {
				out.Item = append(out.Item, *st)
			}
		}
		return err
	})
	return out, err
}

func (s *Service) updateStage(ctx context.Context, in *shapes.UpdateStageRequest) (*shapes.Stage, error) {
	var st *shapes.Stage
	now := s.clock.Now()
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) (err error) {
		if st, err = jsonrow.Load[shapes.Stage](tx, sp.stage(*a.Id, *in.StageName)); err != nil {
			return err
		}
		if st == nil {
			return noSuchStage()
		}
		for _, p := range in.PatchOperations {
			if err := patchStage(tx, sp, *a.Id, st, p); err != nil {
				return err
			}
		}
		st.LastUpdatedDate = &now
		return jsonrow.Set(tx, sp.stage(*a.Id, *in.StageName), st)
	})
	return st, err
}

func patchStage(tx *kv.Tx, sp space, apiID string, st *shapes.Stage, p shapes.PatchOperation) error {
	switch path := value(p.Path); {
	case path == "/deploymentId":
		d, err := tx.Get(sp.deployment(apiID, value(p.Value)))
		if err != nil {
			return err
		}
		if d == nil {
			return badRequest("Deployment id does not exist")
		}
		st.DeploymentId = p.Value
	case path == "/description":
		st.Description = p.Value
	case path == "/tracingEnabled":
		st.TracingEnabled = ptr(value(p.Value) == "true")
	case path == "/documentationVersion":
		st.DocumentationVersion = p.Value
	case path == "/cacheClusterEnabled" && value(p.Value) == "false":
		st.CacheClusterEnabled = ptr(false)
	case path == "/cacheClusterSize":
		st.CacheClusterSize = p.Value
	case strings.HasPrefix(path, "/cacheCluster"):
		return badRequest("cacheClusterEnabled is not supported: responses are not cached.")
	case strings.HasPrefix(path, "/canarySettings"):
		return badRequest("canarySettings are not supported.")
	case path == "/accessLogSettings" && value(p.Op) == "remove":
		st.AccessLogSettings = nil
	case strings.HasPrefix(path, "/accessLogSettings/"):
		return patchAccessLog(st, p)
	case strings.HasPrefix(path, "/variables/"):
		st.Variables = patchMap(st.Variables, p, unescapePointer(path[len("/variables/"):]))
	default:
		return patchSettings(st, p)
	}
	return nil
}

func patchAccessLog(st *shapes.Stage, p shapes.PatchOperation) error {
	if st.AccessLogSettings == nil {
		st.AccessLogSettings = &shapes.AccessLogSettings{}
	}
	v := p.Value
	if value(p.Op) == "remove" {
		v = nil
	}
	switch value(p.Path) {
	case "/accessLogSettings/destinationArn":
		st.AccessLogSettings.DestinationArn = v
	case "/accessLogSettings/format":
		st.AccessLogSettings.Format = v
	default:
		return badPatch(p)
	}
	return supportedAccessLog(st.AccessLogSettings)
}

func (s *Service) deleteStage(ctx context.Context, in *shapes.DeleteStageRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		had, err := tx.Get(sp.stage(*a.Id, *in.StageName))
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchStage()
		}
		tx.Delete(sp.stage(*a.Id, *in.StageName))
		return leavePlans(tx, sp, *a.Id, *in.StageName)
	})
}
