package target

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// User is an IAM user who may do what statements say, and the configuration of
// the SDK with a key of theirs.
type User struct {
	Config    aws.Config
	Name, ARN string
	ID        string
	AccessKey string
}

// NewUser creates a user, and deletes it at the end of the test.
func NewUser(t testing.TB, statements string) User {
	t.Helper()
	ctx, client, name := t.Context(), iam.NewFromConfig(Config()), Name()
	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	Must(t, err)
	u := User{Name: name, ARN: *made.User.Arn, ID: *made.User.UserId}
	key, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	Must(t, err)
	u.AccessKey = *key.AccessKey.AccessKeyId
	t.Cleanup(func() {
		ctx := context.Background()
		_, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: &u.AccessKey})
		if err == nil && statements != "" {
			_, err = client.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &name, PolicyName: &name})
		}
		if err == nil {
			_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &name})
		}
		if err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	if statements != "" {
		_, err = client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: &name, PolicyDocument: aws.String(Policy(statements))})
		Must(t, err)
	}
	u.Config = Config()
	u.Config.Credentials = Keys(u.AccessKey, *key.AccessKey.SecretAccessKey, "")
	return u
}

// NewRole creates a role that a trust policy of these statements lets others
// assume, and deletes it at the end of the test.
func NewRole(t testing.TB, trust string, statements string) (arn, id string) {
	t.Helper()
	ctx, client, name := t.Context(), iam.NewFromConfig(Config()), Name()
	made, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(Policy(trust))})
	Must(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		var err error
		if statements != "" {
			_, err = client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &name})
		}
		if err == nil {
			_, err = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
		}
		if err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	if statements != "" {
		_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &name, PolicyDocument: aws.String(Policy(statements))})
		Must(t, err)
	}
	return *made.Role.Arn, *made.Role.RoleId
}

// Policy is a policy of statements.
func Policy(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// Keys are credentials for the SDK.
func Keys(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}
