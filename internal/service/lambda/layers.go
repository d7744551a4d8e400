package lambda

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
)

// layerName returns the name of a layer that is named by its name or ARN.
func layerName(text string) string {
	if rest, ok := strings.CutPrefix(arn.ARN(text).Resource(), "layer:"); ok {
		name, _, _ := strings.Cut(rest, ":")
		return name
	}
	return text
}

func (s *Service) publishLayer(ctx context.Context, in *shapes.PublishLayerVersionRequest) (*shapes.PublishLayerVersionResponse, error) {
	built, err := s.artifact(upload{zip: in.Content.ZipFile, bucket: in.Content.S3Bucket, key: in.Content.S3Key})
	if err != nil {
		return nil, err
	}
	sp, scope, name := spaceOf(cell(ctx)), awsapi.From(ctx).Scope, layerName(value(in.LayerName))
	l := layer{
		Description: value(in.Description), License: value(in.LicenseInfo), Runtimes: in.CompatibleRuntimes, Archs: in.CompatibleArchitectures,
		Code: built, Created: s.Clock.Now(),
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		n, err := counter(tx, sp.lastLayer(name))
		if err != nil {
			return err
		}
		l.Version = uint64(n + 1)
		tx.Set(sp.lastLayer(name), kv.Counter(n+1)) // stays when versions are deleted: numbers are never used again
		return put(tx, sp.layer(name, l.Version), &l)
	})
	if err != nil {
		return nil, err
	}
	i := l.item(scope, name)
	return &shapes.PublishLayerVersionResponse{
		Content: s.content(&l), LayerArn: ptr(string(scope.Layer(name))), LayerVersionArn: i.LayerVersionArn, Description: i.Description,
		CreatedDate: i.CreatedDate, Version: i.Version, CompatibleRuntimes: i.CompatibleRuntimes, LicenseInfo: i.LicenseInfo,
		CompatibleArchitectures: i.CompatibleArchitectures,
	}, nil
}

func (s *Service) content(l *layer) *shapes.LayerVersionContentOutput {
	return &shapes.LayerVersionContentOutput{Location: s.location(l.Code), CodeSha256: &l.Code.SHA256, CodeSize: &l.Code.Size}
}

func (l *layer) item(s arn.Scope, name string) shapes.LayerVersionsListItem {
	return shapes.LayerVersionsListItem{
		LayerVersionArn: ptr(string(s.LayerVersion(name, strconv.FormatUint(l.Version, 10)))), Version: ptr(int64(l.Version)),
		Description: &l.Description, CreatedDate: stamp(l.Created), CompatibleRuntimes: l.Runtimes, LicenseInfo: some(l.License),
		CompatibleArchitectures: l.Archs,
	}
}

func (s *Service) getLayer(ctx context.Context, in *shapes.GetLayerVersionRequest) (*shapes.GetLayerVersionResponse, error) {
	return s.oneLayer(ctx, layerName(value(in.LayerName)), uint64(value(in.VersionNumber)))
}

func (s *Service) getLayerByARN(ctx context.Context, in *shapes.GetLayerVersionByArnRequest) (*shapes.GetLayerVersionResponse, error) {
	name, version, ok := layerARN(value(in.Arn))
	if !ok {
		return nil, noResource()
	}
	return s.oneLayer(ctx, name, number(version))
}

func (s *Service) oneLayer(ctx context.Context, name string, version uint64) (*shapes.GetLayerVersionResponse, error) {
	sp, scope := spaceOf(cell(ctx)), awsapi.From(ctx).Scope
	var l *layer
	err := s.DB.View(ctx, func(sn *kv.Snap) (err error) {
		l, err = get[layer](sn, sp.layer(name, version))
		return err
	})
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, noResource()
	}
	i := l.item(scope, name)
	return &shapes.GetLayerVersionResponse{
		Content: s.content(l), LayerArn: ptr(string(scope.Layer(name))), LayerVersionArn: i.LayerVersionArn, Description: i.Description,
		CreatedDate: i.CreatedDate, Version: i.Version, CompatibleRuntimes: i.CompatibleRuntimes, LicenseInfo: i.LicenseInfo,
		CompatibleArchitectures: i.CompatibleArchitectures,
	}, nil
}

// deleteLayer leaves the functions that use the layer as they are: they have
// its content.
func (s *Service) deleteLayer(ctx context.Context, in *shapes.DeleteLayerVersionRequest) (*schema.Empty, error) {
	sp := spaceOf(cell(ctx))
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		tx.Delete(sp.layer(layerName(value(in.LayerName)), uint64(value(in.VersionNumber))))
		return nil
	})
	return &schema.Empty{}, err
}

// fits reports whether a layer is of those that a list asks for.
func (l *layer) fits(runtime, arch *string) bool {
	return (runtime == nil || slices.Contains(l.Runtimes, *runtime)) && (arch == nil || slices.Contains(l.Archs, *arch))
}

func (s *Service) listLayerVersions(ctx context.Context, in *shapes.ListLayerVersionsRequest) (*shapes.ListLayerVersionsResponse, error) {
	sp, scope, name := spaceOf(cell(ctx)), awsapi.From(ctx).Scope, layerName(value(in.LayerName))
	out := &shapes.ListLayerVersionsResponse{LayerVersions: []shapes.LayerVersionsListItem{}}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		r := sp.layersOf(name)
		r.Start = sp.layer(name, 0)
		if m := value(in.Marker); m != "" {
			r.End = sp.layer(name, number(m))
		}
		for p, err := range sn.Scan(r, kv.ScanOptions{Reverse: true}) { // the newest first
			if err != nil {
				return err
			}
			l, err := decode[layer](p.Value)
			if err != nil {
				return err
			}
			if !l.fits(in.CompatibleRuntime, in.CompatibleArchitecture) {
				continue
			}
			if n := len(out.LayerVersions); n == pageSize(in.MaxItems) {
				out.NextMarker = ptr(strconv.FormatInt(*out.LayerVersions[n-1].Version, 10))
				return nil
			}
			out.LayerVersions = append(out.LayerVersions, l.item(scope, name))
		}
		return nil
	})
	return out, err
}

func (s *Service) listLayers(ctx context.Context, in *shapes.ListLayersRequest) (*shapes.ListLayersResponse, error) {
	sp, scope := spaceOf(cell(ctx)), awsapi.From(ctx).Scope
	out := &shapes.ListLayersResponse{Layers: []shapes.LayersListItem{}}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		r := sp.layers()
		if m := value(in.Marker); m != "" {
			r.Start = sp.layersOf(m).End
		}
		for p, err := range sn.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			name := d.Str()
			if !d.More() { // the counter
				continue
			}
			l, err := decode[layer](p.Value)
			if err != nil {
				return err
			}
			if !l.fits(in.CompatibleRuntime, in.CompatibleArchitecture) {
				continue
			}
			item := l.item(scope, name)
			if n := len(out.Layers); n > 0 && *out.Layers[n-1].LayerName == name {
				out.Layers[n-1].LatestMatchingVersion = &item
				continue
			} else if n == pageSize(in.MaxItems) {
				out.NextMarker = out.Layers[n-1].LayerName
				return nil
			}
			out.Layers = append(out.Layers, shapes.LayersListItem{LayerName: &name, LayerArn: ptr(string(scope.Layer(name))), LatestMatchingVersion: &item})
		}
		return nil
	})
	return out, err
}
