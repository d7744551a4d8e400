// Package secretsmanager holds AWS Secrets Manager's documentation to a server, through AWS's own SDK. Each case cites its
// page.
package secretsmanager

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a secret of its own.
type suite struct {
	*testing.T
	*secretsmanager.Client
	ctx  context.Context
	name string
	arn  *string
}

func open(t *testing.T) *suite {
	t.Helper()
	x := &suite{T: t, Client: secretsmanager.NewFromConfig(target.Config()), ctx: t.Context(), name: target.Name()}
	out, err := x.CreateSecret(x.ctx, &secretsmanager.CreateSecretInput{Name: &x.name, SecretString: aws.String("one")})
	target.Must(t, err)
	x.arn = out.ARN
	t.Cleanup(func() {
		x.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: &x.name, ForceDeleteWithoutRecovery: aws.Bool(true)})
	})
	return x
}

func (x *suite) value(stage string) string {
	x.Helper()
	out, err := x.GetSecretValue(x.ctx, &secretsmanager.GetSecretValueInput{SecretId: x.arn, VersionStage: &stage})
	target.Must(x, err)
	return *out.SecretString
}

// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func TestLabels(t *testing.T) {
	x := open(t)
	if !strings.HasSuffix((*x.arn)[:len(*x.arn)-7], ":secret:"+x.name) {
		t.Error(*x.arn)
	}
	put := &secretsmanager.PutSecretValueInput{SecretId: &x.name, SecretString: aws.String("two"), ClientRequestToken: aws.String("11111111-2222-4333-8444-555555555555")}
	for range 2 { // the same again is the same version
		out, err := x.PutSecretValue(x.ctx, put)
		target.Must(t, err)
		if *out.VersionId != *put.ClientRequestToken {
			t.Error(*out.VersionId)
		}
	}
	put.SecretString = aws.String("three")
	_, err := x.PutSecretValue(x.ctx, put)
	target.Refused(t, err, "ResourceExistsException", "")
	if got := x.value("AWSCURRENT") + x.value("AWSPREVIOUS"); got != "twoone" {
		t.Error(got)
	}
	_, err = x.UpdateSecretVersionStage(x.ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: &x.name, VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: put.ClientRequestToken})
	target.Refused(t, err, "InvalidParameterException", "")
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
func TestDeletion(t *testing.T) {
	x := open(t)
	_, err := x.DeleteSecret(x.ctx, &secretsmanager.DeleteSecretInput{SecretId: &x.name, RecoveryWindowInDays: aws.Int64(7)})
	target.Must(t, err)
	_, err = x.GetSecretValue(x.ctx, &secretsmanager.GetSecretValueInput{SecretId: &x.name})
	target.Refused(t, err, "InvalidRequestException", "")
	_, err = x.RestoreSecret(x.ctx, &secretsmanager.RestoreSecretInput{SecretId: &x.name})
	target.Must(t, err)
	if got := x.value("AWSCURRENT"); got != "one" {
		t.Error(got)
	}
	_, err = x.GetSecretValue(x.ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(x.name + "-none")})
	target.Refused(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
func TestBatch(t *testing.T) {
	x := open(t)
	out, err := x.BatchGetSecretValue(x.ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{x.name, x.name + "-none"}})
	target.Must(t, err)
	if len(out.SecretValues) != 1 || len(out.Errors) != 1 || *out.Errors[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("%+v", out)
	}
	list, err := x.ListSecrets(x.ctx, &secretsmanager.ListSecretsInput{Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{x.name}}}})
	target.Must(t, err)
	if len(list.SecretList) != 1 || *list.SecretList[0].ARN != *x.arn {
		t.Errorf("%+v", list)
	}
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
func TestPassword(t *testing.T) {
	x := open(t)
	out, err := x.GetRandomPassword(x.ctx, &secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(40), ExcludePunctuation: aws.Bool(true), ExcludeCharacters: aws.String("aeiou")})
	target.Must(t, err)
	if p := *out.RandomPassword; len(p) != 40 || strings.ContainsAny(p, "aeiou!\"#$%&'()") {
		t.Errorf("%q", p)
	}
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
func TestRotationNeedsAFunction(t *testing.T) {
	x := open(t)
	_, err := x.RotateSecret(x.ctx, &secretsmanager.RotateSecretInput{SecretId: &x.name})
	target.Refused(t, err, "InvalidRequestException", "")
}
