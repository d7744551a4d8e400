package awsapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
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

// A request without a trace belongs to what the holder of its key is doing; one
// that an SDK makes again says so; and its span says what it was about.
func TestRequestsAreTraced(t *testing.T) {
	model := clock.NewModel(clock.State{})
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	const trace, parent = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	s := awsapi.NewService(&shapes.Model)
	awsapi.Handle(s, shapes.GetCallerIdentity, func(context.Context, *shapes.GetCallerIdentityRequest) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "sts:GetCallerIdentity", Resource: "arn:aws:sts::000000000000:first"}, {Action: "sts:More", Resource: "arn:second"}}, nil
	}, func(context.Context, *shapes.GetCallerIdentityRequest) (*shapes.GetCallerIdentityResponse, error) {
		return &shapes.GetCallerIdentityResponse{}, nil
	})
	front := awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{s}, Identities: everybody{}, Account: "000000000000", Region: "us-east-1", Model: model,
		Observer: record.APICalls{Recorder: recorder, Account: "000000000000", Region: "us-east-1"},
		CauseOf: func(key string, asked record.TraceID) record.Cause {
			if key != "AKID" || !asked.IsZero() && asked.String() != trace {
				t.Errorf("asked for %q in %s", key, asked)
			}
			c, _ := record.ParseXRay("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + parent)
			c.By = "whoever caused the invocation"
			return c
		},
	})
	client := awstest.Client{Handler: front, Region: "us-east-1", Key: "AKID", Secret: "secret"}
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	for _, again := range []string{"attempt=1; max=3", "attempt=2; max=3", "attempt=12345"} {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Amz-Sdk-Request": {again}}
		if again == "attempt=12345" {
			header.Set(record.XRayHeader, "Root=1-5759e988-bd862e3fe1be46a994272793")
		}
		if a := client.Send("sts", http.MethodPost, "/", header, []byte(body)); a.Status != http.StatusForbidden {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	id, err := record.ParseTraceID(trace)
	if err != nil {
		t.Fatal(err)
	}
	spans, err := recorder.Traces.Trace(context.Background(), id)
	if err != nil || len(spans) != 3 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	for i, want := range []string{"", "2", ""} {
		s := &spans[i]
		if s.Name != "GetCallerIdentity" || s.Parent.String() != parent || s.Attr(record.Attempt) != want || s.Resource != "arn:aws:sts::000000000000:first" || s.By != ana || s.In != int64(len(body)) || s.Out == 0 ||
			s.Error != "AccessDenied" || !strings.Contains(s.Attr(record.Message), "is not authorized to perform: sts:GetCallerIdentity") {
			t.Errorf("span %+v, want attempt %q", s, want)
		}
	}
}
