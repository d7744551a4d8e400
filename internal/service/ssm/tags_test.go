package ssm_test

import (
	"context"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// one is an identity with one policy.
type one struct {
	awsapi.Identities
	doc *policy.Doc
}

func (o one) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	return &policy.Set{Identity: []*policy.Doc{o.doc}}, nil
}

// may makes a call as somebody with a statement as policy.
func may[I, O any](b *bed, statement string, op schema.TypedOp[I, O], in I) error {
	b.Helper()
	doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":`+statement+`}`)
	if err != nil {
		b.Fatal(err)
	}
	front := awsapi.New(awsapi.Options{Services: []*awsapi.Service{b.api}, Identities: one{doc: doc}, Account: account, Region: region, Model: b.clock})
	ctx := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.Actor{
		Account: account, UserID: "u", Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/u"},
	}})
	_, err = awsapi.Do(ctx, front, op, in)
	return err
}

// Who may do something with a parameter can depend on its tags.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
func TestAccessByTags(t *testing.T) {
	b := newBed(t)
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("/a"), Value: ptr("1"), Type: ptr("String"), Tags: []shapes.Tag{{Key: ptr("Team"), Value: ptr("red")}}})
	b.put("/b", "2")
	for _, test := range []struct {
		condition string
		name      string
		ok        bool
	}{
		{`"ssm:resourceTag/Team":"red"`, "/a", true},
		{`"aws:ResourceTag/Team":"red"`, "/a", true},
		{`"aws:ResourceTag/Team":"red"`, "/a:1", true},
		{`"aws:ResourceTag/Team":"blue"`, "/a", false},
		{`"aws:ResourceTag/Team":"red"`, "/b", false},
		{`"aws:ResourceTag/Team":"red"`, "/none", false},
	} {
		statement := `{"Effect":"Allow","Action":["ssm:GetParameter","ssm:DeleteParameters"],"Resource":"*","Condition":{"StringEquals":{` + test.condition + `}}}`
		if err := may(b, statement, shapes.GetParameter, &shapes.GetParameterRequest{Name: &test.name}); test.ok && err != nil || !test.ok && !fault.Is(err, "AccessDenied") {
			t.Errorf("%s with %s: %v", test.name, test.condition, err)
		}
		if !test.ok {
			if err := may(b, statement, shapes.DeleteParameters, &shapes.DeleteParametersRequest{Names: []string{"/a", test.name}}); !fault.Is(err, "AccessDenied") {
				t.Errorf("deletion of %s with %s: %v", test.name, test.condition, err)
			}
		}
	}
}
