package cloudformation

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/work"
)

var testScope = arn.In("eu-central-1", "123456789012")

// deployer is the session that a service role becomes.
func deployer() awsapi.Actor {
	return awsapi.Actor{
		Account: testScope.Account, UserID: "AROAX:AWSCloudFormation",
		Principal: policy.Principal{ARN: testScope.AssumedRole("deployer", "AWSCloudFormation"), Issuer: testScope.Role("", "deployer")},
	}
}

// oneRole can be assumed.
type oneRole struct{}

func (oneRole) Assume(_ context.Context, role arn.ARN, service, session string) (awsapi.Actor, error) {
	if role != testScope.Role("", "deployer") || service != principal || session != "AWSCloudFormation" {
		return awsapi.Actor{}, invalid("Role %s is invalid or cannot be assumed", role)
	}
	return deployer(), nil
}

// witness is a provider that notes for whom it is called.
type witness struct {
	memory
	mu     sync.Mutex
	actors []string
}

func (w *witness) note(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.actors = append(w.actors, awsapi.From(ctx).Actor.Principal.ARN.String())
}

func (w *witness) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	w.note(ctx)
	return w.memory.Create(ctx, r)
}

func (w *witness) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	w.note(ctx)
	return w.memory.Delete(ctx, r)
}

// TestActors: resources are made for the caller, or for the role that was
// passed, which the stack keeps.
func TestActors(t *testing.T) {
	db := kv.Open(memkv.New())
	model := clock.NewModel(clock.State{Stopped: true, At: 1})
	w := &witness{memory: memory{have: map[string]bool{}}}
	typ := &stack.Type{Schema: &testTable.Types[1], Table: &testTable, Provider: w, NameProperty: "TopicName", Name: stack.NameRule{Max: 64}}
	engine := stack.New(stack.Options{DB: db, Types: stack.NewTypes(typ), Model: model, Ledger: work.NewLedger(), Log: slog.New(slog.DiscardHandler)})
	defer db.Close()
	defer engine.Close()
	s := New(engine, oneRole{})
	ann := awsapi.Actor{Account: testScope.Account, Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/ann"}}
	ctx := awsapi.With(t.Context(), &awsapi.Call{Scope: testScope, Actor: ann})
	body := `{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}`

	for _, c := range []struct {
		name string
		role *string
		want string
	}{
		{"own", nil, "arn:aws:iam::123456789012:user/ann"},
		{"role", ptr("arn:aws:iam::123456789012:role/deployer"), "arn:aws:sts::123456789012:assumed-role/deployer/AWSCloudFormation"},
	} {
		w.actors = nil
		if _, err := s.createStack(ctx, &shapes.CreateStackInput{StackName: &c.name, TemplateBody: &body, RoleARN: c.role}); err != nil {
			t.Fatal(err)
		}
		st, err := engine.Wait(ctx, testScope, c.name)
		if err != nil || st.Status != stack.CreateComplete {
			t.Fatalf("%s: %v %v", c.name, st, err)
		}
		if _, err := s.deleteStack(ctx, &shapes.DeleteStackInput{StackName: &c.name}); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.Wait(ctx, testScope, st.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{c.want, c.want}, w.actors); diff != "" {
			t.Errorf("%s: who creates and deletes (-want +got):\n%s", c.name, diff)
		}
	}
	_, err := s.createStack(ctx, &shapes.CreateStackInput{StackName: ptr("other"), TemplateBody: &body, RoleARN: ptr("arn:aws:iam::123456789012:role/other")})
	if err == nil || err.Error() != "ValidationError: Role arn:aws:iam::123456789012:role/other is invalid or cannot be assumed" {
		t.Errorf("with a role that cannot be assumed: %v", err)
	}
}

// TestPassingARoleTakesAPermission looks at what calls need.
func TestPassingARoleTakesAPermission(t *testing.T) {
	ctx := awsapi.With(t.Context(), &awsapi.Call{Scope: testScope})
	access := on("CreateStack", func(in *shapes.CreateStackInput) *string { return in.StackName }, func(in *shapes.CreateStackInput) *string { return in.RoleARN })
	for _, c := range []struct {
		in   shapes.CreateStackInput
		want []awsapi.Access
	}{
		{shapes.CreateStackInput{StackName: ptr("app")}, []awsapi.Access{
			{Action: "cloudformation:CreateStack", Resource: "arn:aws:cloudformation:eu-central-1:123456789012:stack/app/*"},
		}},
		{shapes.CreateStackInput{StackName: ptr("app"), RoleARN: ptr("arn:aws:iam::123456789012:role/r")}, []awsapi.Access{
			{Action: "cloudformation:CreateStack", Resource: "arn:aws:cloudformation:eu-central-1:123456789012:stack/app/*"},
			{Action: "iam:PassRole", Resource: "arn:aws:iam::123456789012:role/r", Keys: policy.KeyMap{"iam:passedtoservice": policy.One("cloudformation.amazonaws.com")}},
		}},
	} {
		got, err := access(ctx, &c.in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(policy.Value{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// tokens answers AssumeRole.
type tokens struct {
	asked *sts.AssumeRoleRequest
	as    awsapi.Actor
	err   error
}

func (s *tokens) Call(ctx context.Context, _ *schema.Model, _ *schema.Op, in any) (any, error) {
	s.asked, s.as = in.(*sts.AssumeRoleRequest), awsapi.From(ctx).Actor
	return &sts.AssumeRoleResponse{Credentials: &sts.Credentials{AccessKeyId: ptr("ASIAX"), SessionToken: ptr("token")}}, s.err
}

// sessions knows the one session.
type sessions struct{ anyone }

func (sessions) Key(_ context.Context, id, token string) (awsapi.Credential, bool, error) {
	return awsapi.Credential{Actor: deployer()}, id == "ASIAX" && token == "token", nil
}

func TestAssumingAServiceRole(t *testing.T) {
	ctx := awsapi.With(t.Context(), &awsapi.Call{Scope: testScope})
	service := &tokens{}
	roles := STS{Caller: service, Identities: sessions{}}
	actor, err := roles.Assume(ctx, testScope.Role("", "deployer"), principal, "AWSCloudFormation")
	if err != nil {
		t.Fatal(err)
	}
	if actor.Principal.ARN != deployer().Principal.ARN {
		t.Errorf("actor %+v", actor)
	}
	if service.as.Principal.Service != principal || *service.asked.RoleArn != "arn:aws:iam::123456789012:role/deployer" || *service.asked.RoleSessionName != "AWSCloudFormation" {
		t.Errorf("asked %+v as %+v", service.asked, service.as)
	}
	service.err = errors.New("not trusted")
	if _, err := roles.Assume(ctx, testScope.Role("", "deployer"), principal, "s"); err == nil || err.Error() != "ValidationError: Role arn:aws:iam::123456789012:role/deployer is invalid or cannot be assumed" {
		t.Errorf("a role without trust: %v", err)
	}
}
