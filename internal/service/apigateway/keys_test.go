package apigateway_test

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

const (
	keyOfAna = "ana-ana-ana-ana-ana-ana"
	keyOfBo  = "bo-bo-bo-bo-bo-bo-bo-bo"
)

// private leads a method that wants a key to the function.
func (b *bed) private(method, path string) {
	b.Helper()
	b.route(method, path, func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) { m.ApiKeyRequired = ptr(true) })
}

// plan makes a usage plan for stage dev, with the keys of Ana and Bo, and
// returns the ids of all three.
func (b *bed) plan(put func(*shapes.CreateUsagePlanRequest)) (plan, ana, bo *string) {
	b.Helper()
	in := &shapes.CreateUsagePlanRequest{Name: ptr("plan"), ApiStages: []shapes.ApiStage{{ApiId: &b.api, Stage: ptr("dev")}}}
	put(in)
	plan = do(b, shapes.CreateUsagePlan, in).Id
	key := func(name, v string) *string {
		id := do(b, shapes.CreateApiKey, &shapes.CreateApiKeyRequest{Name: &name, Value: &v, Enabled: ptr(true)}).Id
		do(b, shapes.CreateUsagePlanKey, &shapes.CreateUsagePlanKeyRequest{UsagePlanId: plan, KeyId: id, KeyType: ptr("API_KEY")})
		return id
	}
	return plan, key("ana", keyOfAna), key("bo", keyOfBo)
}

// get is the status of a request with a key.
func (b *bed) get(path, key string) int {
	b.Helper()
	return b.request("GET", path, "", "X-Api-Key: "+key).StatusCode
}

func TestKeys(t *testing.T) {
	b := open(t)
	b.private("GET", "/private")
	b.route("GET", "/public")
	b.deploy()
	plan, ana, _ := b.plan(func(*shapes.CreateUsagePlanRequest) {})
	do(b, shapes.CreateApiKey, &shapes.CreateApiKeyRequest{Name: ptr("eve"), Value: ptr("eve-eve-eve-eve-eve-eve"), Enabled: ptr(true)})
	const forbidden = "Forbidden\nContent-Length: 23\nContent-Type: application/json\nX-Amzn-Errortype: ForbiddenException\n\n" + `{"message":"Forbidden"}`
	if d := cmp.Diff(forbidden, described(b.request("GET", "/private", ""))); d != "" {
		t.Error(d)
	}
	change := func(op, path, value string) {
		do(b, shapes.UpdateApiKey, &shapes.UpdateApiKeyRequest{ApiKey: ana, PatchOperations: []shapes.PatchOperation{{Op: &op, Path: &path, Value: &value}}})
	}
	for _, s := range []struct {
		name, path, key string
		want            int
		before          func()
	}{
		{"no key is needed", "/public", "", 200, nil},
		{"a key", "/private", keyOfAna, 200, nil},
		{"nobody's key", "/private", "nobody", 403, nil},
		{"a key without the plan", "/private", "eve-eve-eve-eve-eve-eve", 403, nil},
		{"switched off", "/private", keyOfAna, 403, func() { change("replace", "/enabled", "false") }},
		{"switched on", "/private", keyOfAna, 200, func() { change("replace", "/enabled", "true") }},
		{"taken out of the plan", "/private", keyOfAna, 403, func() {
			do(b, shapes.DeleteUsagePlanKey, &shapes.DeleteUsagePlanKeyRequest{UsagePlanId: plan, KeyId: ana})
		}},
	} {
		if s.before != nil {
			s.before()
		}
		if got := b.get(s.path, s.key); got != s.want {
			t.Errorf("%s: %d, want %d", s.name, got, s.want)
		}
	}
	b.get("/private", keyOfBo)
	if event := b.function.events[len(b.function.events)-1]; !strings.Contains(event, `"apiKey":"`+keyOfBo+`","apiKeyId":"`) {
		t.Errorf("the event has no key: %s", event)
	}
}

// TestKeyOfAuthorizer: where the API says so, the authorizer tells the key.
func TestKeyOfAuthorizer(t *testing.T) {
	b := open(t)
	do(b, shapes.UpdateRestApi, &shapes.UpdateRestApiRequest{RestApiId: &b.api, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/apiKeySource"), Value: ptr("AUTHORIZER")},
	}})
	id := b.authorizer()
	b.route("GET", "/", func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
		m.AuthorizationType, m.AuthorizerId, m.ApiKeyRequired = ptr("CUSTOM"), id, ptr(true)
	})
	b.deploy()
	b.plan(func(*shapes.CreateUsagePlanRequest) {})
	b.function.verdict = always(verdict("Allow", "*", `,"usageIdentifierKey":"`+keyOfAna+`"`), nil)
	if got := b.request("GET", "/", "", "Authorization: x").StatusCode; got != 200 {
		t.Errorf("with the authorizer's key: %d", got)
	}
	b.function.verdict = always(verdict("Allow", "*", ""), nil)
	if got := b.request("GET", "/", "", "Authorization: y", "X-Api-Key: "+keyOfAna).StatusCode; got != 403 {
		t.Errorf("with a key in the header only: %d", got)
	}
}

func TestThrottles(t *testing.T) {
	b := open(t)
	b.private("GET", "/a")
	b.private("GET", "/b")
	b.private("GET", "/d")
	b.route("GET", "/c/{id}")
	b.deploy()
	b.plan(func(in *shapes.CreateUsagePlanRequest) {
		in.Throttle = &shapes.ThrottleSettings{RateLimit: ptr(2.0), BurstLimit: ptr(int32(3))}
		in.ApiStages[0].Throttle = map[string]shapes.ThrottleSettings{
			"/b/GET": {RateLimit: ptr(1.0), BurstLimit: ptr(int32(1))}, "/d/GET": {RateLimit: ptr(1.0), BurstLimit: ptr(int32(1))},
		}
	})
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{RestApiId: &b.api, StageName: ptr("dev"), PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/c~1{id}/GET/throttling/rateLimit"), Value: ptr("0.5")},
		{Op: ptr("replace"), Path: ptr("/c~1{id}/GET/throttling/burstLimit"), Value: ptr("2")},
	}})
	times := func(path, key string, n int) (ok int) {
		for range n {
			if b.get(path, key) == 200 {
				ok++
			}
		}
		return ok
	}
	for _, s := range []struct {
		name, path, key string
		want            int
		wait            time.Duration
	}{
		{"a burst", "/a", keyOfAna, 3, 0},
		{"nothing is left", "/a", keyOfAna, 0, 0},
		{"another key has its own", "/a", keyOfBo, 3, 0},
		{"half a second is a token", "/a", keyOfAna, 1, 500 * time.Millisecond},
		{"a method has less", "/b", keyOfAna, 1, time.Hour},
		{"and another as little again", "/d", keyOfAna, 1, 0},
		{"a method of the stage, everybody's", "/c/1", "", 2, 0},
		{"and another path of it", "/c/2", "", 0, 0},
		{"two seconds later", "/c/2", "", 1, 2 * time.Second},
	} {
		b.pass(s.wait)
		if got := times(s.path, s.key, 5); got != s.want {
			t.Errorf("%s: %d of 5, want %d", s.name, got, s.want)
		}
	}
	want := "Too Many Requests\nContent-Length: 31\nContent-Type: application/json\nX-Amzn-Errortype: TooManyRequestsException\n\n" + `{"message":"Too Many Requests"}`
	if d := cmp.Diff(want, described(b.request("GET", "/c/1", ""))); d != "" {
		t.Error(d)
	}
}

// TestQuotas counts requests by days of the model's clock.
//
// Mutations that make it fail: a quota that nothing is taken from, that never
// begins anew, or that does not notice that its plan has changed; weeks without
// their offset.
func TestQuotas(t *testing.T) {
	b := open(t)
	b.private("GET", "/")
	b.deploy()
	plan, ana, _ := b.plan(func(in *shapes.CreateUsagePlanRequest) {
		in.Quota = &shapes.QuotaSettings{Limit: ptr(int32(3)), Period: ptr("WEEK"), Offset: ptr(int32(1))}
	})
	use := func(n int) (ok int) {
		for range n {
			if b.get("/", keyOfAna) == 200 {
				ok++
			}
		}
		return ok
	}
	// It is a Sunday, and the week begins on Monday.
	if got := use(5); got != 3 {
		t.Fatalf("%d of 5 on Sunday", got)
	}
	want := "Too Many Requests\nContent-Length: 28\nContent-Type: application/json\nX-Amzn-Errortype: LimitExceededException\n\n" + `{"message":"Limit Exceeded"}`
	if d := cmp.Diff(want, described(b.request("GET", "/", "", "X-Api-Key: "+keyOfAna))); d != "" {
		t.Error(d)
	}
	do(b, shapes.UpdateUsage, &shapes.UpdateUsageRequest{UsagePlanId: plan, KeyId: ana, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/remaining"), Value: ptr("2")},
	}})
	if got := use(5); got != 2 {
		t.Errorf("%d of 5 after the extension", got)
	}
	b.pass(24 * time.Hour)
	if got := use(2); got != 2 {
		t.Errorf("%d of 2 on Monday", got)
	}
	do(b, shapes.UpdateUsagePlan, &shapes.UpdateUsagePlanRequest{UsagePlanId: plan, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/quota/limit"), Value: ptr("4")},
	}})
	b.pass(24 * time.Hour)
	if got := use(5); got != 2 {
		t.Errorf("%d of 5 on Tuesday, with one more allowed", got)
	}
	usage := do(b, shapes.GetUsage, &shapes.GetUsageRequest{UsagePlanId: plan, KeyId: ana, StartDate: ptr("2026-02-28"), EndDate: ptr("2026-03-03")})
	if d := cmp.Diff(map[string][][]int64{*ana: {{0, 6}, {5, 1}, {2, 2}, {2, 0}}}, usage.Items); d != "" {
		t.Error(d)
	}
}

// TestQuotaPeriods: a month begins on the day that the offset says.
func TestQuotaPeriods(t *testing.T) {
	for _, tt := range []struct {
		period string
		offset int32
		days   int // until the quota begins anew, from the first of March
	}{{"DAY", 0, 1}, {"WEEK", 0, 7}, {"WEEK", 3, 3}, {"MONTH", 0, 31}, {"MONTH", 9, 9}} {
		t.Run(tt.period+strconv.Itoa(int(tt.offset)), func(t *testing.T) {
			b := open(t)
			b.private("GET", "/")
			b.deploy()
			b.plan(func(in *shapes.CreateUsagePlanRequest) {
				in.Quota = &shapes.QuotaSettings{Limit: ptr(int32(1)), Period: &tt.period, Offset: &tt.offset}
			})
			if got := b.get("/", keyOfAna); got != 200 {
				t.Fatal(got)
			}
			for day := range tt.days {
				if got := b.get("/", keyOfAna); got != 429 {
					t.Errorf("%d after %d days", got, day)
				}
				b.pass(24 * time.Hour)
			}
			if got := b.get("/", keyOfAna); got != 200 {
				t.Errorf("%d after %d days", got, tt.days)
			}
		})
	}
}

// TestQuotaOfMany: however many ask at once, and whatever happens in between,
// a quota is given out once.
//
// Mutation that makes it fail: a quota that is whole again after a restart.
func TestQuotaOfMany(t *testing.T) {
	b := open(t)
	b.private("GET", "/")
	b.deploy()
	plan, ana, _ := b.plan(func(in *shapes.CreateUsagePlanRequest) {
		in.Quota = &shapes.QuotaSettings{Limit: ptr(int32(50)), Period: ptr("DAY")}
	})
	crowd := func() (ok int64) {
		var n atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					if b.get("/", keyOfAna) == 200 {
						n.Add(1)
					}
				}
			})
		}
		all.Wait()
		return n.Load()
	}
	if got := crowd(); got != 40 {
		t.Errorf("%d of 40", got)
	}
	b.start()
	if got := crowd(); got != 10 {
		t.Errorf("%d of 40 after a restart, want the 10 that were left", got)
	}
	usage := do(b, shapes.GetUsage, &shapes.GetUsageRequest{UsagePlanId: plan, KeyId: ana, StartDate: ptr("2026-03-01"), EndDate: ptr("2026-03-01")})
	if d := cmp.Diff(map[string][][]int64{*ana: {{50, 0}}}, usage.Items); d != "" {
		t.Error(d)
	}
}

// A key that is made while others are, has the stages that were asked for, each
// once.
func TestKeysOfStagesAreMadeTogether(t *testing.T) {
	b := open(t)
	b.route("GET", "/")
	b.deploy()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			k := do(b, shapes.CreateApiKey, &shapes.CreateApiKeyRequest{
				Name: ptr("k" + strconv.Itoa(i)), StageKeys: []shapes.StageKey{{RestApiId: &b.api, StageName: ptr("dev")}},
			})
			if diff := cmp.Diff([]string{b.api + "/dev"}, k.StageKeys); diff != "" {
				t.Errorf("stages of a key (-want +got):\n%s", diff)
			}
		})
	}
	wg.Wait()
}

// A key that leaves a plan and comes back begins anew: neither its use nor what
// was added to its quota is left.
func TestAKeyThatComesBackBeginsAnew(t *testing.T) {
	b := open(t)
	b.private("GET", "/")
	b.deploy()
	plan, ana, _ := b.plan(func(in *shapes.CreateUsagePlanRequest) {
		in.Quota = &shapes.QuotaSettings{Limit: ptr(int32(10)), Period: ptr("MONTH")}
	})
	do(b, shapes.UpdateUsage, &shapes.UpdateUsageRequest{UsagePlanId: plan, KeyId: ana, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/remaining"), Value: ptr("1000")},
	}})
	do(b, shapes.DeleteUsagePlanKey, &shapes.DeleteUsagePlanKeyRequest{UsagePlanId: plan, KeyId: ana})
	do(b, shapes.CreateUsagePlanKey, &shapes.CreateUsagePlanKeyRequest{UsagePlanId: plan, KeyId: ana, KeyType: ptr("API_KEY")})
	out := do(b, shapes.GetUsage, &shapes.GetUsageRequest{UsagePlanId: plan, KeyId: ana, StartDate: ptr("2026-03-01"), EndDate: ptr("2026-03-01")})
	if diff := cmp.Diff([][]int64{{0, 10}}, out.Items[*ana]); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}
