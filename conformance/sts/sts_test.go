// Package sts holds STS's documentation to a server, through AWS's own SDK. Each case cites its page.
package sts

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

func identity(t *testing.T, cfg aws.Config) *sts.GetCallerIdentityOutput {
	t.Helper()
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	target.Must(t, err)
	return me
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: no permissions are required.
func TestCallerIdentity(t *testing.T) {
	u := target.NewUser(t, "")
	me := identity(t, u.Config)
	if *me.Arn != u.ARN || *me.UserId != u.ID || !strings.Contains(u.ARN, ":"+*me.Account+":user/") {
		t.Errorf("%s is %s, %s of %s", u.ARN, *me.Arn, *me.UserId, *me.Account)
	}
}

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func TestUnknownKey(t *testing.T) {
	cfg := target.Config()
	cfg.Credentials = target.Keys("AKIAIOSFODNN7EXAMPLE", "wrong", "")
	_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	target.Refused(t, err, "InvalidClientTokenId", "The security token included in the request is invalid")
}

func TestWrongSecret(t *testing.T) {
	u := target.NewUser(t, "")
	u.Config.Credentials = target.Keys(u.AccessKey, "wrong", "")
	_, err := sts.NewFromConfig(u.Config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	target.Refused(t, err, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided")
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func TestAssumeRole(t *testing.T) {
	u := target.NewUser(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	role, id := target.NewRole(t, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole"}`, u.ARN),
		`{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}`)
	client := sts.NewFromConfig(u.Config)
	out, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(900)})
	target.Must(t, err)
	if left := time.Until(*out.Credentials.Expiration); left < 10*time.Minute || left > 20*time.Minute {
		t.Errorf("a session of 900 s expires in %v", left)
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("temporary key %s", *out.Credentials.AccessKeyId)
	}
	cfg := target.Config()
	cfg.Credentials = target.Keys(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	me := identity(t, cfg)
	name := role[strings.LastIndex(role, "/")+1:]
	if want := "arn:aws:sts::" + *me.Account + ":assumed-role/" + name + "/session"; *me.Arn != want || *me.UserId != id+":session" || *out.AssumedRoleUser.Arn != want {
		t.Errorf("the session is %s, %s; want %s, %s:session", *me.Arn, *me.UserId, want, id)
	}
	_, err = iam.NewFromConfig(cfg).ListUsers(t.Context(), &iam.ListUsersInput{})
	target.Must(t, err)
	_, err = iam.NewFromConfig(cfg).ListRoles(t.Context(), &iam.ListRolesInput{})
	target.Refused(t, err, "AccessDenied", "User: "+*me.Arn+" is not authorized to perform: iam:ListRoles on resource: ")

	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session: a session policy only takes away.
	out, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session"),
		Policy: aws.String(target.Policy(`{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`))})
	target.Must(t, err)
	cfg.Credentials = target.Keys(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	_, err = iam.NewFromConfig(cfg).ListUsers(t.Context(), &iam.ListUsersInput{})
	target.Refused(t, err, "AccessDenied", "because no session policy allows the iam:ListUsers action")
	_, err = iam.NewFromConfig(cfg).ListRoles(t.Context(), &iam.ListRolesInput{})
	target.Refused(t, err, "AccessDenied", "because no identity-based policy allows the iam:ListRoles action")

	// A session's key is worth nothing without its token.
	cfg.Credentials = target.Keys(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, "")
	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	target.Refused(t, err, "InvalidClientTokenId", "The security token included in the request is invalid")
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: patterns and ranges of parameters.
func TestAssumeRoleParameters(t *testing.T) {
	u := target.NewUser(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	role, _ := target.NewRole(t, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole"}`, u.ARN), "")
	client := sts.NewFromConfig(u.Config)
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("no spaces")})
	target.Refused(t, err, "ValidationError", "roleSessionName")
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(60)})
	target.Refused(t, err, "ValidationError", "durationSeconds")
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
func TestAssumeRoleRefused(t *testing.T) {
	u := target.NewUser(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	role, _ := target.NewRole(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, "")
	client := sts.NewFromConfig(u.Config)
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	target.Refused(t, err, "AccessDenied", "User: "+u.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+role)
	// Nor does a role that is not there tell that it is not.
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role + "-not"), RoleSessionName: aws.String("session")})
	target.Refused(t, err, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "+role+"-not")
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
func TestAccessKeyInfo(t *testing.T) {
	u := target.NewUser(t, `{"Effect":"Allow","Action":"sts:GetAccessKeyInfo","Resource":"*"}`)
	out, err := sts.NewFromConfig(u.Config).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &u.AccessKey})
	target.Must(t, err)
	if !strings.Contains(u.ARN, ":"+*out.Account+":") {
		t.Errorf("account %s", *out.Account)
	}
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html: the session is the user.
func TestSessionToken(t *testing.T) {
	u := target.NewUser(t, "")
	out, err := sts.NewFromConfig(u.Config).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	target.Must(t, err)
	cfg := target.Config()
	cfg.Credentials = target.Keys(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	if me := identity(t, cfg); *me.Arn != u.ARN {
		t.Errorf("the session is %s, want %s", *me.Arn, u.ARN)
	}
}
