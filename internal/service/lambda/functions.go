package lambda

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) createFunction(ctx context.Context, in *shapes.CreateFunctionRequest) (*shapes.FunctionConfiguration, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	set := settings{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description, kms: in.KMSKeyArn, timeout: in.Timeout,
		memory: in.MemorySize, vpc: in.VpcConfig, dead: in.DeadLetterConfig, env: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fs: in.FileSystemConfigs, image: in.ImageConfig, tmp: in.EphemeralStorage, snap: in.SnapStart, logging: in.LoggingConfig,
	}
	switch {
	case r.qualifier != "" || !validFunctionName(r.name):
		return nil, fault.Validation("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+", value(in.FunctionName))
	case value(in.PackageType) == "Image":
		return nil, refused("functions as container images: PackageType Image")
	case value(in.CodeSigningConfigArn) != "":
		return nil, refused("code signing")
	case in.Runtime == nil || in.Handler == nil:
		return nil, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := s.check(ctx, r.name, &set); err != nil {
		return nil, err
	}
	built, err := s.artifact(upload{in.Code.ZipFile, in.Code.S3Bucket, in.Code.S3Key, in.Code.ImageUri})
	if err != nil {
		return nil, err
	}
	layers, err := s.findLayers(ctx, in.Layers)
	if err != nil {
		return nil, err
	}
	now, revision := s.Clock.Now(), newUUID()
	f := &function{Name: r.name, Tags: in.Tags, Latest: config{
		Version: latest, Timeout: 3, Memory: 128, Tmp: 512, Tracing: "PassThrough", Arch: "x86_64", Code: built, Modified: now, Revision: revision,
	}}
	if len(in.Architectures) > 0 {
		f.Latest.Arch = in.Architectures[0]
	}
	set.apply(&f.Latest, layers)
	if f.Latest.Lock, err = s.lock(ctx, f.Name, f.Latest.KMSKey, f.Latest.Role); err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	var published *config
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		have, err := tx.Get(sp.function(f.Name))
		if err != nil {
			return err
		}
		if have != nil {
			return conflict("Function already exist: %s", f.Name)
		}
		n, err := counter(tx, sp.next())
		if err != nil {
			return err
		}
		made := *f
		made.ID = uint64(n + 1)
		tx.Set(sp.next(), kv.Counter(n+1))
		if published = nil; value(in.Publish) {
			published = made.publish("")
			if err := put(tx, sp.version(made.ID, made.LastVersion), published); err != nil {
				return err
			}
		}
		return put(tx, sp.function(made.Name), &made)
	})
	if err != nil {
		return nil, err
	}
	shown := &f.Latest
	if published != nil {
		shown = published
	}
	return creating(s.show(ctx, shown, f.Name, published != nil)), nil
}

// find reads a function and the configuration that a qualifier means: a
// version's, or that of an alias's version.
func (s *Service) find(ctx context.Context, g getter, r ref) (*function, *config, error) {
	scope := awsapi.From(ctx).Scope
	sp := spaceOf(cell(ctx))
	f, err := get[function](g, sp.function(r.name))
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		return nil, nil, notFound(string(r.arn(scope)))
	}
	version := r.qualifier
	if a := f.Aliases[version]; a != nil {
		version = a.Version
	}
	c, err := f.config(g, sp, version)
	if err != nil {
		return nil, nil, err
	}
	if c == nil {
		return nil, nil, notFound(string(r.arn(scope)))
	}
	return f, c, nil
}

// view reads what a request names.
func (s *Service) view(ctx context.Context, name, qualifier *string) (r ref, f *function, c *config, err error) {
	if r, err = parseRef(ctx, name, qualifier); err != nil {
		return r, nil, nil, err
	}
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		f, c, err = s.find(ctx, sn, r)
		return err
	})
	return r, f, c, err
}

func (s *Service) getFunction(ctx context.Context, in *shapes.GetFunctionRequest) (*shapes.GetFunctionResponse, error) {
	r, f, c, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetFunctionResponse{
		Configuration: s.shown(ctx, r, c),
		Code:          &shapes.FunctionCodeLocation{RepositoryType: ptr("S3"), Location: s.location(c.Code)},
		Tags:          f.Tags,
	}
	if f.Reserved != nil {
		out.Concurrency = &shapes.Concurrency{ReservedConcurrentExecutions: f.Reserved}
	}
	return out, nil
}

// shown renders a configuration under the name that it was asked for.
func (s *Service) shown(ctx context.Context, r ref, c *config) *shapes.FunctionConfiguration {
	scope := awsapi.From(ctx).Scope
	out := s.show(ctx, c, r.name, false)
	out.FunctionArn = ptr(string(r.arn(scope)))
	return out
}

func (s *Service) getFunctionConfiguration(ctx context.Context, in *shapes.GetFunctionConfigurationRequest) (*shapes.FunctionConfiguration, error) {
	r, _, c, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, r, c), nil
}

// page is the size of a page when a request does not say; Lambda's maximum.
const page = 50

func pageSize(n *int32) int {
	if n == nil || *n <= 0 || *n > page {
		return page
	}
	return int(*n)
}

func (s *Service) listFunctions(ctx context.Context, in *shapes.ListFunctionsRequest) (*shapes.ListFunctionsResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &shapes.ListFunctionsResponse{Functions: []shapes.FunctionConfiguration{}}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		r := sp.functions()
		if m := value(in.Marker); m != "" {
			r.Start = kv.Next(sp.function(m))
		}
		for p, err := range sn.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			f, err := decode[function](p.Value)
			if err != nil {
				return err
			}
			if len(out.Functions) >= pageSize(in.MaxItems) {
				break
			}
			all := value(in.FunctionVersion) == "ALL"
			c := s.show(ctx, &f.Latest, f.Name, all)
			c.State, c.LastUpdateStatus = nil, nil // lists do not say
			out.Functions = append(out.Functions, *c)
			if all {
				vs, err := f.published(sn, sp)
				if err != nil {
					return err
				}
				for _, v := range vs {
					c := s.show(ctx, v, f.Name, true)
					c.State, c.LastUpdateStatus = nil, nil
					out.Functions = append(out.Functions, *c)
				}
			}
			out.NextMarker = &f.Name
		}
		return nil
	})
	if len(out.Functions) < pageSize(in.MaxItems) {
		out.NextMarker = nil
	}
	return out, err
}

// published returns the published versions, oldest first.
func (f *function) published(sn *kv.Snap, sp space) ([]*config, error) {
	var out []*config
	for p, err := range sn.Scan(sp.versions(f.ID), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		c, err := decode[config](p.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (s *Service) deleteFunction(ctx context.Context, in *shapes.DeleteFunctionRequest) (*schema.Empty, error) {
	r, err := parseRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	sp, scope := spaceOf(cell(ctx)), awsapi.From(ctx).Scope
	var gone []*config
	var was *function
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		gone = nil
		f, err := get[function](tx, sp.function(r.name))
		if err != nil {
			return err
		}
		if f == nil {
			return notFound(string(r.arn(scope)))
		}
		was = f
		if r.qualifier != "" {
			c, err := f.deleteVersion(tx, sp, r.qualifier, r.arn(scope).String())
			if c != nil {
				gone = append(gone, c)
			}
			return err
		}
		for p, err := range tx.Scan(sp.versions(f.ID), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			c, err := decode[config](p.Value)
			if err != nil {
				return err
			}
			gone = append(gone, c)
		}
		gone = append(gone, &f.Latest)
		for q := range f.URLs {
			f.dropURL(tx, sp, q)
		}
		tx.Delete(sp.function(f.Name))
		tx.DeleteRange(sp.versions(f.ID))
		if f.Reserved != nil {
			tx.Add(sp.reserved(), -int64(*f.Reserved))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range gone {
		s.retire(scope, was, c)
	}
	if r.qualifier == "" {
		s.rows.Delete(string(sp.function(r.name)))
	}
	return &schema.Empty{}, s.keep(ctx, cell(ctx), was.Name)
}

// deleteVersion deletes one published version.
func (f *function) deleteVersion(tx *kv.Tx, sp space, qualifier, name string) (*config, error) {
	if qualifier == latest {
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if f.Aliases[qualifier] != nil {
		return nil, invalid("Aliases cannot be deleted with this operation.")
	}
	for _, alias := range slices.Sorted(maps.Keys(f.Aliases)) {
		a := f.Aliases[alias]
		if _, routed := a.Weights[qualifier]; routed || a.Version == qualifier {
			return nil, conflict("The version %s of function is referenced by the alias %s.", qualifier, alias)
		}
	}
	c, err := f.config(tx, sp, qualifier)
	if err != nil || c == nil {
		return nil, err // deleting what is not there is no error
	}
	tx.Delete(sp.version(f.ID, number(qualifier)))
	delete(f.Provisioned, qualifier)
	delete(f.Policies, qualifier)
	delete(f.Async, qualifier)
	return c, put(tx, sp.function(f.Name), f)
}

func (s *Service) getAccountSettings(ctx context.Context, _ *shapes.GetAccountSettingsRequest) (*shapes.GetAccountSettingsResponse, error) {
	sp := spaceOf(cell(ctx))
	var size, functions, reserved int64
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		var err error
		if reserved, err = counter(sn, sp.reserved()); err != nil {
			return err
		}
		for p, err := range sn.Scan(sp.functions(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			f, err := decode[function](p.Value)
			if err != nil {
				return err
			}
			functions++
			size += f.Latest.Code.Size
		}
		return nil
	})
	return &shapes.GetAccountSettingsResponse{
		AccountLimit: &shapes.AccountLimit{
			TotalCodeSize: ptr(int64(80530636800)), CodeSizeUnzipped: ptr(int64(262144000)), CodeSizeZipped: ptr(int64(maxZip)),
			ConcurrentExecutions: ptr(int32(s.Concurrency)), UnreservedConcurrentExecutions: ptr(int32(s.Concurrency) - int32(reserved)),
		},
		AccountUsage: &shapes.AccountUsage{TotalCodeSize: &size, FunctionCount: &functions},
	}, err
}
