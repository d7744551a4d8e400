package ssm

import (
	"context"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// change changes the row of a parameter.
func (s *Service) change(ctx context.Context, n name, missing *fault.Error, change func(tx *kv.Tx, row *parameterRow) error) error {
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var row parameterRow
		switch ok, err := jsonrow.Get(tx, n.space().parameter(n.text), &row); {
		case err != nil:
			return err
		case !ok:
			return missing
		}
		if err := change(tx, &row); err != nil {
			return err
		}
		return jsonrow.Set(tx, n.space().parameter(n.text), &row)
	})
	return err
}

// remove deletes a parameter with all its versions.
func (s *Service) remove(tx *kv.Tx, n name, row *parameterRow) error {
	tx.Delete(n.space().parameter(n.text))
	tx.DeleteRange(n.space().versionsOf(n.text))
	return s.changed(tx, n, row, "Delete")
}

func (s *Service) delete(ctx context.Context, text string) error {
	n, err := read(ctx, text)
	if err != nil {
		return err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		var row parameterRow
		switch ok, err := jsonrow.Get(tx, n.space().parameter(n.text), &row); {
		case err != nil:
			return err
		case !ok:
			return notFound(n)
		}
		return s.remove(tx, n, &row)
	})
	return err
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
func (s *Service) deleteParameter(ctx context.Context, in *shapes.DeleteParameterRequest) (*shapes.DeleteParameterResult, error) {
	return &shapes.DeleteParameterResult{}, s.delete(ctx, value(in.Name))
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
func (s *Service) deleteParameters(ctx context.Context, in *shapes.DeleteParametersRequest) (*shapes.DeleteParametersResult, error) {
	out := &shapes.DeleteParametersResult{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, text := range in.Names {
		switch err := s.delete(ctx, text); {
		case fault.Is(err, "ParameterNotFound"):
			out.InvalidParameters = append(out.InvalidParameters, text)
		case err != nil:
			return nil, err
		default:
			out.DeletedParameters = append(out.DeletedParameters, text)
		}
	}
	return out, nil
}

// maxLabels is how many labels a version may have.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
const maxLabels = 10

func goodLabel(label string) bool {
	lower := strings.ToLower(label)
	return label != "" && len(label) <= 100 && clean(label) && !strings.Contains(label, "/") && (label[0] < '0' || label[0] > '9') &&
		!strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html
func (s *Service) labelParameterVersion(ctx context.Context, in *shapes.LabelParameterVersionRequest) (*shapes.LabelParameterVersionResult, error) {
	n, err := read(ctx, value(in.Name))
	if err != nil {
		return nil, err
	}
	out := &shapes.LabelParameterVersionResult{}
	err = s.change(ctx, n, notFound(n), func(tx *kv.Tx, row *parameterRow) error {
		number := row.Version
		if in.ParameterVersion != nil {
			number = *in.ParameterVersion
		}
		if number < row.Oldest || number > row.Version {
			return fault.New("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", number, n.text)
		}
		out.InvalidLabels, out.ParameterVersion = []string{}, &number
		for _, label := range in.Labels {
			if !goodLabel(label) {
				out.InvalidLabels = append(out.InvalidLabels, label)
				continue
			}
			if row.Labels == nil {
				row.Labels = map[string]int64{}
			}
			row.Labels[label] = number
		}
		have := 0
		for _, of := range row.Labels {
			if of == number {
				have++
			}
		}
		if have > maxLabels {
			return fault.New("ParameterVersionLabelLimitExceeded", "A parameter version can have maximum 10 labels.Move one or more labels to another version and try again.")
		}
		return s.changed(tx, n, row, "LabelParameterVersion")
	})
	return out, err
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html
func (s *Service) unlabelParameterVersion(ctx context.Context, in *shapes.UnlabelParameterVersionRequest) (*shapes.UnlabelParameterVersionResult, error) {
	n, err := read(ctx, value(in.Name))
	if err != nil {
		return nil, err
	}
	out := &shapes.UnlabelParameterVersionResult{}
	err = s.change(ctx, n, notFound(n), func(_ *kv.Tx, row *parameterRow) error {
		number := *in.ParameterVersion
		if number < row.Oldest || number > row.Version {
			return fault.New("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", number, n.text)
		}
		out.InvalidLabels, out.RemovedLabels = []string{}, []string{}
		for _, label := range in.Labels {
			if row.Labels[label] != number {
				out.InvalidLabels = append(out.InvalidLabels, label)
				continue
			}
			delete(row.Labels, label)
			out.RemovedLabels = append(out.RemovedLabels, label)
		}
		return nil
	})
	return out, err
}

// resource is the parameter that a call about tags is on.
func resource(ctx context.Context, kind, id *string) (name, error) {
	if value(kind) != "Parameter" {
		return name{}, fault.New("InvalidResourceType", "%s is not a valid resource type. Valid resource types are: Parameter.", value(kind))
	}
	return read(ctx, value(id))
}

func noResource() *fault.Error {
	return fault.New("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.")
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html
func (s *Service) addTags(ctx context.Context, in *shapes.AddTagsToResourceRequest) (*shapes.AddTagsToResourceResult, error) {
	n, err := resource(ctx, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, n, noResource(), func(_ *kv.Tx, row *parameterRow) (err error) {
		row.Tags, err = tagged(row.Tags, in.Tags)
		return err
	})
	return &shapes.AddTagsToResourceResult{}, err
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html
func (s *Service) removeTags(ctx context.Context, in *shapes.RemoveTagsFromResourceRequest) (*shapes.RemoveTagsFromResourceResult, error) {
	n, err := resource(ctx, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, n, noResource(), func(_ *kv.Tx, row *parameterRow) error {
		for k := range row.Tags {
			if slices.Contains(in.TagKeys, k) {
				delete(row.Tags, k)
			}
		}
		return nil
	})
	return &shapes.RemoveTagsFromResourceResult{}, err
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html
func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsForResourceRequest) (*shapes.ListTagsForResourceResult, error) {
	n, err := resource(ctx, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	var row parameterRow
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.space().parameter(n.text), &row)
		if err == nil && !ok {
			err = noResource()
		}
		return err
	})
	return &shapes.ListTagsForResourceResult{TagList: tagsOf(row.Tags)}, err
}
