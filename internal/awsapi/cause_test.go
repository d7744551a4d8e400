package awsapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
)

const ana = "arn:aws:iam::000000000000:user/ana"

// everybody is ana.
type everybody struct{}

func (everybody) Key(context.Context, string, string) (awsapi.Credential, bool, error) {
	return awsapi.Credential{Secret: "secret", Actor: awsapi.Actor{Account: "000000000000", Principal: policy.Principal{ARN: ana}}}, true, nil
}

func (everybody) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	return &policy.Set{}, nil
}

// A handler knows which trace a request belongs to, under which id it runs and
// who made it.
func TestRequestsCarryTheirCause(t *testing.T) {
	var got record.Cause
	s := awsapi.NewService(&shapes.Model)
	awsapi.Handle(s, shapes.GetCallerIdentity, awsapi.Open, func(ctx context.Context, _ *shapes.GetCallerIdentityRequest) (*shapes.GetCallerIdentityResponse, error) {
		got = record.From(ctx)
		return &shapes.GetCallerIdentityResponse{}, nil
	})
	front := awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{s}, Identities: everybody{}, Account: "000000000000", Region: "us-east-1", Model: clock.NewModel(clock.State{}),
	})
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	client := awstest.Client{Handler: front, Region: "us-east-1", Key: "AKID", Secret: "secret"}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, record.XRayHeader: {trace}}
	a := client.Send("sts", http.MethodPost, "/", header, []byte("Action=GetCallerIdentity&Version=2011-06-15"))
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if got.XRay() != trace || got.By != ana || got.Request == "" || got.Request != a.Header.Get("X-Amzn-Requestid") {
		t.Errorf("cause %+v of %s, answered as %s", got, trace, a.Header.Get("X-Amzn-Requestid"))
	}
}
