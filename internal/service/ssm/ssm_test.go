package ssm_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/ssm"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// caller is the front for everything but KMS, whose keys are the test's: a
// ciphertext is the encryption context and the text turned round.
type caller struct {
	front *awsapi.Front
	via   []string
	fails error
	mean  func() // done while KMS is asked, once
}

func mark(context map[string]string) string { return fmt.Sprint(context) + "|" }

func turn(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

func (c *caller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	if m != &kms.Model {
		return c.front.Call(ctx, m, op, in)
	}
	c.via = append(c.via, op.Name+" "+awsapi.From(ctx).Via)
	if f := c.mean; f != nil {
		c.mean = nil
		f()
	}
	if c.fails != nil {
		return nil, c.fails
	}
	switch in := in.(type) {
	case *kms.EncryptRequest:
		return &kms.EncryptResponse{CiphertextBlob: append([]byte(mark(in.EncryptionContext)), turn(in.Plaintext)...)}, nil
	case *kms.GenerateDataKeyRequest:
		key := bytes.Repeat([]byte{7}, 32)
		return &kms.GenerateDataKeyResponse{Plaintext: key, CiphertextBlob: append([]byte(mark(in.EncryptionContext)), turn(key)...)}, nil
	case *kms.DecryptRequest:
		text, ok := bytes.CutPrefix(in.CiphertextBlob, []byte(mark(in.EncryptionContext)))
		if !ok {
			return nil, fault.New("InvalidCiphertextException", "")
		}
		return &kms.DecryptResponse{Plaintext: turn(text)}, nil
	}
	return nil, fmt.Errorf("KMS is not asked for %s", op.Name)
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
	changes []ssm.Change
}

func newBed(t testing.TB) *bed {
	b := &bed{TB: t, db: kv.Open(memkv.New()), clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_772_366_400, 0)}), caller: &caller{}}
	ledger := work.NewLedger()
	timers := timer.New(timer.Options{DB: b.db, Owner: &timer.Owner{DB: b.db}, Model: b.clock, Ledger: ledger})
	s := ssm.New(ssm.Options{DB: b.db, Clock: b.clock, Timers: timers, Caller: b.caller, Events: func(tx *kv.Tx, c ssm.Change) error {
		tx.After(func(kv.Stamp) { b.changes = append(b.changes, c) })
		return nil
	}})
	b.api = s.API()
	b.front = awsapi.New(awsapi.Options{Services: []*awsapi.Service{s.API()}, Account: account, Region: region, Model: b.clock, Enforcement: awsapi.Off, Ledger: ledger})
	b.caller.front = b.front
	b.settler = &work.Settler{Ledger: ledger, DB: b.db, Clock: b.clock, Backlogs: []work.Backlog{timers}}
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
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

func (b *bed) pass(d time.Duration) {
	b.Helper()
	if err := b.clock.Set(b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
	if _, err := b.settler.Settle(b.Context(), 0, false); err != nil {
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

func (b *bed) put(name, value string) {
	b.Helper()
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: &name, Value: &value, Type: ptr("String"), Overwrite: ptr(true)})
}

// get is the value of a parameter, decrypted.
func (b *bed) get(name string) string {
	b.Helper()
	return *call(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: &name, WithDecryption: ptr(true)}).Parameter.Value
}

func TestNames(t *testing.T) {
	b := newBed(t)
	for name, code := range map[string]string{
		"a": "", "/a/b": "", "a.b-c_d": "", strings.Repeat("/l", 15): "",
		"a/b": "ValidationException", "aws": "ValidationException", "AWSthing": "ValidationException", "ssm": "ValidationException", "/ssm/x": "ValidationException",
		"/aws/x": "AccessDeniedException", "a b": "ValidationException", "/a//b": "ValidationException", "/a/": "ValidationException",
		strings.Repeat("/l", 16): "HierarchyLevelLimitExceededException",
	} {
		in := &shapes.PutParameterRequest{Name: &name, Value: ptr("v"), Type: ptr("String")}
		if code == "" {
			call(b, shapes.PutParameter, in)
			if got := b.get(name); got != "v" {
				t.Errorf("%s: %q", name, got)
			}
		} else {
			refuse(b, shapes.PutParameter, in, code)
		}
	}
	// One with a slash and one without are the same.
	refuse(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("/a"), Value: ptr("v"), Type: ptr("String")}, "ParameterAlreadyExists")
}

func TestVersions(t *testing.T) {
	b := newBed(t)
	for i := range 3 {
		b.put("/app/x", fmt.Sprint("v", i+1))
	}
	call(b, shapes.LabelParameterVersion, &shapes.LabelParameterVersionRequest{Name: ptr("/app/x"), ParameterVersion: ptr(int64(2)), Labels: []string{"prod"}})
	a := "arn:aws:ssm:eu-west-1:123456789012:parameter/app/x"
	for name, want := range map[string]string{"/app/x": "v3", "/app/x:1": "v1", "/app/x:prod": "v2", a: "v3", a + ":1": "v1"} {
		p := call(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: &name}).Parameter
		if *p.Value != want || *p.ARN != a || *p.Name != "/app/x" || (p.Selector != nil) != strings.Contains(strings.TrimPrefix(name, a), ":") {
			t.Errorf("%s: %q, %+v", name, *p.Value, p)
		}
	}
	refuse(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/app/x:9")}, "ParameterVersionNotFound")
	refuse(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/app/x:none")}, "ParameterVersionNotFound")
	refuse(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/app/y")}, "ParameterNotFound")
	// A label moves.
	out := call(b, shapes.LabelParameterVersion, &shapes.LabelParameterVersionRequest{Name: ptr("/app/x"), Labels: []string{"prod", "1st", "aws-x", "a/b"}})
	if d := cmp.Diff([]string{"1st", "aws-x", "a/b"}, out.InvalidLabels); d != "" || *out.ParameterVersion != 3 {
		t.Error(d)
	}
	if got := b.get("/app/x:prod"); got != "v3" {
		t.Errorf("%q", got)
	}
	var many []string
	for i := range 10 {
		many = append(many, fmt.Sprint("l", i))
	}
	refuse(b, shapes.LabelParameterVersion, &shapes.LabelParameterVersionRequest{Name: ptr("/app/x"), Labels: many}, "ParameterVersionLabelLimitExceeded")
	un := call(b, shapes.UnlabelParameterVersion, &shapes.UnlabelParameterVersionRequest{Name: ptr("/app/x"), ParameterVersion: ptr(int64(3)), Labels: []string{"prod", "none"}})
	if d := cmp.Diff([][]string{{"prod"}, {"none"}}, [][]string{un.RemovedLabels, un.InvalidLabels}); d != "" {
		t.Error(d)
	}
}

// A hundred versions are kept, of which the oldest goes unless it has a label.
func TestHistory(t *testing.T) {
	b := newBed(t)
	for i := range 101 {
		b.put("x", fmt.Sprint(i+1))
	}
	var values []string
	for next := (*string)(nil); ; {
		out := call(b, shapes.GetParameterHistory, &shapes.GetParameterHistoryRequest{Name: ptr("x"), NextToken: next})
		for _, h := range out.Parameters {
			values = append(values, *h.Value)
		}
		if next = out.NextToken; next == nil {
			break
		}
	}
	if len(values) != 100 || values[0] != "2" || values[99] != "101" {
		t.Errorf("%d: %v", len(values), values)
	}
	call(b, shapes.LabelParameterVersion, &shapes.LabelParameterVersionRequest{Name: ptr("x"), ParameterVersion: ptr(int64(2)), Labels: []string{"keep"}})
	refuse(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("x"), Value: ptr("v"), Overwrite: ptr(true)}, "ParameterMaxVersionLimitExceeded")
}

func TestPutChecks(t *testing.T) {
	b := newBed(t)
	long := strings.Repeat("x", 4097)
	for name, test := range map[string]struct {
		in   shapes.PutParameterRequest
		code string
	}{
		"no type":              {shapes.PutParameterRequest{}, "ValidationException"},
		"too long":             {shapes.PutParameterRequest{Type: ptr("String"), Value: &long}, "ValidationException"},
		"much too long":        {shapes.PutParameterRequest{Type: ptr("String"), Value: ptr(long + long), Tier: ptr("Advanced")}, "ValidationException"},
		"the pattern":          {shapes.PutParameterRequest{Type: ptr("String"), AllowedPattern: ptr(`\d+`)}, "ParameterPatternMismatchException"},
		"the pattern ahead":    {shapes.PutParameterRequest{Type: ptr("String"), AllowedPattern: ptr(`(?=.*\d).+`)}, "ParameterPatternMismatchException"},
		"no pattern":           {shapes.PutParameterRequest{Type: ptr("String"), AllowedPattern: ptr(`(`)}, "InvalidAllowedPatternException"},
		"the data type":        {shapes.PutParameterRequest{Type: ptr("String"), DataType: ptr("Text")}, "ValidationException"},
		"a key for a string":   {shapes.PutParameterRequest{Type: ptr("String"), KeyId: ptr("alias/x")}, "ValidationException"},
		"a policy of standard": {shapes.PutParameterRequest{Type: ptr("String"), Policies: ptr(`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}]`)}, "ValidationException"},
		"an unknown policy":    {shapes.PutParameterRequest{Type: ptr("String"), Tier: ptr("Advanced"), Policies: ptr(`[{"Type":"X"}]`)}, "InvalidPolicyTypeException"},
		"a past expiration":    {shapes.PutParameterRequest{Type: ptr("String"), Tier: ptr("Advanced"), Policies: ptr(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2020-01-01T00:00:00Z"}}]`)}, "InvalidPolicyAttributeException"},
		"tags of an old one":   {shapes.PutParameterRequest{Type: ptr("String"), Overwrite: ptr(true), Tags: []shapes.Tag{{Key: ptr("k"), Value: ptr("v")}}}, "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			test.in.Name = ptr("x")
			if test.in.Value == nil {
				test.in.Value = ptr("v")
			}
			refuse(b, shapes.PutParameter, &test.in, test.code)
		})
	}
	tier := func(in *shapes.PutParameterRequest) string { return *call(b, shapes.PutParameter, in).Tier }
	if got := tier(&shapes.PutParameterRequest{Name: ptr("t"), Type: ptr("String"), Value: ptr("v"), Tier: ptr("Intelligent-Tiering")}); got != "Standard" {
		t.Error(got)
	}
	if got := tier(&shapes.PutParameterRequest{Name: ptr("t"), Value: &long, Tier: ptr("Intelligent-Tiering"), Overwrite: ptr(true)}); got != "Advanced" {
		t.Error(got)
	}
	refuse(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("t"), Value: ptr("v"), Tier: ptr("Standard"), Overwrite: ptr(true)}, "ValidationException")
	refuse(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("t"), Value: ptr("v"), Type: ptr("StringList"), Overwrite: ptr(true)}, "HierarchyTypeMismatchException")
}

// A SecureString is encrypted by KMS, with the rights of the caller.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
func TestSecureString(t *testing.T) {
	b := newBed(t)
	const secret = "correct horse battery staple"
	for name, tier := range map[string]string{"/s/standard": "Standard", "/s/advanced": "Advanced"} {
		call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: &name, Value: ptr(secret), Type: ptr("SecureString"), Tier: &tier})
		if got := b.get(name); got != secret {
			t.Errorf("%s: %q", name, got)
		}
		raw := *call(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: &name}).Parameter.Value
		if strings.Contains(raw, secret) {
			t.Errorf("%s without decryption: %q", name, raw)
		}
	}
	slices.Sort(b.caller.via)
	if d := cmp.Diff([]string{
		"Decrypt ssm.eu-west-1.amazonaws.com", "Decrypt ssm.eu-west-1.amazonaws.com", "Encrypt ssm.eu-west-1.amazonaws.com", "GenerateDataKey ssm.eu-west-1.amazonaws.com",
	}, b.caller.via); d != "" {
		t.Error(d)
	}
	m := call(b, shapes.DescribeParameters, &shapes.DescribeParametersRequest{}).Parameters[0]
	if *m.KeyId != "alias/aws/ssm" {
		t.Errorf("%+v", m)
	}
	b.caller.fails = fault.New("DisabledException", "x is disabled.")
	refuse(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/s/standard"), WithDecryption: ptr(true)}, "InvalidKeyId")
	b.caller.fails = fault.New("AccessDenied", "no")
	refuse(b, shapes.GetParametersByPath, &shapes.GetParametersByPathRequest{Path: ptr("/s"), WithDecryption: ptr(true)}, "AccessDenied")
}

func TestByPath(t *testing.T) {
	b := newBed(t)
	for _, n := range []string{"/a/x", "/a/y", "/a/b/z", "/ab/x", "/a", "top"} {
		b.put(n, n)
	}
	list := func(path string, recursive bool, filters ...shapes.ParameterStringFilter) (names []string) {
		for next := (*string)(nil); ; {
			out := call(b, shapes.GetParametersByPath, &shapes.GetParametersByPathRequest{Path: &path, Recursive: &recursive, MaxResults: ptr(int32(2)), NextToken: next, ParameterFilters: filters})
			for _, p := range out.Parameters {
				names = append(names, *p.Name)
			}
			if next = out.NextToken; next == nil {
				return names
			}
		}
	}
	call(b, shapes.LabelParameterVersion, &shapes.LabelParameterVersionRequest{Name: ptr("/a/y"), Labels: []string{"prod"}})
	for _, test := range []struct {
		got, want []string
	}{
		{list("/a", false), []string{"/a/x", "/a/y"}},
		{list("/a/", true), []string{"/a/b/z", "/a/x", "/a/y"}},
		{list("/", false), []string{"/a", "top"}},
		{list("/none", true), nil},
		{list("/a", true, shapes.ParameterStringFilter{Key: ptr("Label"), Option: ptr("Equals"), Values: []string{"prod"}}), []string{"/a/y"}},
		{list("/a", true, shapes.ParameterStringFilter{Key: ptr("Label"), Values: []string{"none", "prod"}}), []string{"/a/y"}},
		{list("/a", true, shapes.ParameterStringFilter{Key: ptr("Type"), Values: []string{"StringList"}}), nil},
	} {
		if d := cmp.Diff(test.want, test.got); d != "" {
			t.Error(d)
		}
	}
	refuse(b, shapes.GetParametersByPath, &shapes.GetParametersByPathRequest{Path: ptr("a")}, "ValidationException")
	refuse(b, shapes.GetParametersByPath, &shapes.GetParametersByPathRequest{Path: ptr("/a"), ParameterFilters: []shapes.ParameterStringFilter{{Key: ptr("Name"), Values: []string{"x"}}}}, "InvalidFilterKey")
}

func TestDescribeAndDelete(t *testing.T) {
	b := newBed(t)
	for _, n := range []string{"/a/x", "/a/b/y", "plain"} {
		b.put(n, "v")
	}
	call(b, shapes.AddTagsToResource, &shapes.AddTagsToResourceRequest{ResourceType: ptr("Parameter"), ResourceId: ptr("/a/x"), Tags: []shapes.Tag{{Key: ptr("team"), Value: ptr("red")}}})
	for _, test := range []struct {
		key, option string
		values      []string
		want        []string
	}{
		{"Name", "Equals", []string{"plain"}, []string{"plain"}},
		{"Name", "BeginsWith", []string{"/a"}, []string{"/a/b/y", "/a/x"}},
		{"Name", "Contains", []string{"b"}, []string{"/a/b/y"}},
		{"Path", "Recursive", []string{"/a"}, []string{"/a/b/y", "/a/x"}},
		{"Path", "OneLevel", []string{"/a"}, []string{"/a/x"}},
		{"tag:team", "Equals", []string{"red", "blue"}, []string{"/a/x"}},
		{"Tier", "Equals", []string{"Advanced"}, nil},
	} {
		out := call(b, shapes.DescribeParameters, &shapes.DescribeParametersRequest{ParameterFilters: []shapes.ParameterStringFilter{{Key: &test.key, Option: &test.option, Values: test.values}}})
		var got []string
		for _, p := range out.Parameters {
			got = append(got, *p.Name)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s %s: %s", test.key, test.option, d)
		}
	}
	refuse(b, shapes.DescribeParameters, &shapes.DescribeParametersRequest{ParameterFilters: []shapes.ParameterStringFilter{{Key: ptr("Path"), Option: ptr("Equals"), Values: []string{"/a"}}}}, "InvalidFilterOption")
	refuse(b, shapes.ListTagsForResource, &shapes.ListTagsForResourceRequest{ResourceType: ptr("Parameter"), ResourceId: ptr("none")}, "InvalidResourceId")
	refuse(b, shapes.ListTagsForResource, &shapes.ListTagsForResourceRequest{ResourceType: ptr("Document"), ResourceId: ptr("/a/x")}, "InvalidResourceType")
	out := call(b, shapes.DeleteParameters, &shapes.DeleteParametersRequest{Names: []string{"/a/x", "none"}})
	if d := cmp.Diff([][]string{{"/a/x"}, {"none"}}, [][]string{out.DeletedParameters, out.InvalidParameters}); d != "" {
		t.Error(d)
	}
	refuse(b, shapes.DeleteParameter, &shapes.DeleteParameterRequest{Name: ptr("/a/x")}, "ParameterNotFound")
	b.put("/a/x", "again")
	if v := *call(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/a/x")}).Parameter.Version; v != 1 {
		t.Errorf("version %d of a new one", v)
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
func TestPolicies(t *testing.T) {
	b := newBed(t)
	at := b.clock.Now().Add(72 * time.Hour).Time().Format(time.RFC3339)
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("/p"), Value: ptr("v"), Type: ptr("String"), Tier: ptr("Advanced"), Policies: ptr(`[
		{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"` + at + `"}},
		{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"1","Unit":"Days"}},
		{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"12","Unit":"Hours"}}]`)})
	for range 3 {
		b.pass(24 * time.Hour)
	}
	var got []string
	for _, c := range b.changes {
		got = append(got, c.Operation)
	}
	if d := cmp.Diff([]string{"Create", "NoChangeNotification", "ExpirationNotification", "Delete"}, got); d != "" {
		t.Error(d)
	}
	refuse(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("/p")}, "ParameterNotFound")

	// A change begins the time without changes anew.
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("/q"), Value: ptr("v"), Type: ptr("String"), Tier: ptr("Advanced"), Policies: ptr(`[
		{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"12","Unit":"Hours"}}]`)})
	b.pass(8 * time.Hour)
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("/q"), Value: ptr("w"), Overwrite: ptr(true)})
	b.changes = nil
	b.pass(8 * time.Hour)
	if len(b.changes) != 0 {
		t.Errorf("%+v", b.changes)
	}
	b.pass(8 * time.Hour)
	if len(b.changes) != 1 {
		t.Errorf("%+v", b.changes)
	}
}

// What is put while another makes the parameter anew is put upon what there is then.
func TestPutWhileMadeAnew(t *testing.T) {
	b := newBed(t)
	put := func(kind, value string) *shapes.PutParameterRequest {
		return &shapes.PutParameterRequest{Name: ptr("x"), Value: &value, Type: &kind}
	}
	call(b, shapes.PutParameter, put("SecureString", "one"))
	b.caller.mean = func() {
		call(b, shapes.DeleteParameter, &shapes.DeleteParameterRequest{Name: ptr("x")})
		call(b, shapes.PutParameter, put("String", "open"))
	}
	call(b, shapes.PutParameter, &shapes.PutParameterRequest{Name: ptr("x"), Value: ptr("two"), Overwrite: ptr(true)})
	p := call(b, shapes.GetParameter, &shapes.GetParameterRequest{Name: ptr("x")}).Parameter
	if *p.Type != "String" || *p.Value != "two" || *p.Version != 2 {
		t.Errorf("%s %q, version %d", *p.Type, *p.Value, *p.Version)
	}
}
