package ssm

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/regex"
)

// The tiers of parameters.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
const (
	standard    = "Standard"
	advanced    = "Advanced"
	intelligent = "Intelligent-Tiering"

	maxStandard = 4096
	maxAdvanced = 8192
	maxVersions = 100
	maxTags     = 50
)

const secure = "SecureString"

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (s *Service) putParameter(ctx context.Context, in *shapes.PutParameterRequest) (*shapes.PutParameterResult, error) {
	n, err := read(ctx, value(in.Name))
	if err == nil && n.selector != "" {
		err = fault.Validation(msgName)
	}
	if err == nil {
		err = n.check()
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 && yes(in.Overwrite) {
		return nil, fault.Validation("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	text := value(in.Value)
	if text == "" {
		return nil, fault.Validation("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	}
	now := s.Clock.Now()
	policies, err := readPolicies(value(in.Policies), now)
	if err != nil {
		return nil, err
	}
	// What the new version is depends on the old one, and how it is encrypted on
	// what it is: KMS is asked outside the transaction, which then finds that
	// nothing has changed, or this begins anew.
	for {
		var old parameterRow
		err := s.DB.View(ctx, func(snap *kv.Snap) error {
			_, err := jsonrow.Get(snap, n.space().parameter(n.text), &old)
			return err
		})
		if err != nil {
			return nil, err
		}
		row, v, err := next(ctx, in, &old, text, policies, now)
		if err != nil {
			return nil, err
		}
		if row.Type == secure {
			if err := s.seal(ctx, n, &v, text); err != nil {
				return nil, err
			}
		} else {
			v.Value = text
		}
		done := false
		_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
			var again parameterRow
			if _, err := jsonrow.Get(tx, n.space().parameter(n.text), &again); err != nil {
				return err
			}
			if done = again.is(&old); !done {
				return nil
			}
			row := row
			row.Labels, row.Tags = again.Labels, again.Tags
			if old.Version == 0 {
				if row.Tags, err = tagged(nil, in.Tags); err != nil {
					return err
				}
			}
			return s.keep(tx, n, &row, &v)
		})
		if err != nil {
			return nil, err
		}
		if done {
			return &shapes.PutParameterResult{Version: &row.Version, Tier: &row.Tier}, nil
		}
	}
}

// is reports whether a parameter is as it was: not changed, nor another one in its
// place. Labels and tags do not count.
func (row *parameterRow) is(old *parameterRow) bool {
	return row.Version == old.Version && row.Changed == old.Changed && row.Type == old.Type && row.Tier == old.Tier && row.KeyID == old.KeyID &&
		row.DataType == old.DataType && row.Pattern == old.Pattern
}

// next is the parameter as it will be, with its new version.
func next(ctx context.Context, in *shapes.PutParameterRequest, old *parameterRow, text string, policies []policyRow, now clock.Instant) (parameterRow, versionRow, error) {
	row := *old
	fail := func(err error) (parameterRow, versionRow, error) { return row, versionRow{}, err }
	created := old.Version == 0
	switch {
	case created && in.Type == nil:
		return fail(fault.Validation("A parameter type is required when you create a parameter."))
	case !created && !yes(in.Overwrite):
		return fail(fault.New("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."))
	case !created && in.Type != nil && *in.Type != old.Type:
		return fail(fault.New("HierarchyTypeMismatchException", "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter."))
	}
	if created {
		row.Name, row.Type, row.Oldest, row.DataType, row.Tier = value(in.Name), *in.Type, 1, "text", standard
	}
	row.Version++
	row.Changed, row.By = now, awsapi.From(ctx).Actor.Principal.String()
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&row.Description, in.Description)
	set(&row.Pattern, in.AllowedPattern)
	set(&row.DataType, in.DataType)
	set(&row.KeyID, in.KeyId)
	if err := row.tier(in, text, len(policies) > 0); err != nil {
		return fail(err)
	}
	if row.Policies = policies; in.Policies == nil {
		var err error
		if row.Policies, err = renewed(old.Policies, now); err != nil {
			return fail(err)
		}
	}
	if len(row.Policies) > 0 && row.Tier != advanced {
		return fail(fault.Validation("Parameter policies are supported for advanced-tier parameters only"))
	}
	switch {
	case row.Type != secure && in.KeyId != nil:
		return fail(fault.Validation("KeyId is required for SecureString type parameter only."))
	case row.Type == secure && row.KeyID == "":
		row.KeyID = defaultKey
	}
	switch row.DataType {
	case "text":
	case "aws:ec2:image":
		return fail(fault.Validation("The data type aws:ec2:image is not offered: there are no images here"))
	case "aws:ssm:integration":
		if row.Type != secure {
			return fail(fault.Validation("A parameter of the data type aws:ssm:integration is a SecureString"))
		}
	default:
		return fail(fault.Validation("The following data type is not supported: %s (Data type names are all lowercase.)", row.DataType))
	}
	if row.Pattern != "" {
		re, err := regex.CompileWhole(row.Pattern)
		if err != nil {
			return fail(fault.New("InvalidAllowedPatternException", "The request does not meet the regular expression requirement: %v", err))
		}
		if !re.MatchString(text) {
			return fail(fault.New("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", row.Pattern))
		}
	}
	return row, versionRow{
		Type: row.Type, Tier: row.Tier, DataType: row.DataType, KeyID: row.KeyID, Description: row.Description, Pattern: row.Pattern, Changed: now, By: row.By,
		Policies: row.Policies,
	}, nil
}

// tier says of which tier the next version is.
func (row *parameterRow) tier(in *shapes.PutParameterRequest, text string, policies bool) error {
	asked := row.Tier
	if in.Tier != nil {
		asked = *in.Tier
	}
	if asked == intelligent {
		asked = standard
		if len(text) > maxStandard || policies || row.Tier == advanced {
			asked = advanced
		}
	}
	switch {
	case asked == standard && row.Tier == advanced:
		return fault.Validation("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case asked == standard && len(text) > maxStandard:
		return fault.Validation("Standard tier parameters support a maximum parameter value of %d characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", maxStandard)
	case len(text) > maxAdvanced:
		return fault.Validation("Advanced tier parameters support a maximum parameter value of %d characters.", maxAdvanced)
	}
	row.Tier = asked
	return nil
}

// keep writes a new version. Of too many the oldest goes, unless it has a label.
func (s *Service) keep(tx *kv.Tx, n name, row *parameterRow, v *versionRow) error {
	if row.Version-row.Oldest >= maxVersions {
		for _, of := range row.Labels {
			if of == row.Oldest {
				return fault.New("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.", row.Name, row.Oldest)
			}
		}
		tx.Delete(n.space().version(n.text, row.Oldest))
		row.Oldest++
	}
	if err := jsonrow.Set(tx, n.space().version(n.text, row.Version), v); err != nil {
		return err
	}
	if err := s.timersOf(tx, n, row); err != nil {
		return err
	}
	operation := "Update"
	if row.Version == 1 {
		operation = "Create"
	}
	if err := s.changed(tx, n, row, operation); err != nil {
		return err
	}
	return jsonrow.Set(tx, n.space().parameter(n.text), row)
}

// tagged adds tags to those of a parameter.
func tagged(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	for _, t := range tags {
		if out == nil {
			out = map[string]string{}
		}
		out[value(t.Key)] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, fault.New("TooManyTagsError", "")
	}
	return out, nil
}

// tagsOf are tags in order.
func tagsOf(m map[string]string) []shapes.Tag {
	out := []shapes.Tag{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, shapes.Tag{Key: ptr(k), Value: ptr(m[k])})
	}
	return out
}
