package secretsmanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/secretsmanager"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	rotator = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"
)

// caller is the front for everything but KMS, whose ciphertexts are the encryption
// context and the key turned round, and Lambda, whose function is the test's.
type caller struct {
	front *awsapi.Front
	do    func(ctx context.Context, in *lambda.InvocationRequest) (*lambda.InvocationResponse, error)
	mu    sync.Mutex
	n     byte
	via   []string
}

func mark(context map[string]string) string { return fmt.Sprint(context) + "|" }

func turn(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

func (c *caller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch in := in.(type) {
	case *kms.GenerateDataKeyRequest:
		c.via = append(c.via, awsapi.From(ctx).Via)
		c.n++
		key := bytes.Repeat([]byte{c.n}, 32)
		key[0] = 0
		return &kms.GenerateDataKeyResponse{KeyId: in.KeyId, Plaintext: key, CiphertextBlob: append([]byte(mark(in.EncryptionContext)), turn(key)...)}, nil
	case *kms.DecryptRequest:
		text, ok := bytes.CutPrefix(in.CiphertextBlob, []byte(mark(in.EncryptionContext)))
		if !ok {
			return nil, fault.New("InvalidCiphertextException", "")
		}
		return &kms.DecryptResponse{Plaintext: turn(text)}, nil
	case *lambda.InvocationRequest:
		c.mu.Unlock()
		defer c.mu.Lock()
		return c.do(ctx, in)
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	return c.front.Call(ctx, m, op, in)
}

type bed struct {
	testing.TB
	db      *kv.DB
	clock   *clock.Model
	settler *work.Settler
	api     *awsapi.Service
	front   *awsapi.Front
	caller  *caller
	ctx     context.Context
}

func newBed(t testing.TB) *bed {
	b := &bed{TB: t, db: kv.Open(memkv.New()), clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_772_366_400, 0)}), caller: &caller{}}
	ledger := work.NewLedger()
	owner := &timer.Owner{DB: b.db}
	timers := timer.New(timer.Options{DB: b.db, Owner: owner, Model: b.clock, Ledger: ledger})
	del := delivery.New(delivery.Options{DB: b.db, Owner: owner, Timers: timers, Model: b.clock, Ledger: ledger})
	s := secretsmanager.New(secretsmanager.Options{DB: b.db, Clock: b.clock, Timers: timers, Emit: del, Caller: b.caller})
	del.Receive(s)
	b.api = s.API()
	b.front = awsapi.New(awsapi.Options{Services: []*awsapi.Service{s.API()}, Account: account, Region: region, Model: b.clock, Enforcement: awsapi.Off, Ledger: ledger})
	b.caller.front = b.front
	b.settler = &work.Settler{Ledger: ledger, DB: b.db, Clock: b.clock, Backlogs: []work.Backlog{timers, del}, Move: func(_ context.Context, to clock.Instant) error { return b.clock.Set(to) }}
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{ID: "test", Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { timers.Run(ctx) })
	wg.Go(func() { del.Run(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// pass moves the clock from one thing that is due to the next.
func (b *bed) pass(d time.Duration) {
	b.Helper()
	if _, err := b.settler.Advance(b.Context(), b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
}

func call[I, O any](b *bed, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(b.ctx, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

func refuse[I, O any](b *bed, op schema.TypedOp[I, O], in I, code string) {
	b.Helper()
	if _, err := awsapi.Do(b.ctx, b.front, op, in); !fault.Is(err, code) {
		b.Errorf("%s: %v, want %s", op.Op.Name, err, code)
	}
}

func ptr[T any](v T) *T { return &v }

func token(n int) *string { return ptr(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

func (b *bed) create(name, text string) *shapes.CreateSecretResponse {
	b.Helper()
	return call(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: &name, SecretString: &text, ClientRequestToken: token(0)})
}

// value is the value of a version, by a label.
func (b *bed) value(id, stage string) string {
	b.Helper()
	return *call(b, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: &id, VersionStage: &stage}).SecretString
}

func (b *bed) stages(id string) map[string][]string {
	b.Helper()
	return call(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: &id}).VersionIdsToStages
}

func TestVersions(t *testing.T) {
	b := newBed(t)
	made := b.create("app/db", "one")
	name, suffix, _ := strings.Cut(*made.ARN, "-")
	_ = name
	if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-") || suffix == "" {
		t.Error(*made.ARN)
	}
	for _, id := range []string{"app/db", *made.ARN, (*made.ARN)[:len(*made.ARN)-7]} {
		if got := b.value(id, "AWSCURRENT"); got != "one" {
			t.Errorf("%s: %q", id, got)
		}
	}
	// The same again is the same; with another value it is not.
	b.create("app/db", "one")
	refuse(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("app/db"), SecretString: ptr("two"), ClientRequestToken: token(0)}, "ResourceExistsException")
	refuse(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("app/db"), SecretString: ptr("one"), ClientRequestToken: token(1)}, "ResourceExistsException")
	put := &shapes.PutSecretValueRequest{SecretId: ptr("app/db"), SecretString: ptr("two"), ClientRequestToken: token(2)}
	call(b, shapes.PutSecretValue, put)
	call(b, shapes.PutSecretValue, put)
	put.SecretString = ptr("three")
	refuse(b, shapes.PutSecretValue, put, "ResourceExistsException")
	if d := cmp.Diff(map[string][]string{*token(0): {"AWSPREVIOUS"}, *token(2): {"AWSCURRENT"}}, b.stages("app/db")); d != "" {
		t.Error(d)
	}
	call(b, shapes.PutSecretValue, &shapes.PutSecretValueRequest{SecretId: ptr("app/db"), SecretString: ptr("mine"), ClientRequestToken: token(3), VersionStages: []string{"MINE"}})
	if got := b.value("app/db", "MINE") + b.value("app/db", "AWSCURRENT") + b.value("app/db", "AWSPREVIOUS"); got != "minetwoone" {
		t.Error(got)
	}
	refuse(b, shapes.UpdateSecretVersionStage, &shapes.UpdateSecretVersionStageRequest{SecretId: ptr("app/db"), VersionStage: ptr("AWSCURRENT"), MoveToVersionId: token(3)}, "InvalidParameterException")
	refuse(b, shapes.UpdateSecretVersionStage, &shapes.UpdateSecretVersionStageRequest{SecretId: ptr("app/db"), VersionStage: ptr("AWSCURRENT"), RemoveFromVersionId: token(2)}, "InvalidParameterException")
	call(b, shapes.UpdateSecretVersionStage, &shapes.UpdateSecretVersionStageRequest{SecretId: ptr("app/db"), VersionStage: ptr("AWSCURRENT"), RemoveFromVersionId: token(2), MoveToVersionId: token(3)})
	if d := cmp.Diff(map[string][]string{*token(2): {"AWSPREVIOUS"}, *token(3): {"AWSCURRENT", "MINE"}}, b.stages("app/db")); d != "" {
		t.Error(d)
	}
	list := call(b, shapes.ListSecretVersionIds, &shapes.ListSecretVersionIdsRequest{SecretId: ptr("app/db")}).Versions
	all := call(b, shapes.ListSecretVersionIds, &shapes.ListSecretVersionIdsRequest{SecretId: ptr("app/db"), IncludeDeprecated: ptr(true)}).Versions
	if len(list) != 2 || len(all) != 3 {
		t.Errorf("%d and %d versions", len(list), len(all))
	}
	refuse(b, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: ptr("app/db"), VersionStage: ptr("NONE")}, "ResourceNotFoundException")
	refuse(b, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: ptr("none")}, "ResourceNotFoundException")
	bin := call(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("bin"), SecretBinary: []byte{0, 1}})
	if got := call(b, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: bin.ARN}); !bytes.Equal(got.SecretBinary, []byte{0, 1}) || got.SecretString != nil {
		t.Errorf("%+v", got)
	}
	if b.caller.via[0] != "secretsmanager.eu-west-1.amazonaws.com" {
		t.Error(b.caller.via)
	}
	refuse(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("r"), AddReplicaRegions: []shapes.ReplicaRegionType{{Region: ptr("us-east-1")}}}, "InvalidParameterException")
	refuse(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("a b")}, "ValidationException")
}

// With another key the versions with labels are encrypted anew.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
func TestAnotherKey(t *testing.T) {
	b := newBed(t)
	b.create("x", "one")
	call(b, shapes.PutSecretValue, &shapes.PutSecretValueRequest{SecretId: ptr("x"), SecretString: ptr("two"), ClientRequestToken: token(1)})
	made := len(b.caller.via)
	call(b, shapes.UpdateSecret, &shapes.UpdateSecretRequest{SecretId: ptr("x"), KmsKeyId: ptr("alias/mine"), Description: ptr("d")})
	if n := len(b.caller.via) - made; n != 2 {
		t.Errorf("%d data keys", n)
	}
	if got := b.value("x", "AWSCURRENT") + b.value("x", "AWSPREVIOUS"); got != "twoone" {
		t.Error(got)
	}
	d := call(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")})
	if *d.KmsKeyId != "alias/mine" || *d.Description != "d" {
		t.Errorf("%+v", d)
	}
}

func TestDeletion(t *testing.T) {
	b := newBed(t)
	b.create("x", "one")
	refuse(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x"), RecoveryWindowInDays: ptr(int64(6))}, "InvalidParameterException")
	call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x"), RecoveryWindowInDays: ptr(int64(7))})
	refuse(b, shapes.GetSecretValue, &shapes.GetSecretValueRequest{SecretId: ptr("x")}, "InvalidRequestException")
	refuse(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: ptr("x"), SecretString: ptr("y")}, "InvalidRequestException")
	b.pass(6 * 24 * time.Hour)
	call(b, shapes.RestoreSecret, &shapes.RestoreSecretRequest{SecretId: ptr("x")})
	b.pass(30 * 24 * time.Hour)
	if got := b.value("x", "AWSCURRENT"); got != "one" {
		t.Error(got)
	}
	call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x")})
	b.pass(30 * 24 * time.Hour)
	refuse(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")}, "ResourceNotFoundException")
	b.create("x", "two")
	call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x"), ForceDeleteWithoutRecovery: ptr(true)})
	call(b, shapes.DeleteSecret, &shapes.DeleteSecretRequest{SecretId: ptr("x"), ForceDeleteWithoutRecovery: ptr(true)})
	refuse(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")}, "ResourceNotFoundException")
}

func TestLists(t *testing.T) {
	b := newBed(t)
	for i, n := range []string{"app/one", "app/two", "other"} {
		b.pass(time.Second)
		call(b, shapes.CreateSecret, &shapes.CreateSecretRequest{Name: &n, SecretString: &n, Description: ptr("The " + n), Tags: []shapes.Tag{{Key: ptr("n"), Value: ptr(fmt.Sprint(i))}}})
	}
	for _, test := range []struct {
		key    string
		values []string
		want   []string
	}{
		{"name", []string{"app/"}, []string{"app/two", "app/one"}},
		{"name", []string{"!app/"}, []string{"other"}},
		{"description", []string{"the o"}, []string{"other"}},
		{"tag-value", []string{"0", "2"}, []string{"other", "app/one"}},
		{"all", []string{"TWO"}, []string{"app/two"}},
		{"all", []string{"none_Two"}, []string{"app/two"}}, // with either word
		{"all", []string{"!Two"}, []string{"other", "app/one"}},
		{"all", []string{"noneOther@892"}, []string{"other"}},
		{"all", []string{"2none"}, []string{"other"}}, // the value of a tag
		{"all", []string{"thing"}, nil},
	} {
		out := call(b, shapes.ListSecrets, &shapes.ListSecretsRequest{Filters: []shapes.Filter{{Key: &test.key, Values: test.values}}})
		var got []string
		for _, x := range out.SecretList {
			got = append(got, *x.Name)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s %v: %s", test.key, test.values, d)
		}
	}
	first := call(b, shapes.ListSecrets, &shapes.ListSecretsRequest{MaxResults: ptr(int32(2)), SortOrder: ptr("asc")})
	rest := call(b, shapes.ListSecrets, &shapes.ListSecretsRequest{MaxResults: ptr(int32(2)), SortOrder: ptr("asc"), NextToken: first.NextToken})
	if *first.SecretList[0].Name != "app/one" || len(rest.SecretList) != 1 || *rest.SecretList[0].Name != "other" || rest.NextToken != nil {
		t.Errorf("%+v, %+v", first, rest)
	}
	batch := call(b, shapes.BatchGetSecretValue, &shapes.BatchGetSecretValueRequest{SecretIdList: []string{"app/one", "none"}})
	if len(batch.SecretValues) != 1 || *batch.SecretValues[0].SecretString != "app/one" || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("%+v", batch)
	}
	batch = call(b, shapes.BatchGetSecretValue, &shapes.BatchGetSecretValueRequest{Filters: []shapes.Filter{{Key: ptr("name"), Values: []string{"app"}}}})
	if len(batch.SecretValues) != 2 {
		t.Errorf("%+v", batch)
	}
}

func TestPolicies(t *testing.T) {
	b := newBed(t)
	b.create("x", "one")
	const open = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}}`
	const closed = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ana"},"Action":"secretsmanager:*","Resource":"*"}}`
	refuse(b, shapes.PutResourcePolicy, &shapes.PutResourcePolicyRequest{SecretId: ptr("x"), ResourcePolicy: ptr(open), BlockPublicPolicy: ptr(true)}, "PublicPolicyException")
	refuse(b, shapes.PutResourcePolicy, &shapes.PutResourcePolicyRequest{SecretId: ptr("x"), ResourcePolicy: ptr("{}")}, "MalformedPolicyDocumentException")
	call(b, shapes.PutResourcePolicy, &shapes.PutResourcePolicyRequest{SecretId: ptr("x"), ResourcePolicy: ptr(closed), BlockPublicPolicy: ptr(true)})
	if got := call(b, shapes.GetResourcePolicy, &shapes.GetResourcePolicyRequest{SecretId: ptr("x")}).ResourcePolicy; *got != closed {
		t.Error(*got)
	}
	if call(b, shapes.ValidateResourcePolicy, &shapes.ValidateResourcePolicyRequest{ResourcePolicy: ptr(open)}).PolicyValidationPassed == nil ||
		*call(b, shapes.ValidateResourcePolicy, &shapes.ValidateResourcePolicyRequest{ResourcePolicy: ptr(open)}).PolicyValidationPassed {
		t.Error("a policy for everybody is valid")
	}
	call(b, shapes.DeleteResourcePolicy, &shapes.DeleteResourcePolicyRequest{SecretId: ptr("x")})
	if got := call(b, shapes.GetResourcePolicy, &shapes.GetResourcePolicyRequest{SecretId: ptr("x")}).ResourcePolicy; got != nil {
		t.Error(*got)
	}
}

func TestPasswords(t *testing.T) {
	b := newBed(t)
	for name, test := range map[string]struct {
		in   shapes.GetRandomPasswordRequest
		n    int
		must []string
		not  string
	}{
		"as it is":        {shapes.GetRandomPasswordRequest{}, 32, []string{"abcdefghijklmnopqrstuvwxyz", "0123456789", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}, " "},
		"digits":          {shapes.GetRandomPasswordRequest{PasswordLength: ptr(int64(4)), ExcludeLowercase: ptr(true), ExcludeUppercase: ptr(true), ExcludePunctuation: ptr(true)}, 4, []string{"0123456789"}, "aA!"},
		"some characters": {shapes.GetRandomPasswordRequest{PasswordLength: ptr(int64(500)), ExcludeCharacters: ptr(`"@/\`)}, 500, nil, `"@/\`},
		"with space":      {shapes.GetRandomPasswordRequest{PasswordLength: ptr(int64(5)), IncludeSpace: ptr(true)}, 5, []string{" "}, ""},
	} {
		for range 50 {
			p := *call(b, shapes.GetRandomPassword, &test.in).RandomPassword
			if len(p) != test.n || strings.ContainsAny(p, test.not) {
				t.Errorf("%s: %q", name, p)
			}
			for _, m := range test.must {
				if !strings.ContainsAny(p, m) {
					t.Errorf("%s: %q has none of %s", name, p, m)
				}
			}
		}
	}
	refuse(b, shapes.GetRandomPassword, &shapes.GetRandomPasswordRequest{PasswordLength: ptr(int64(3))}, "InvalidParameterException")
}

// function rotates as the examples of AWS do. What it is called for is noted.
type function struct {
	b     *bed
	mu    sync.Mutex
	calls []string
	fail  map[string]int // how often a step fails
}

func (f *function) do(_ context.Context, in *lambda.InvocationRequest) (*lambda.InvocationResponse, error) {
	if in.InvocationType != nil && *in.InvocationType == "DryRun" {
		return &lambda.InvocationResponse{}, nil
	}
	var e struct{ Step, SecretId, ClientRequestToken string }
	if err := json.Unmarshal(in.Payload, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.calls = append(f.calls, e.Step)
	fails := f.fail[e.Step] > 0
	f.fail[e.Step]--
	f.mu.Unlock()
	if fails {
		return &lambda.InvocationResponse{FunctionError: ptr("Unhandled"), Payload: []byte(`{"errorMessage":"no"}`)}, nil
	}
	d, err := awsapi.Do(f.b.ctx, f.b.front, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: &e.SecretId})
	if err != nil {
		return nil, err
	}
	if !slices.Contains(d.VersionIdsToStages[e.ClientRequestToken], "AWSPENDING") {
		return nil, errors.New("the version has not the label AWSPENDING")
	}
	switch e.Step {
	case "createSecret":
		_, err = awsapi.Do(f.b.ctx, f.b.front, shapes.PutSecretValue, &shapes.PutSecretValueRequest{
			SecretId: &e.SecretId, ClientRequestToken: &e.ClientRequestToken, SecretString: ptr("new " + e.ClientRequestToken), VersionStages: []string{"AWSPENDING"},
		})
	case "finishSecret":
		in := &shapes.UpdateSecretVersionStageRequest{SecretId: &e.SecretId, VersionStage: ptr("AWSCURRENT"), MoveToVersionId: &e.ClientRequestToken}
		for id, stages := range d.VersionIdsToStages {
			if slices.Contains(stages, "AWSCURRENT") {
				in.RemoveFromVersionId = &id
			}
		}
		_, err = awsapi.Do(f.b.ctx, f.b.front, shapes.UpdateSecretVersionStage, in)
	}
	return &lambda.InvocationResponse{}, err
}

func (f *function) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
func TestRotation(t *testing.T) {
	b := newBed(t)
	f := &function{b: b, fail: map[string]int{"testSecret": 2}}
	b.caller.do = f.do
	b.create("x", "one")
	refuse(b, shapes.RotateSecret, &shapes.RotateSecretRequest{SecretId: ptr("x")}, "InvalidRequestException")
	call(b, shapes.RotateSecret, &shapes.RotateSecretRequest{
		SecretId: ptr("x"), RotationLambdaARN: ptr(rotator), ClientRequestToken: token(1), RotationRules: &shapes.RotationRulesType{AutomaticallyAfterDays: ptr(int64(10))},
	})
	b.pass(time.Hour)
	want := []string{"createSecret", "setSecret", "testSecret", "testSecret", "testSecret", "finishSecret"}
	if d := cmp.Diff(want, f.take()); d != "" {
		t.Error(d)
	}
	if got := b.value("x", "AWSCURRENT") + ", " + b.value("x", "AWSPREVIOUS"); got != "new "+*token(1)+", one" {
		t.Error(got)
	}
	d := call(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")})
	if !*d.RotationEnabled || d.LastRotatedDate == nil || d.NextRotationDate == nil {
		t.Errorf("%+v", d)
	}
	b.pass(10 * 24 * time.Hour)
	if d := cmp.Diff([]string{"createSecret", "setSecret", "testSecret", "finishSecret"}, f.take()); d != "" {
		t.Error(d)
	}
	call(b, shapes.CancelRotateSecret, &shapes.CancelRotateSecretRequest{SecretId: ptr("x")})
	b.pass(30 * 24 * time.Hour)
	if got := f.take(); got != nil {
		t.Errorf("after it was called off: %v", got)
	}
	call(b, shapes.RotateSecret, &shapes.RotateSecretRequest{SecretId: ptr("x"), RotateImmediately: ptr(false), RotationRules: &shapes.RotationRulesType{ScheduleExpression: ptr("cron(0 8 1 * ? *)"), Duration: ptr("2h")}})
	next := call(b, shapes.DescribeSecret, &shapes.DescribeSecretRequest{SecretId: ptr("x")}).NextRotationDate.Time()
	if next.Day() != 1 || next.Hour() != 8 {
		t.Error(next)
	}
	for _, rules := range []*shapes.RotationRulesType{{ScheduleExpression: ptr("rate(1 hour)")}, {ScheduleExpression: ptr("often")}, {Duration: ptr("99h")}} {
		refuse(b, shapes.RotateSecret, &shapes.RotateSecretRequest{SecretId: ptr("x"), RotateImmediately: ptr(false), RotationRules: rules}, "InvalidParameterException")
	}
}

// A rotation that was given up leaves the label, and the next one tries again.
func TestRotationGivenUp(t *testing.T) {
	b := newBed(t)
	f := &function{b: b, fail: map[string]int{"setSecret": 5}}
	b.caller.do = f.do
	b.create("x", "one")
	call(b, shapes.RotateSecret, &shapes.RotateSecretRequest{SecretId: ptr("x"), RotationLambdaARN: ptr(rotator), ClientRequestToken: token(1), RotationRules: &shapes.RotationRulesType{AutomaticallyAfterDays: ptr(int64(1))}})
	b.pass(20 * time.Hour)
	if got := b.value("x", "AWSCURRENT"); got != "one" || len(f.take()) != 6 {
		t.Error(got)
	}
	refuse(b, shapes.RotateSecret, &shapes.RotateSecretRequest{SecretId: ptr("x"), ClientRequestToken: token(2)}, "InvalidRequestException")
	b.pass(5 * time.Hour)
	if got := b.value("x", "AWSCURRENT"); got != "new "+*token(1) {
		t.Error(got)
	}
}
