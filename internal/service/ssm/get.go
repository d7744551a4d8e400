package ssm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func notFound(n name) *fault.Error {
	return fault.New("ParameterNotFound", "Parameter %s not found.", n.text)
}

// find reads the version of a parameter that a name means.
func find(g jsonrow.Getter, n name) (row parameterRow, v versionRow, number int64, err error) {
	switch ok, err := jsonrow.Get(g, n.space().parameter(n.text), &row); {
	case err != nil:
		return row, v, 0, err
	case !ok:
		return row, v, 0, notFound(n)
	}
	number = row.Version
	if n.selector != "" {
		var numbered bool
		if number, numbered = n.version(); !numbered {
			if number = row.Labels[n.selector]; number == 0 {
				return row, v, 0, fault.New("ParameterVersionNotFound", "Systems Manager could not find label %s for parameter %s. Verify the label and try again.", n.selector, n.text)
			}
		}
	}
	ok, err := jsonrow.Get(g, n.space().version(n.text, number), &v)
	if err == nil && !ok {
		err = fault.New("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", n.selector, n.text)
	}
	return row, v, number, err
}

// parameter is a version as it is answered. A SecureString that is not to be
// decrypted is its ciphertext.
func (s *Service) parameter(ctx context.Context, n name, row *parameterRow, v *versionRow, number int64, decrypt bool) (shapes.Parameter, error) {
	p := shapes.Parameter{
		Name: &row.Name, Type: &v.Type, Value: &v.Value, Version: &number, LastModifiedDate: &v.Changed, ARN: ptr(n.arn()), DataType: &v.DataType,
	}
	if n.selector != "" {
		p.Selector = ptr(":" + n.selector)
	}
	if v.Type == secure {
		if !decrypt {
			p.Value = ptr(base64.StdEncoding.EncodeToString(append(slices.Clip(v.Sealed), v.Body...)))
			return p, nil
		}
		text, err := s.open(ctx, n, v)
		if err != nil {
			return p, err
		}
		p.Value = &text
	}
	return p, nil
}

// one reads a parameter by any of its names.
func (s *Service) one(ctx context.Context, text string, decrypt bool) (p shapes.Parameter, err error) {
	n, err := read(ctx, text)
	if err != nil {
		return p, err
	}
	if strings.HasPrefix(n.text, referencePrefix) {
		return s.secret(ctx, n, decrypt)
	}
	var row parameterRow
	var v versionRow
	var number int64
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		row, v, number, err = find(snap, n)
		return err
	})
	if err != nil {
		return p, err
	}
	return s.parameter(ctx, n, &row, &v, number, decrypt)
}

// secret reads a secret of Secrets Manager, with the rights of who calls.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
func (s *Service) secret(ctx context.Context, n name, decrypt bool) (p shapes.Parameter, err error) {
	if !decrypt {
		return p, fault.Validation("WithDecryption flag must be True for retrieving a Secret Manager secret.")
	}
	id, selector, _ := strings.Cut(strings.TrimPrefix(n.text, referencePrefix), ":")
	in := &secretsmanager.GetSecretValueRequest{SecretId: &id}
	if selector != "" {
		in.VersionStage = &selector
		if len(selector) >= 32 {
			in.VersionId, in.VersionStage = &selector, nil
		}
	}
	got, err := awsapi.Do(awsapi.Through(ctx, "ssm"), s.Caller, secretsmanager.GetSecretValue, in)
	if fault.Is(err, "ResourceNotFoundException") {
		return p, notFound(n).Because(err)
	}
	if err != nil {
		return p, err
	}
	if got.SecretString == nil {
		return p, fault.Validation("%s is a binary secret: Parameter Store references are to strings", id)
	}
	source, err := json.Marshal(map[string]any{
		"ARN": got.ARN, "Name": got.Name, "VersionId": got.VersionId, "VersionStages": got.VersionStages, "CreatedDate": got.CreatedDate.Seconds(), "SecretString": got.SecretString,
	})
	if err != nil {
		return p, err
	}
	p = shapes.Parameter{
		Name: ptr(referencePrefix + id), Type: ptr(secure), Value: got.SecretString, Version: ptr(int64(0)), SourceResult: ptr(string(source)),
		LastModifiedDate: got.CreatedDate, ARN: got.ARN, DataType: ptr("text"),
	}
	if selector != "" {
		p.Selector = ptr(":" + selector)
	}
	return p, nil
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (s *Service) getParameter(ctx context.Context, in *shapes.GetParameterRequest) (*shapes.GetParameterResult, error) {
	p, err := s.one(ctx, value(in.Name), yes(in.WithDecryption))
	if err != nil {
		return nil, err
	}
	return &shapes.GetParameterResult{Parameter: &p}, nil
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (s *Service) getParameters(ctx context.Context, in *shapes.GetParametersRequest) (*shapes.GetParametersResult, error) {
	out := &shapes.GetParametersResult{Parameters: []shapes.Parameter{}, InvalidParameters: []string{}}
	seen := map[string]bool{}
	for _, text := range in.Names {
		if seen[text] {
			continue
		}
		seen[text] = true
		p, err := s.one(ctx, text, yes(in.WithDecryption))
		switch {
		case fault.Is(err, "ParameterNotFound"), fault.Is(err, "ParameterVersionNotFound"):
			out.InvalidParameters = append(out.InvalidParameters, text)
		case err != nil:
			return nil, err
		default:
			out.Parameters = append(out.Parameters, p)
		}
	}
	return out, nil
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
func (s *Service) getParametersByPath(ctx context.Context, in *shapes.GetParametersByPathRequest) (*shapes.GetParametersByPathResult, error) {
	n, err := read(ctx, value(in.Path))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(n.text, "/") || !clean(n.text) || strings.Contains(n.text, "//") {
		return nil, fault.Validation(msgPath)
	}
	var labels []string // one of which a version has
	for _, f := range in.ParameterFilters {
		if err := checkFilter(f, "Type", "KeyId", "Label"); err != nil {
			return nil, err
		}
		if value(f.Key) == "Label" {
			labels = f.Values
		}
	}
	type found struct {
		name   name
		row    parameterRow
		v      versionRow
		number int64
	}
	var list []found
	next, err := s.scan(ctx, n.space(), under(n.text), in.NextToken, in.MaxResults, 10, func(snap *kv.Snap, row *parameterRow) (bool, error) {
		if !within(full(row.Name), n.text, yes(in.Recursive)) || !matches(row, in.ParameterFilters) {
			return false, nil
		}
		f := found{name: name{scope: n.scope, text: row.Name}}
		if labels != nil {
			i := slices.IndexFunc(labels, func(l string) bool { return row.Labels[l] != 0 })
			if i < 0 {
				return false, nil
			}
			f.name.selector = labels[i]
		}
		var err error
		f.row, f.v, f.number, err = find(snap, f.name)
		list = append(list, f)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	out := &shapes.GetParametersByPathResult{Parameters: []shapes.Parameter{}, NextToken: next}
	for _, f := range list {
		p, err := s.parameter(ctx, f.name, &f.row, &f.v, f.number, yes(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out, nil
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html
func (s *Service) getParameterHistory(ctx context.Context, in *shapes.GetParameterHistoryRequest) (*shapes.GetParameterHistoryResult, error) {
	n, err := read(ctx, value(in.Name))
	if err != nil {
		return nil, err
	}
	var row parameterRow
	var list []versionRow
	var numbers []int64
	after, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	most := limit(in.MaxResults, 50)
	out := &shapes.GetParameterHistoryResult{Parameters: []shapes.ParameterHistory{}}
	sp := n.space()
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		switch ok, err := jsonrow.Get(snap, sp.parameter(n.text), &row); {
		case err != nil:
			return err
		case !ok:
			return notFound(n)
		}
		for p, err := range snap.Scan(sp.versionsOf(n.text), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			if after != nil && string(p.Key) <= string(after) {
				continue
			}
			if len(list) == most {
				out.NextToken = token(sp.version(n.text, numbers[most-1]))
				return nil
			}
			var v versionRow
			if err := jsonrow.Decode(p.Key, p.Value, &v); err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			_, _ = d.Str(), d.Str()
			list, numbers = append(list, v), append(numbers, d.Int())
			if err := d.Done(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		v, number := &list[i], numbers[i]
		p, err := s.parameter(ctx, name{scope: n.scope, text: n.text}, &row, v, number, yes(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		h := shapes.ParameterHistory{
			Name: p.Name, Type: p.Type, KeyId: maybe(v.KeyID), LastModifiedDate: p.LastModifiedDate, LastModifiedUser: &v.By, Description: maybe(v.Description),
			Value: p.Value, AllowedPattern: maybe(v.Pattern), Version: p.Version, Tier: &v.Tier, DataType: p.DataType, Policies: inlinePolicies(v.Policies), Labels: []string{},
		}
		for label, of := range row.Labels {
			if of == number {
				h.Labels = append(h.Labels, label)
			}
		}
		slices.Sort(h.Labels)
		out.Parameters = append(out.Parameters, h)
	}
	return out, nil
}
