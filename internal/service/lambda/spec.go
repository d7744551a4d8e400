package lambda

import (
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/runner"
)

// specKey names a configuration: a revision is never another's.
type specKey struct {
	account, region string
	id              uint64
	version         string
	revision        string
	kept            bool // by provisioned concurrency
	debug           bool // under a debugger
}

// spec returns the execution environment of a configuration.
func (s *Service) spec(scope arn.Scope, f *function, c *config) (*runner.Spec, error) {
	return s.specFor(scope, f, c, false)
}

func (s *Service) debugged(f *function) bool { return s.Debug != nil && s.Debug(f.Name) }

// specKept returns that of instances that provisioned concurrency keeps up.
func (s *Service) specKept(scope arn.Scope, f *function, c *config) (*runner.Spec, error) {
	return s.specFor(scope, f, c, true)
}

func (s *Service) specFor(scope arn.Scope, f *function, c *config, kept bool) (*runner.Spec, error) {
	k := specKey{scope.Account, scope.Region, f.ID, c.Version, c.Revision, kept, s.debugged(f)}
	if have, ok := s.specs.Load(k); ok {
		return have.(*runner.Spec), nil
	}
	a, err := s.Artifacts.Artifact(c.Code.Digest)
	if err != nil {
		return nil, fmt.Errorf("code of %s: %w", f.Name, err)
	}
	spec := &runner.Spec{
		Function: scope.Function(f.Name), Name: f.Name, Version: c.Version,
		Runtime: c.Runtime, Handler: c.Handler, CodeDir: a.Dir, Code: a.Digest, Uses: a.Uses,
		Env: c.Env, Role: arn.ARN(c.Role), MemoryMB: int(c.Memory), Timeout: time.Duration(c.Timeout) * time.Second, TmpMB: int(c.Tmp),
		LogGroup: c.logGroup(f.Name), Provisioned: kept, Debug: k.debug,
	}
	if open := s.opens(scope, f.Name, c); open != nil {
		spec.Open, spec.Lock = open, string(c.Lock)
	}
	for _, l := range c.Layers {
		la, err := s.Artifacts.Artifact(l.Digest)
		if err != nil {
			return nil, fmt.Errorf("layer %s of %s: %w", l.ARN, f.Name, err)
		}
		spec.Layers = append(spec.Layers, la.Dir)
		spec.Uses = append(spec.Uses, la.Uses...)
	}
	have, _ := s.specs.LoadOrStore(k, spec)
	return have.(*runner.Spec), nil
}
