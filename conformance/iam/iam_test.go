// Package iam holds IAM's documentation to a server, through AWS's own SDK. Each case cites its page.
package iam

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

func open() *iam.Client { return iam.NewFromConfig(target.Config()) }

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func TestUsers(t *testing.T) {
	ctx, client, name := t.Context(), open(), target.Name()
	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String("/division/"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	target.Must(t, err)
	if u := made.User; !strings.HasPrefix(*u.UserId, "AIDA") || !strings.HasSuffix(*u.Arn, ":user/division/"+name) || *u.Path != "/division/" || u.CreateDate == nil || len(u.Tags) != 1 {
		t.Errorf("created %+v", u)
	}
	_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	target.Refused(t, err, "EntityAlreadyExists", "User with name "+name+" already exists.")
	_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(strings.ToUpper(name))})
	target.Refused(t, err, "EntityAlreadyExists", "") // names differ by more than case

	listed, err := client.ListUsers(ctx, &iam.ListUsersInput{PathPrefix: aws.String("/division/")})
	target.Must(t, err)
	if !slices.ContainsFunc(listed.Users, func(u types.User) bool { return *u.UserName == name }) {
		t.Errorf("listed %+v", listed.Users)
	}

	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html: what is attached goes first.
	_, err = client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: aws.String(target.Policy(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))})
	target.Must(t, err)
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &name})
	target.Refused(t, err, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	_, err = client.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &name, PolicyName: aws.String("p")})
	target.Must(t, err)
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &name})
	target.Must(t, err)
	_, err = client.GetUser(ctx, &iam.GetUserInput{UserName: &name})
	target.Refused(t, err, "NoSuchEntity", "The user with name "+name+" cannot be found.")
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html: documents are URL-encoded by RFC 3986.
func TestDocuments(t *testing.T) {
	ctx, client := t.Context(), open()
	trust := `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`
	statement := `{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/a b+c"}`
	arn, id := target.NewRole(t, trust, statement)
	name := arn[strings.LastIndex(arn, "/")+1:]
	if !strings.HasPrefix(id, "AROA") {
		t.Errorf("role id %s", id)
	}
	got, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &name})
	target.Must(t, err)
	if text, err := url.PathUnescape(*got.PolicyDocument); err != nil || text != target.Policy(statement) || strings.ContainsAny(*got.PolicyDocument, ` +"{`) {
		t.Errorf("document %s: %v", *got.PolicyDocument, err)
	}
	role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	target.Must(t, err)
	if text, err := url.PathUnescape(*role.Role.AssumeRolePolicyDocument); err != nil || text != target.Policy(trust) {
		t.Errorf("trust %s: %v", *role.Role.AssumeRolePolicyDocument, err)
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func TestMalformedPolicies(t *testing.T) {
	u := target.NewUser(t, "")
	for _, doc := range []string{
		`{`, `{}`, `[]`,
		target.Policy(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`),
		target.Policy(`{"Effect":"Allow","Action":"nonsense","Resource":"*"}`),
		target.Policy(`{"Effect":"Allow","Action":"s3:*","Resource":"nowhere"}`),
		target.Policy(`{"Effect":"Allow","Action":"s3:*"}`),
		target.Policy(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}`),
		target.Policy(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Nonsense":{"aws:username":"x"}}}`),
	} {
		_, err := open().PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &u.Name, PolicyName: aws.String("p"), PolicyDocument: &doc})
		target.Refused(t, err, "MalformedPolicyDocument", "")
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html: five versions at most.
func TestPolicyVersions(t *testing.T) {
	ctx, client, name := t.Context(), open(), target.Name()
	doc := aws.String(target.Policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`))
	made, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: doc})
	target.Must(t, err)
	arn := made.Policy.Arn
	t.Cleanup(func() {
		ctx := context.Background()
		vs, err := client.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
		if err != nil {
			t.Error(err)
			return
		}
		for _, v := range vs.Versions {
			if !v.IsDefaultVersion {
				client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId})
			}
		}
		if _, err := client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}); err != nil {
			t.Error(err)
		}
	})
	for range 4 {
		_, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: doc, SetAsDefault: true})
		target.Must(t, err)
	}
	_, err = client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: doc})
	target.Refused(t, err, "LimitExceeded", "A managed policy can have up to 5 versions.")
	_, err = client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")})
	target.Refused(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
	got, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	target.Must(t, err)
	if *got.Policy.DefaultVersionId != "v5" {
		t.Errorf("default version %s", *got.Policy.DefaultVersionId)
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html: the shape of denials.
func TestDenials(t *testing.T) {
	ctx := t.Context()
	nothing := target.NewUser(t, "")
	_, err := iam.NewFromConfig(nothing.Config).ListUsers(ctx, &iam.ListUsersInput{})
	target.Refused(t, err, "AccessDenied", "User: "+nothing.ARN+" is not authorized to perform: iam:ListUsers on resource: ")
	target.Refused(t, err, "AccessDenied", " because no identity-based policy allows the iam:ListUsers action")

	denied := target.NewUser(t, `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:List*","Resource":"*"}`)
	_, err = iam.NewFromConfig(denied.Config).ListUsers(ctx, &iam.ListUsersInput{})
	target.Refused(t, err, "AccessDenied", " with an explicit deny in an identity-based policy")
	_, err = iam.NewFromConfig(denied.Config).GetUser(ctx, &iam.GetUserInput{})
	target.Must(t, err)

	// A condition: only oneself. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
	self := target.NewUser(t, `{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"}`)
	_, err = iam.NewFromConfig(self.Config).GetUser(ctx, &iam.GetUserInput{UserName: &self.Name})
	target.Must(t, err)
	_, err = iam.NewFromConfig(self.Config).GetUser(ctx, &iam.GetUserInput{UserName: &denied.Name})
	target.Refused(t, err, "AccessDenied", "User: "+self.ARN+" is not authorized to perform: iam:GetUser on resource: ")
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func TestPermissionsBoundary(t *testing.T) {
	ctx, client := t.Context(), open()
	made, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String(target.Name()), PolicyDocument: aws.String(target.Policy(`{"Effect":"Allow","Action":"iam:List*","Resource":"*"}`)),
	})
	target.Must(t, err)
	t.Cleanup(func() {
		if _, err := client.DeletePolicy(context.Background(), &iam.DeletePolicyInput{PolicyArn: made.Policy.Arn}); err != nil {
			t.Error(err)
		}
	})
	u := target.NewUser(t, `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`)
	_, err = client.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: &u.Name, PermissionsBoundary: made.Policy.Arn})
	target.Must(t, err)
	_, err = iam.NewFromConfig(u.Config).ListUsers(ctx, &iam.ListUsersInput{})
	target.Must(t, err)
	_, err = iam.NewFromConfig(u.Config).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(target.Name())})
	target.Refused(t, err, "AccessDenied", " because no permissions boundary allows the iam:CreateUser action")
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
func TestSimulation(t *testing.T) {
	out, err := open().SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{target.Policy(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::mine/*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}`)},
		ActionNames:     []string{"s3:GetObject", "s3:DeleteObject", "dynamodb:GetItem"}, ResourceArns: []string{"arn:aws:s3:::mine/key"},
	})
	target.Must(t, err)
	want := map[string]types.PolicyEvaluationDecisionType{"s3:GetObject": "allowed", "s3:DeleteObject": "explicitDeny", "dynamodb:GetItem": "implicitDeny"}
	for _, r := range out.EvaluationResults {
		if r.EvalDecision != want[*r.EvalActionName] {
			t.Errorf("%s is %s", *r.EvalActionName, r.EvalDecision)
		}
		delete(want, *r.EvalActionName)
	}
	if len(want) > 0 {
		t.Errorf("not decided: %v", want)
	}
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
func TestPages(t *testing.T) {
	want := map[string]bool{}
	for range 3 {
		want[target.NewUser(t, "").Name] = true
	}
	pages := 0
	for p := iam.NewListUsersPaginator(open(), &iam.ListUsersInput{MaxItems: aws.Int32(2)}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(t.Context())
		target.Must(t, err)
		if len(page.Users) > 2 {
			t.Errorf("a page of %d", len(page.Users))
		}
		for _, u := range page.Users {
			delete(want, *u.UserName)
		}
	}
	if len(want) > 0 || pages < 2 {
		t.Errorf("%d pages lack %v", pages, want)
	}
}
