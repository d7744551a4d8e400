package kms

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/seal"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// sealer seals with a key of the test's.
type sealer struct{ keys seal.Keys }

func (s sealer) Seal(_ context.Context, text, associated []byte) ([]byte, error) {
	return s.keys.Seal(text, associated), nil
}

func (s sealer) Open(_ context.Context, envelope, associated []byte) ([]byte, error) {
	return s.keys.Open(envelope, associated)
}

// bed is a cloud with KMS and IAM.
type bed struct {
	testing.TB
	db      *kv.DB
	clock   *clock.Model
	settler *work.Settler
	s       *Service
	front   *awsapi.Front
	root    context.Context
}

func newBed(t testing.TB) *bed {
	b := &bed{TB: t, db: kv.Open(memkv.New()), clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_772_366_400, 0)})}
	ledger := work.NewLedger()
	owner := &timer.Owner{DB: b.db}
	timers := timer.New(timer.Options{DB: b.db, Owner: owner, Model: b.clock, Ledger: ledger})
	k, err := seal.Generate()
	b.must(err)
	b.s = New(Options{DB: b.db, Clock: b.clock, Sealer: sealer{seal.Keys{k}}, Timers: timers})
	users, err := iam.New(t.Context(), iam.Options{DB: b.db, Clock: b.clock, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
	b.must(err)
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API(), users.API()}, Identities: users, Account: account, Region: region, Model: b.clock, Ledger: ledger,
	})
	b.settler = &work.Settler{Ledger: ledger, DB: b.db, Clock: b.clock, Backlogs: []work.Backlog{timers}}
	b.root = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { timers.Run(ctx); close(done) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// user makes a user with a policy, and returns the context of his calls.
func (b *bed) user(name string, statements string) context.Context {
	b.Helper()
	u := call(b, b.root, iamshapes.CreateUser, &iamshapes.CreateUserRequest{UserName: &name})
	if statements != "" {
		call(b, b.root, iamshapes.PutUserPolicy, &iamshapes.PutUserPolicyRequest{
			UserName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
		})
	}
	return awsapi.As(b.root, awsapi.Actor{Account: account, UserID: *u.User.UserId, Principal: policy.Principal{ARN: arn.ARN(*u.User.Arn)}})
}

// call makes a call that must succeed.
func call[I, O any](b *bed, ctx context.Context, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(ctx, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

// refuse makes a call that must fail with a code.
func refuse[I, O any](b *bed, ctx context.Context, op schema.TypedOp[I, O], in I, code string) {
	b.Helper()
	if _, err := awsapi.Do(ctx, b.front, op, in); !fault.Is(err, code) {
		b.Errorf("%s: %v, want %s", op.Op.Name, err, code)
	}
}

func (b *bed) key(in *shapes.CreateKeyRequest) *string {
	b.Helper()
	return call(b, b.root, shapes.CreateKey, in).KeyMetadata.Arn
}

// pass moves the clock, and waits until what is due is done.
func (b *bed) pass(d time.Duration) {
	b.Helper()
	b.must(b.clock.Set(b.clock.Now().Add(d)))
	_, err := b.settler.Settle(b.Context(), 0, false)
	b.must(err)
}
