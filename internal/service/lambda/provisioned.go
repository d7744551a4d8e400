package lambda

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/timer"
)

// Provisioned concurrency: a version, or the version that an alias leads to,
// has instances that are up before anybody asks for them. Invocations by that
// name go to them first, and spill over to instances on demand when all are
// busy.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html

// provisioning is the provisioned concurrency of a version or alias.
type provisioning struct {
	Wanted   int32
	Modified clock.Instant
}

func (s *Service) registerProvisioned() {
	awsapi.Handle(s.api, shapes.PutProvisionedConcurrencyConfig, onVersion("PutProvisionedConcurrencyConfig", func(in *shapes.PutProvisionedConcurrencyConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.putProvisioned)
	awsapi.Handle(s.api, shapes.GetProvisionedConcurrencyConfig, onVersion("GetProvisionedConcurrencyConfig", func(in *shapes.GetProvisionedConcurrencyConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.getProvisioned)
	awsapi.Handle(s.api, shapes.DeleteProvisionedConcurrencyConfig, onVersion("DeleteProvisionedConcurrencyConfig", func(in *shapes.DeleteProvisionedConcurrencyConfigRequest) (_, _ *string) {
		return in.FunctionName, in.Qualifier
	}), s.deleteProvisioned)
	awsapi.Handle(s.api, shapes.ListProvisionedConcurrencyConfigs, on("ListProvisionedConcurrencyConfigs", func(in *shapes.ListProvisionedConcurrencyConfigsRequest) *string { return in.FunctionName }), s.listProvisioned)
}

func (s *Service) putProvisioned(ctx context.Context, in *shapes.PutProvisionedConcurrencyConfigRequest) (*shapes.PutProvisionedConcurrencyConfigResponse, error) {
	qualifier, now := value(in.Qualifier), s.Clock.Now()
	p := &provisioning{Wanted: value(in.ProvisionedConcurrentExecutions), Modified: now}
	r, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if err := s.checkProvisioned(ctx, tx, sp, f, qualifier, p.Wanted); err != nil {
			return err
		}
		if f.Provisioned == nil {
			f.Provisioned = map[string]*provisioning{}
		}
		f.Provisioned[qualifier] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.keep(ctx, cell(ctx), r.name); err != nil {
		return nil, err
	}
	return &shapes.PutProvisionedConcurrencyConfigResponse{
		RequestedProvisionedConcurrentExecutions: &p.Wanted, AllocatedProvisionedConcurrentExecutions: ptr(int32(0)),
		AvailableProvisionedConcurrentExecutions: ptr(int32(0)), Status: ptr("IN_PROGRESS"), LastModified: stamp(now),
	}, nil
}

// checkProvisioned checks what may have provisioned concurrency, and how much.
func (s *Service) checkProvisioned(ctx context.Context, g getter, sp space, f *function, qualifier string, n int32) error {
	if qualifier == latest {
		return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	version := qualifier
	if a := f.Aliases[qualifier]; a != nil {
		if len(a.Weights) > 0 {
			return invalid("Provisioned Concurrency Configs cannot be applied to an alias with a routing configuration.")
		}
		if version = a.Version; version == latest {
			return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
		}
	}
	c, err := f.config(g, sp, version)
	if err != nil {
		return err
	}
	if c == nil {
		return notFound(string(awsapi.From(ctx).Scope.FunctionVersion(f.Name, qualifier)))
	}
	others := f.provisioned(qualifier)
	for q := range f.Provisioned {
		if q == qualifier {
			continue
		}
		if v, _ := f.leadsTo(q); v == version {
			return invalid("Alias can't be used for Provisioned Concurrency Configuration on an already Provisioned version")
		}
	}
	if f.Reserved != nil {
		if int(n)+others > int(*f.Reserved) {
			return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	reserved, err := counter(g, sp.reserved())
	if err != nil {
		return err
	}
	if s.Concurrency-int(reserved)-others-int(n) < min(minUnreserved, s.Concurrency) {
		return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}

// provisioned is the provisioned concurrency of all qualifiers but one.
func (f *function) provisioned(but string) (sum int) {
	for q, p := range f.Provisioned {
		if q != but {
			sum += int(p.Wanted)
		}
	}
	return sum
}

// leadsTo is the version that a qualifier leads to, but for weights.
func (f *function) leadsTo(qualifier string) (version string, isAlias bool) {
	if a := f.Aliases[qualifier]; a != nil {
		return a.Version, true
	}
	return qualifier, false
}

func (s *Service) getProvisioned(ctx context.Context, in *shapes.GetProvisionedConcurrencyConfigRequest) (*shapes.GetProvisionedConcurrencyConfigResponse, error) {
	_, f, _, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := f.Provisioned[value(in.Qualifier)]
	if p == nil {
		return nil, fault.New("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function").With(http.StatusNotFound)
	}
	st, err := s.stateOf(ctx, f, value(in.Qualifier), p)
	if err != nil {
		return nil, err
	}
	return &shapes.GetProvisionedConcurrencyConfigResponse{
		RequestedProvisionedConcurrentExecutions: &p.Wanted, AllocatedProvisionedConcurrentExecutions: &st.ready,
		AvailableProvisionedConcurrentExecutions: &st.ready, Status: &st.status, StatusReason: st.reason, LastModified: stamp(p.Modified),
	}, nil
}

// provisioned is what has become of a provisioning.
type provisioned struct {
	ready  int32
	status string
	reason *string
}

func (s *Service) stateOf(ctx context.Context, f *function, qualifier string, p *provisioning) (out provisioned, err error) {
	spec, err := s.keptSpec(ctx, cell(ctx), f, qualifier)
	if err != nil || spec == nil {
		return out, err
	}
	is := s.Runner.Provisioned(spec)
	out.ready, out.status = int32(min(is.Ready, int(p.Wanted))), "IN_PROGRESS"
	switch {
	case out.ready == p.Wanted:
		out.status = "READY"
	case is.Fault != nil:
		out.status, out.reason = "FAILED", ptr("FUNCTION_ERROR_INIT_FAILURE: "+string(is.Fault.Payload))
	}
	return out, nil
}

func (s *Service) deleteProvisioned(ctx context.Context, in *shapes.DeleteProvisionedConcurrencyConfigRequest) (*schema.Empty, error) {
	r, err := s.change(ctx, in.FunctionName, func(_ *kv.Tx, _ space, f *function) error {
		delete(f.Provisioned, value(in.Qualifier))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &schema.Empty{}, s.keep(ctx, cell(ctx), r.name)
}

func (s *Service) listProvisioned(ctx context.Context, in *shapes.ListProvisionedConcurrencyConfigsRequest) (*shapes.ListProvisionedConcurrencyConfigsResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListProvisionedConcurrencyConfigsResponse{ProvisionedConcurrencyConfigs: []shapes.ProvisionedConcurrencyConfigListItem{}}
	last := ""
	for _, q := range slices.Sorted(maps.Keys(f.Provisioned)) {
		if q <= value(in.Marker) {
			continue
		}
		if len(out.ProvisionedConcurrencyConfigs) == pageSize(in.MaxItems) {
			out.NextMarker = &last
			break
		}
		p := f.Provisioned[q]
		st, err := s.stateOf(ctx, f, q, p)
		if err != nil {
			return nil, err
		}
		out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs, shapes.ProvisionedConcurrencyConfigListItem{
			FunctionArn:                              ptr(string(awsapi.From(ctx).Scope.FunctionVersion(r.name, q))),
			RequestedProvisionedConcurrentExecutions: &p.Wanted, AllocatedProvisionedConcurrentExecutions: &st.ready,
			AvailableProvisionedConcurrentExecutions: &st.ready, Status: &st.status, StatusReason: st.reason, LastModified: stamp(p.Modified),
		})
		last = q
	}
	return out, nil
}

// keptSpec is the Spec of the instances that a qualifier's provisioned
// concurrency keeps up; nil when the version is gone.
func (s *Service) keptSpec(ctx context.Context, c keyspace.Cell, f *function, qualifier string) (*runner.Spec, error) {
	version, _ := f.leadsTo(qualifier)
	var conf *config
	err := s.DB.View(ctx, func(sn *kv.Snap) (err error) {
		conf, err = f.config(sn, spaceOf(c), version)
		return err
	})
	if err != nil || conf == nil {
		return nil, err
	}
	return s.specKept(arn.In(c.Region, c.Account), f, conf)
}

// keeper knows which Specs are kept up, by function and Spec.
type keeper map[string]map[*runner.Spec]bool

// keep makes the runner keep up what a function's row says, and no more. It is
// called after every change of the row that matters, and when the cloud starts;
// who made a change and does not wait for the answer has made it all the same.
func (s *Service) keep(ctx context.Context, c keyspace.Cell, name string) error {
	ctx = context.WithoutCancel(ctx)
	s.keeping.Lock()
	defer s.keeping.Unlock()
	var f *function
	err := s.DB.View(ctx, func(sn *kv.Snap) (err error) {
		f, err = get[function](sn, spaceOf(c).function(name))
		return err
	})
	if err != nil {
		return err
	}
	key := string(spaceOf(c).function(name))
	want := map[*runner.Spec]int{}
	if f != nil {
		for q, p := range f.Provisioned {
			spec, err := s.keptSpec(ctx, c, f, q)
			if err != nil {
				return err
			}
			if spec != nil {
				want[spec] += int(p.Wanted)
			}
		}
	}
	for spec := range s.kept[key] {
		if want[spec] == 0 {
			if err := s.Runner.Provision(spec, 0); err != nil {
				return err
			}
			delete(s.kept[key], spec)
			s.forget(spec)
		}
	}
	if len(s.kept[key]) == 0 {
		delete(s.kept, key)
	}
	for spec, n := range want {
		if err := s.Runner.Provision(spec, n); err != nil {
			return err
		}
		if s.kept[key] == nil {
			s.kept[key] = map[*runner.Spec]bool{}
		}
		s.kept[key][spec] = true
	}
	return nil
}

// forget forgets a Spec that was made for provisioned concurrency.
func (s *Service) forget(spec *runner.Spec) {
	s.specs.Range(func(k, v any) bool {
		if v.(*runner.Spec) == spec {
			s.specs.Delete(k)
		}
		return true
	})
}

// Start brings up what the functions of all accounts and regions have provisioned.
// A function whose code is gone has none, and says so when it is invoked: that is
// mended by a deployment, for which the cloud has to run.
func (s *Service) Start(ctx context.Context) error {
	found := map[keyspace.Cell][]string{}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		cells, err := timer.Cells(sn, "lambda")
		if err != nil {
			return err
		}
		for _, c := range cells {
			if found[c], err = provisionedIn(sn, spaceOf(c)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for c, names := range found {
		for _, name := range names {
			if err := s.keep(ctx, c, name); err != nil && !errors.Is(err, build.ErrUnknown) {
				return err
			}
		}
	}
	return nil
}

// provisionedIn returns the names of the functions that have provisioned
// concurrency.
func provisionedIn(sn *kv.Snap, sp space) (names []string, err error) {
	for p, err := range sn.Scan(sp.functions(), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		f, err := decode[function](p.Value)
		if err != nil {
			return nil, err
		}
		if len(f.Provisioned) > 0 {
			names = append(names, f.Name)
		}
	}
	return names, nil
}
