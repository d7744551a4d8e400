package lambda

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
)

// publish makes a version of $LATEST. The caller stores both.
func (f *function) publish(description string) *config {
	f.LastVersion++
	c := f.Latest
	c.Version = strconv.FormatUint(f.LastVersion, 10)
	if description != "" {
		c.Description = description
	}
	c.Failed, c.FailedCode = "", ""
	return &c
}

// publishIfChanged publishes $LATEST, or returns the newest version when it is
// the same: Lambda does not publish what has not changed.
func (f *function) publishIfChanged(tx *kv.Tx, sp space, description string) (*config, error) {
	if f.LastVersion > 0 {
		newest, err := get[config](tx, sp.version(f.ID, f.LastVersion))
		if err != nil {
			return nil, err
		}
		if newest != nil && newest.same(&f.Latest) && (description == "" || description == newest.Description) {
			return newest, nil
		}
	}
	c := f.publish(description)
	return c, put(tx, sp.version(f.ID, f.LastVersion), c)
}

// same reports whether two configurations run the same code in the same way.
func (c *config) same(o *config) bool {
	return c.Runtime == o.Runtime && c.Handler == o.Handler && c.Role == o.Role && c.Timeout == o.Timeout && c.Memory == o.Memory &&
		c.Tmp == o.Tmp && maps.Equal(c.Env, o.Env) && slices.Equal(c.Layers, o.Layers) && c.Code == o.Code && c.Arch == o.Arch &&
		c.Tracing == o.Tracing && c.DeadLetter == o.DeadLetter && c.KMSKey == o.KMSKey && slices.Equal(c.Subnets, o.Subnets) &&
		slices.Equal(c.Groups, o.Groups) && c.LogGroup == o.LogGroup
}

func (s *Service) publishVersion(ctx context.Context, in *shapes.PublishVersionRequest) (*shapes.FunctionConfiguration, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	scope, sp := awsapi.From(ctx).Scope, spaceOf(cell(ctx))
	revision := newUUID()
	var out *config
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		f, err := get[function](tx, sp.function(r.name))
		switch {
		case err != nil:
			return err
		case f == nil:
			return notFound(string(r.arn(scope)))
		case in.RevisionId != nil && *in.RevisionId != f.Latest.Revision:
			return stale()
		case in.CodeSha256 != nil && *in.CodeSha256 != "" && *in.CodeSha256 != f.Latest.Code.SHA256:
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				*in.CodeSha256, f.Latest.Code.SHA256)
		}
		before := f.LastVersion
		if out, err = f.publishIfChanged(tx, sp, value(in.Description)); err != nil || f.LastVersion == before {
			return err
		}
		out.Revision = revision
		if err := put(tx, sp.version(f.ID, f.LastVersion), out); err != nil {
			return err
		}
		return put(tx, sp.function(f.Name), f)
	})
	if err != nil {
		return nil, err
	}
	return s.show(ctx, out, r.name, true), nil
}

func (s *Service) listVersions(ctx context.Context, in *shapes.ListVersionsByFunctionRequest) (*shapes.ListVersionsByFunctionResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	out := &shapes.ListVersionsByFunctionResponse{Versions: []shapes.FunctionConfiguration{}}
	after := uint64(0)
	if m := value(in.Marker); m != "" {
		after = number(m)
	} else {
		out.Versions = append(out.Versions, *s.show(ctx, &f.Latest, r.name, true))
	}
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		vs, err := f.published(sn, sp)
		for _, v := range vs {
			if number(v.Version) <= after {
				continue
			}
			if len(out.Versions) >= pageSize(in.MaxItems) {
				out.NextMarker = out.Versions[len(out.Versions)-1].Version
				if *out.NextMarker == latest {
					out.NextMarker = ptr("0")
				}
				break
			}
			out.Versions = append(out.Versions, *s.show(ctx, v, r.name, true))
		}
		return err
	})
	for i := range out.Versions {
		out.Versions[i].State, out.Versions[i].LastUpdateStatus = nil, nil
	}
	return out, err
}
