package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
)

// Dynamic reads what dynamic references of templates stand for, acting through c:
//
//	ssm:name, ssm:name:version                              a String or StringList
//	ssm-secure:name, ssm-secure:name:version                a SecureString
//	secretsmanager:id:SecretString:json-key:stage:version   a secret, or a value in it
//
// AWS reads ssm-secure for few properties; here it is read for all.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func Dynamic(c awsapi.Caller) func(ctx context.Context, service, what string) (string, error) {
	b := base{c}
	return func(ctx context.Context, service, what string) (string, error) {
		switch service {
		case "ssm", "ssm-secure":
			secure := service == "ssm-secure"
			out, err := do(ctx, b, ssm.GetParameter, &ssm.GetParameterRequest{Name: &what, WithDecryption: &secure})
			if err != nil {
				return "", err
			}
			if p := out.Parameter; (val(p.Type) == "SecureString") != secure {
				return "", fmt.Errorf("%s is a %s: ssm reads String and StringList, ssm-secure SecureString", what, val(p.Type))
			}
			return val(out.Parameter.Value), nil
		case "secretsmanager":
			return secretReference(ctx, b, what)
		}
		return "", fmt.Errorf("there is no such service")
	}
}

// secretReference reads a secret.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
func secretReference(ctx context.Context, b base, what string) (string, error) {
	id, rest, _ := strings.Cut(what, ":")
	if arn.Looks(what) {
		parts := strings.SplitN(what, ":", 8)
		if len(parts) < 7 {
			return "", fmt.Errorf("%s is not the ARN of a secret", what)
		}
		id, rest = strings.Join(parts[:7], ":"), strings.Join(parts[7:], "")
	}
	args := append(strings.Split(rest, ":"), "", "", "", "")
	if args[0] != "" && args[0] != "SecretString" {
		return "", fmt.Errorf("%s is not SecretString", args[0])
	}
	in := &secretsmanager.GetSecretValueRequest{SecretId: &id}
	if args[2] != "" {
		in.VersionStage = &args[2]
	}
	if args[3] != "" {
		in.VersionId = &args[3]
	}
	out, err := do(ctx, b, secretsmanager.GetSecretValue, in)
	if err != nil {
		return "", err
	}
	if out.SecretString == nil {
		return "", fmt.Errorf("%s is a binary secret", id)
	}
	if args[1] == "" {
		return *out.SecretString, nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(*out.SecretString), &object); err != nil {
		return "", fmt.Errorf("%s is not a JSON object", id)
	}
	switch v := object[args[1]].(type) {
	case nil:
		return "", fmt.Errorf("%s has no key %s", id, args[1])
	case string:
		return v, nil
	default:
		text, err := json.Marshal(v)
		return string(text), err
	}
}
