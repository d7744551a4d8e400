package resource

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// secret is AWS::SecretsManager::Secret. Ref is its ARN. Deleting it leaves no
// recovery window, so that a stack can be made again under the same names.
type secret struct{ base }

func refusedOfSecret() []string { return []string{"ReplicaRegions", "Type"} }

func secretTag(k, v string) secretsmanager.Tag { return secretsmanager.Tag{Key: &k, Value: &v} }

func secretProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Id": id}}
}

// text is the secret's value: the one that is given, a generated one, or none.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
func (t secret) text(ctx context.Context, props *template.Value) (*string, error) {
	if v := props.Get("SecretString"); v != nil {
		if props.Has("GenerateSecretString") {
			return nil, fmt.Errorf("You can't specify both SecretString and GenerateSecretString.")
		}
		return &v.Text, nil
	}
	g := props.Get("GenerateSecretString")
	if g == nil {
		return nil, nil
	}
	in := &secretsmanager.GetRandomPasswordRequest{}
	if err := bind(in, g, "GenerateStringKey", "SecretStringTemplate"); err != nil {
		return nil, err
	}
	out, err := do(ctx, t.base, secretsmanager.GetRandomPassword, in)
	if err != nil {
		return nil, err
	}
	key, form := text(g, "GenerateStringKey"), text(g, "SecretStringTemplate")
	if key == "" && form == "" {
		return out.RandomPassword, nil
	}
	if key == "" || form == "" {
		return nil, fmt.Errorf("GenerateStringKey and SecretStringTemplate go together.")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(form), &object); err != nil {
		return nil, fmt.Errorf("SecretStringTemplate is not a JSON object: %w", err)
	}
	if object[key], err = json.Marshal(val(out.RandomPassword)); err != nil {
		return nil, err
	}
	b, err := json.Marshal(object)
	return ptr(string(b)), err
}

func (t secret) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &secretsmanager.CreateSecretRequest{Name: &r.PhysicalID, ClientRequestToken: &r.Token, Tags: pairs(tagMap(r.Properties), secretTag)}
	if err := bind(in, r.Properties, "Name", "Tags", "SecretString", "GenerateSecretString"); err != nil {
		return stack.Progress{}, err
	}
	var err error
	if in.SecretString, err = t.text(ctx, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, secretsmanager.CreateSecret, in)
	if r.Again && present(err) { // a generated value is another each time
		have, err := do(ctx, t.base, secretsmanager.DescribeSecret, &secretsmanager.DescribeSecretRequest{SecretId: &r.PhysicalID})
		if err != nil {
			return stack.Progress{}, err
		}
		return secretProgress(val(have.ARN)), nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return secretProgress(val(out.ARN)), nil
}

func (t secret) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := secretProgress(r.PhysicalID)
	in := &secretsmanager.UpdateSecretRequest{SecretId: &r.PhysicalID, Description: ptr(text(r.Properties, "Description"))}
	if v := r.Properties.Get("KmsKeyId"); v != nil {
		in.KmsKeyId = &v.Text
	} else if r.Old.Has("KmsKeyId") {
		in.KmsKeyId = ptr("alias/aws/secretsmanager")
	}
	if !same(r.Old, r.Properties, "SecretString") || !same(r.Old, r.Properties, "GenerateSecretString") {
		var err error
		if in.SecretString, err = t.text(ctx, r.Properties); err != nil {
			return done, err
		}
		in.ClientRequestToken = &r.Token
	}
	err := run(ctx, t.base, secretsmanager.UpdateSecret, in)
	if err != nil && !(r.Again && present(err)) {
		return done, err
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, secretsmanager.UntagResource, &secretsmanager.UntagResourceRequest{SecretId: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, t.base, secretsmanager.TagResource, &secretsmanager.TagResourceRequest{SecretId: &r.PhysicalID, Tags: pairs(set, secretTag)}); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (t secret) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, secretsmanager.DeleteSecret, &secretsmanager.DeleteSecretRequest{SecretId: &r.PhysicalID, ForceDeleteWithoutRecovery: ptr(true)}))
}

func (t secret) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, secretsmanager.DescribeSecret, &secretsmanager.DescribeSecretRequest{SecretId: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	id := r.PhysicalID
	if !arn.Looks(id) {
		id = val(out.ARN)
	}
	return secretProgress(id).Attrs, nil
}
