package secretsmanager_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// A request that is repeated because its answer was lost, perhaps late, changes
// nothing any more.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func TestRepeatedRequests(t *testing.T) {
	b := newBed(t)
	b.create("x", "one")
	put := func(n int, text string) {
		t.Helper()
		call(b, shapes.PutSecretValue, &shapes.PutSecretValueRequest{SecretId: ptr("x"), ClientRequestToken: token(n), SecretString: &text})
	}
	put(1, "two")
	call(b, shapes.UpdateSecret, &shapes.UpdateSecretRequest{SecretId: ptr("x"), ClientRequestToken: token(2), SecretString: ptr("three"), Description: ptr("third")})
	want := b.stages("x")
	put(1, "two")
	call(b, shapes.UpdateSecret, &shapes.UpdateSecretRequest{SecretId: ptr("x"), ClientRequestToken: token(1), SecretString: ptr("two"), Description: ptr("second")})
	if d := cmp.Diff(want, b.stages("x")); d != "" || b.value("x", "AWSCURRENT") != "three" {
		t.Errorf("%s is current: %s", b.value("x", "AWSCURRENT"), d)
	}
	if got := call(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")}); *got.Description != "third" {
		t.Error(*got.Description)
	}

	f := &function{b: b, fail: map[string]int{}}
	b.caller.do = f.do
	rotate := &shapes.RotateSecretRequest{SecretId: ptr("x"), RotationLambdaARN: ptr(rotator), ClientRequestToken: token(3)}
	call(b, shapes.RotateSecret, rotate)
	b.pass(time.Minute)
	f.take()
	if got := *call(b, shapes.RotateSecret, rotate).VersionId; got != *token(3) {
		t.Error(got)
	}
	b.pass(time.Minute)
	if got := f.take(); got != nil {
		t.Errorf("rotated again: %v", got)
	}
	if _, pending := b.stages("x")[*token(3)]; !pending || len(b.stages("x")) != 2 {
		t.Errorf("%v", b.stages("x"))
	}
}

// A secret that is restored is rotated again, though it was not while it was
// marked for deletion.
func TestRestoredSecretIsRotated(t *testing.T) {
	b := newBed(t)
	f := &function{b: b, fail: map[string]int{}}
	b.caller.do = f.do
	b.create("x", "one")
	call(b, shapes.RotateSecret, &shapes.RotateSecretRequest{
		SecretId: ptr("x"), RotationLambdaARN: ptr(rotator), RotateImmediately: ptr(false), RotationRules: &shapes.RotationRulesType{AutomaticallyAfterDays: ptr(int64(10))},
	})
	call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x")})
	b.pass(12 * 24 * time.Hour)
	if got := f.take(); got != nil {
		t.Errorf("rotated while it is deleted: %v", got)
	}
	call(b, shapes.RestoreSecret, &shapes.RestoreSecretRequest{SecretId: ptr("x")})
	b.pass(11 * 24 * time.Hour)
	if got := f.take(); len(got) != 4 {
		t.Errorf("after it was restored: %v", got)
	}
}

// A list goes on behind what it has shown, though that is gone; and of many
// secrets at once a request gets twenty.
func TestPages(t *testing.T) {
	b := newBed(t)
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("s%02d", i)
		want = append(want, name)
		b.create(name, name)
		b.pass(time.Duration(i%2) * time.Second) // some at the same time
	}
	var got []string
	filters := []shapes.Filter{{Key: ptr("name"), Values: []string{"s"}}}
	for in := (&shapes.BatchGetSecretValueRequest{Filters: filters}); ; {
		out := call(b, shapes.BatchGetSecretValue, in)
		if len(out.SecretValues) > 20 {
			t.Errorf("%d at once", len(out.SecretValues))
		}
		for _, v := range out.SecretValues {
			got = append(got, *v.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = nil
	for in := (&shapes.ListSecretsRequest{MaxResults: ptr(int32(4))}); ; {
		out := call(b, shapes.ListSecrets, in)
		for _, x := range out.SecretList {
			got = append(got, *x.Name)
			call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: x.Name, ForceDeleteWithoutRecovery: ptr(true)})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	refuse(b, shapes.ListSecrets, &shapes.ListSecretsRequest{NextToken: ptr("no token")}, "InvalidNextTokenException")
}

// one is an identity with one policy.
type one struct {
	awsapi.Identities
	doc *policy.Doc
}

func (o one) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	return &policy.Set{Identity: []*policy.Doc{o.doc}}, nil
}

// may makes a call as somebody who may do some things.
func may[I, O any](b *bed, actions string, op schema.TypedOp[I, O], in I) error {
	b.Helper()
	doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":[`+actions+`],"Resource":"*"}}`)
	if err != nil {
		b.Fatal(err)
	}
	front := awsapi.New(awsapi.Options{Services: []*awsapi.Service{b.api}, Identities: one{doc: doc}, Account: account, Region: region, Model: b.clock})
	ctx := awsapi.With(context.Background(), &awsapi.Call{ID: "may", Scope: arn.In(region, account), Actor: awsapi.Actor{
		Account: account, UserID: "u", Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/u"},
	}})
	_, err = awsapi.Do(ctx, front, op, in)
	return err
}

// What a call does besides its own action is asked for too.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
func TestPermissionsBesides(t *testing.T) {
	b := newBed(t)
	b.caller.do = func(context.Context, *lambda.InvocationRequest) (*lambda.InvocationResponse, error) {
		return &lambda.InvocationResponse{}, nil
	}
	b.create("x", "one")
	tags := []shapes.Tag{{Key: ptr("k"), Value: ptr("v")}}
	filters := []shapes.Filter{{Key: ptr("name"), Values: []string{"x"}}}
	create := &shapes.CreateSecretRequest{Name: ptr("y"), SecretString: ptr("y"), ClientRequestToken: token(1)}
	tagged := &shapes.CreateSecretRequest{Name: ptr("z"), SecretString: ptr("z"), ClientRequestToken: token(1), Tags: tags}
	rotate := &shapes.RotateSecretRequest{SecretId: ptr("x"), RotationLambdaARN: ptr(rotator)}
	again := &shapes.RotateSecretRequest{SecretId: ptr("x"), RotateImmediately: ptr(false)}
	for _, test := range []struct {
		name string
		err  error
		ok   bool
	}{
		{"create", may(b, `"secretsmanager:CreateSecret"`, shapes.CreateSecret, create), true},
		{"create with tags", may(b, `"secretsmanager:CreateSecret"`, shapes.CreateSecret, tagged), false},
		{"create and tag", may(b, `"secretsmanager:CreateSecret","secretsmanager:TagResource"`, shapes.CreateSecret, tagged), true},
		{"rotate", may(b, `"secretsmanager:RotateSecret"`, shapes.RotateSecret, rotate), false},
		{"rotate and invoke", may(b, `"secretsmanager:RotateSecret","lambda:InvokeFunction"`, shapes.RotateSecret, rotate), true},
		{"rotate with the function that it has", may(b, `"secretsmanager:RotateSecret"`, shapes.RotateSecret, again), false},
		{"batch by ids", may(b, `"secretsmanager:BatchGetSecretValue"`, shapes.BatchGetSecretValue, &shapes.BatchGetSecretValueRequest{SecretIdList: []string{"x"}}), true},
		{"batch by filters", may(b, `"secretsmanager:BatchGetSecretValue"`, shapes.BatchGetSecretValue, &shapes.BatchGetSecretValueRequest{Filters: filters}), false},
		{"batch and list", may(b, `"secretsmanager:BatchGetSecretValue","secretsmanager:ListSecrets"`, shapes.BatchGetSecretValue, &shapes.BatchGetSecretValueRequest{Filters: filters}), true},
	} {
		if denied := fault.Is(test.err, "AccessDenied"); test.ok && test.err != nil || !test.ok && !denied {
			t.Errorf("%s: %v", test.name, test.err)
		}
	}
}
