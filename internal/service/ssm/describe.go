package ssm

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// token is where a list goes on.
func token(k kv.Key) *string { return ptr(base64.RawURLEncoding.EncodeToString(k)) }

func after(token *string) (kv.Key, error) {
	if token == nil {
		return nil, nil
	}
	k, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return nil, fault.New("InvalidNextToken", "The specified token is not valid.")
	}
	return k, nil
}

func limit(asked *int32, usual int) int {
	if asked == nil {
		return usual
	}
	return int(*asked)
}

// under is where the parameters of a path begin.
func under(path string) string { return strings.TrimSuffix(path, "/") + "/" }

// within reports whether a parameter is under a path, at any depth or the first.
func within(name, path string, recursive bool) bool {
	rest, ok := strings.CutPrefix(name, under(path))
	return ok && (recursive || !strings.Contains(rest, "/"))
}

// scan goes over parameters from a name on, as long as their names begin with it,
// until enough were taken.
func (s *Service) scan(ctx context.Context, sp space, from string, next *string, max *int32, usual int, take func(*kv.Snap, *parameterRow) (bool, error)) (*string, error) {
	r := sp.parameters()
	if from != "" {
		r.Start = sp.parameter(from)
	}
	begin, err := after(next)
	if err != nil {
		return nil, err
	}
	if begin != nil {
		if !r.Contains(begin) {
			return nil, fault.New("InvalidNextToken", "The specified token is not valid.")
		}
		r.Start = kv.Next(begin)
	}
	most, n := limit(max, usual), 0
	var more *string
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		var last kv.Key
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			var row parameterRow
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if from != "" && !strings.HasPrefix(full(row.Name), from) {
				return nil
			}
			if n == most {
				more = token(last)
				return nil
			}
			last = p.Key
			ok, err := take(snap, &row)
			if err != nil {
				return err
			}
			if ok {
				n++
			}
		}
		return nil
	})
	return more, err
}

// checkFilter checks one filter, which may be of some keys only.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
func checkFilter(f shapes.ParameterStringFilter, keys ...string) error {
	key, option := value(f.Key), value(f.Option)
	tag := strings.HasPrefix(key, "tag:")
	if !slices.Contains(keys, key) && !(tag && slices.Contains(keys, "tag")) {
		return fault.New("InvalidFilterKey", "The following filter key is not valid: %s. Valid filter keys include: %v.", key, keys)
	}
	options := []string{"", "Equals", "BeginsWith"}
	switch key {
	case "Name":
		options = append(options, "Contains")
	case "Path":
		options = []string{"", "Recursive", "OneLevel"}
	case "Tier", "DataType", "Label":
		options = []string{"", "Equals"}
	}
	if !slices.Contains(options, option) {
		return fault.New("InvalidFilterOption", "The following filter option is not valid: %s. Valid options include: %v.", option, options[1:])
	}
	if len(f.Values) == 0 && !tag {
		return fault.New("InvalidFilterValue", "The following filter values are missing : null for filter key %s", key)
	}
	if key == "Path" {
		for _, v := range f.Values {
			if !strings.HasPrefix(v, "/") || !clean(v) {
				return fault.Validation(msgPath)
			}
		}
	}
	return nil
}

// matches reports whether a parameter passes all filters.
func matches(row *parameterRow, filters []shapes.ParameterStringFilter) bool {
	for _, f := range filters {
		key, option := value(f.Key), value(f.Option)
		if key == "Label" {
			continue // of versions
		}
		has, text := true, ""
		switch key {
		case "Name":
			text = row.Name
		case "Type":
			text = row.Type
		case "KeyId":
			text = row.KeyID
		case "Tier":
			text = row.Tier
		case "DataType":
			text = row.DataType
		case "Path":
			text = full(row.Name)
		default:
			text, has = row.Tags[strings.TrimPrefix(key, "tag:")]
		}
		if !has || len(f.Values) > 0 && !slices.ContainsFunc(f.Values, func(v string) bool { return matchesOne(key, option, text, v) }) {
			return false
		}
	}
	return true
}

func matchesOne(key, option, text, v string) bool {
	if key == "Name" && (option == "" || option == "Equals") {
		return full(text) == full(v)
	}
	switch {
	case key == "Path":
		return within(text, v, option == "Recursive")
	case option == "BeginsWith":
		return strings.HasPrefix(text, v) || key == "Name" && strings.HasPrefix(full(text), v)
	case option == "Contains":
		return strings.Contains(text, v)
	}
	return text == v
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
func (s *Service) describeParameters(ctx context.Context, in *shapes.DescribeParametersRequest) (*shapes.DescribeParametersResult, error) {
	filters := in.ParameterFilters
	if len(in.Filters) > 0 && len(filters) > 0 {
		return nil, fault.Validation("You can use either Filters or ParameterFilters in a single request.")
	}
	for _, f := range in.Filters { // the older kind: names are prefixes
		option := "Equals"
		if value(f.Key) == "Name" {
			option = "BeginsWith"
		}
		filters = append(filters, shapes.ParameterStringFilter{Key: f.Key, Option: &option, Values: f.Values})
	}
	for _, f := range filters {
		if err := checkFilter(f, "Path", "Name", "Tier", "Type", "KeyId", "DataType", "tag"); err != nil {
			return nil, err
		}
	}
	scope := awsapi.From(ctx).Scope
	out := &shapes.DescribeParametersResult{Parameters: []shapes.ParameterMetadata{}}
	if yes(in.Shared) {
		return out, nil
	}
	next, err := s.scan(ctx, name{scope: scope}.space(), "", in.NextToken, in.MaxResults, 50, func(_ *kv.Snap, row *parameterRow) (bool, error) {
		if !matches(row, filters) {
			return false, nil
		}
		out.Parameters = append(out.Parameters, shapes.ParameterMetadata{
			Name: &row.Name, ARN: ptr(name{scope: scope, text: row.Name}.arn()), Type: &row.Type, KeyId: maybe(row.KeyID), LastModifiedDate: &row.Changed,
			LastModifiedUser: &row.By, Description: maybe(row.Description), AllowedPattern: maybe(row.Pattern), Version: &row.Version, Tier: &row.Tier,
			Policies: inlinePolicies(row.Policies), DataType: &row.DataType,
		})
		return true, nil
	})
	out.NextToken = next
	return out, err
}
