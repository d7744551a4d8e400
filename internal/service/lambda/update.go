package lambda

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/runner"
)

func (s *Service) updateFunctionCode(ctx context.Context, in *shapes.UpdateFunctionCodeRequest) (*shapes.FunctionConfiguration, error) {
	built, err := s.artifact(upload{in.ZipFile, in.S3Bucket, in.S3Key, in.ImageUri})
	if err != nil {
		return nil, err
	}
	return s.update(ctx, in.FunctionName, in.RevisionId, value(in.DryRun), value(in.Publish), func(c *config) {
		c.Code = built
		if len(in.Architectures) > 0 {
			c.Arch = in.Architectures[0]
		}
	})
}

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *shapes.UpdateFunctionConfigurationRequest) (*shapes.FunctionConfiguration, error) {
	set := settings{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description, kms: in.KMSKeyArn, timeout: in.Timeout,
		memory: in.MemorySize, vpc: in.VpcConfig, dead: in.DeadLetterConfig, env: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fs: in.FileSystemConfigs, image: in.ImageConfig, tmp: in.EphemeralStorage, snap: in.SnapStart, logging: in.LoggingConfig,
	}
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, r.name, &set); err != nil {
		return nil, err
	}
	layers, err := s.findLayers(ctx, in.Layers)
	if err != nil {
		return nil, err
	}
	key, role := set.kms, value(set.role)
	if renew := set.env != nil || set.role != nil; key == nil && renew || key != nil && role == "" {
		_, _, c, err := s.view(ctx, in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		if key == nil {
			key = &c.KMSKey
		}
		if role == "" {
			role = c.Role
		}
	}
	lock, err := s.lock(ctx, r.name, value(key), role)
	if err != nil {
		return nil, err
	}
	return s.update(ctx, in.FunctionName, in.RevisionId, false, false, func(c *config) {
		set.apply(c, layers)
		if key != nil {
			c.Lock = lock
		}
	})
}

// update changes $LATEST. While instances of it are warm, one of the new
// configuration is started first: traffic changes over to it when it is ready,
// without waiting, and does not change when it fails. The update is then one
// that failed, as LastUpdateStatus says, and everything else is as before.
func (s *Service) update(ctx context.Context, name, revision *string, dry, publish bool, change func(*config)) (*shapes.FunctionConfiguration, error) {
	r, old, c, err := s.view(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	if r.qualifier != "" && r.qualifier != latest {
		return nil, invalid("Versions and aliases cannot be updated with this operation.")
	}
	scope, sp := awsapi.From(ctx).Scope, spaceOf(cell(ctx))
	next := *c
	change(&next)
	next.Modified, next.Revision, next.Failed, next.FailedCode = s.Clock.Now(), newUUID(), "", ""
	if dry {
		return s.show(ctx, &next, r.name, false), nil
	}
	failed, failedCode := "", ""
	oldSpec, err := s.spec(scope, old, c)
	if err != nil {
		return nil, err
	}
	nextSpec, err := s.spec(scope, old, &next)
	if err != nil {
		return nil, err
	}
	if oldSpec.Hash() != nextSpec.Hash() {
		var f *runner.Fault
		if err := s.Runner.Swap(ctx, oldSpec, nextSpec); errors.As(err, &f) {
			failed, failedCode = unstarted(f)
		} else if err != nil {
			return nil, err
		}
	}
	var shown config
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		f, err := get[function](tx, sp.function(r.name))
		if err != nil {
			return err
		}
		switch {
		case f == nil || f.ID != old.ID:
			return notFound(string(r.arn(scope)))
		case revision != nil && *revision != f.Latest.Revision:
			return stale()
		case f.Latest.Revision != c.Revision:
			return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", r.unqualified().arn(scope))
		}
		if failed != "" {
			f.Latest.Failed, f.Latest.FailedCode = failed, failedCode
		} else {
			f.Latest = next
		}
		shown = f.Latest
		if publish && failed == "" {
			p, err := f.publishIfChanged(tx, sp, "")
			if err != nil {
				return err
			}
			shown = *p
		}
		return put(tx, sp.function(f.Name), f)
	})
	if err != nil {
		return nil, err
	}
	switch {
	case failed == "" && oldSpec.Hash() != nextSpec.Hash():
		s.retire(scope, old, c)
	case failed == "": // the instances are the same ones, known by another revision
		s.specs.Delete(specKey{scope.Account, scope.Region, old.ID, c.Version, c.Revision, false, s.debugged(old)})
	}
	if failed != "" {
		s.specs.Delete(specKey{scope.Account, scope.Region, old.ID, next.Version, next.Revision, false, s.debugged(old)})
		next.Failed, next.FailedCode = failed, failedCode
		shown = next
	}
	return updating(s.show(ctx, &shown, r.name, shown.Version != latest)), nil
}

// retire ends the instances of a configuration that gets no traffic any more.
func (s *Service) retire(scope arn.Scope, f *function, c *config) {
	k := specKey{scope.Account, scope.Region, f.ID, c.Version, c.Revision, false, s.debugged(f)}
	if spec, ok := s.specs.LoadAndDelete(k); ok {
		s.Runner.Retire(spec.(*runner.Spec))
	}
}
