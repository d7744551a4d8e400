package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

const (
	ttlOn  = `{"TableName":"plain","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}}`
	ttlOff = `{"TableName":"plain","TimeToLiveSpecification":{"Enabled":false,"AttributeName":"ttl"}}`
)

// putTTL puts an item that expires so much later.
func (c *cloud) putTTL(id string, in time.Duration) {
	c.t.Helper()
	c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":%q},"ttl":{"N":"%d"}}}`, id, c.clock.Now().Add(in).Unix()))
}

// left are the ids of the items that are there.
func (c *cloud) left() []string {
	c.t.Helper()
	var ids []string
	for _, item := range c.verify("plain") {
		ids = append(ids, item.Get("id").Str())
	}
	slices.Sort(ids)
	return ids
}

func (c *cloud) settledNow() work.Report {
	c.t.Helper()
	r, err := c.settle.Settle(c.ctx, 0, false)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// TestTTLEvicts: an item goes at its second of model time, with its entries of indexes and a stream record that says who
// deleted it. (localstack#10022: items with a time to live were never evicted.)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
func TestTTLEvicts(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", strings.Replace(streamed("plain", viewBoth), `[{"AttributeName":"id","AttributeType":"S"}]`,
		`[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"ttl","AttributeType":"N"}],
		"GlobalSecondaryIndexes":[{"IndexName":"byttl","KeySchema":[{"AttributeName":"ttl","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]`, 1))
	c.do("UpdateTimeToLive", ttlOn)
	c.putTTL("b", 2*time.Hour)
	c.putTTL("a", time.Hour)
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"stays"}}}`)
	if r := c.settledNow(); r.Next != c.clock.Now().Add(time.Hour) || r.Ready != 0 {
		t.Errorf("settled with %d ready and the next at %s", r.Ready, r.Next)
	}
	c.advanceTo(time.Hour - time.Second)
	if got := c.left(); len(got) != 3 {
		t.Errorf("a second too early: %q", got)
	}
	c.advanceTo(time.Second)
	if got := c.left(); !slices.Equal(got, []string{"b", "stays"}) {
		t.Errorf("after an hour: %q", got)
	}
	c.advanceTo(24 * time.Hour)
	if got := c.left(); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("after a day: %q", got)
	}
	f := c.stream("plain")
	p := f.page(f.iterator("TRIM_HORIZON", ""), "")
	removed := p.Records[len(p.Records)-1]
	if removed.EventName != "REMOVE" || removed.UserIdentity == nil || removed.UserIdentity.Type != "Service" || removed.UserIdentity.PrincipalId != "dynamodb.amazonaws.com" {
		t.Errorf("the record of the deletion: %+v", removed)
	}
	if r := c.settledNow(); !r.Next.IsZero() {
		t.Errorf("something expires at %s", r.Next)
	}
}

// Which values are times, and which are too old.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
func TestTTLValues(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", plainTable)
	c.do("UpdateTimeToLive", ttlOn)
	now := c.clock.Now().Time()
	for id, ttl := range map[string]string{
		"gone-past":     fmt.Sprintf(`{"N":"%d"}`, now.Add(-time.Hour).Unix()),
		"gone-now":      fmt.Sprintf(`{"N":"%d"}`, now.Unix()),
		"gone-fraction": fmt.Sprintf(`{"N":"%d.75"}`, now.Unix()),
		"gone-five":     fmt.Sprintf(`{"N":"%d"}`, now.AddDate(-5, 0, 1).Unix()),
		"stays-old":     fmt.Sprintf(`{"N":"%d"}`, now.AddDate(-5, 0, 0).Unix()),
		"stays-older":   `{"N":"0"}`,
		"stays-minus":   `{"N":"-1"}`,
		"stays-string":  fmt.Sprintf(`{"S":"%d"}`, now.Unix()),
		"stays-list":    fmt.Sprintf(`{"L":[{"N":"%d"}]}`, now.Unix()),
		"stays-future":  fmt.Sprintf(`{"N":"%d"}`, now.Add(time.Second).Unix()),
		"stays-millis":  fmt.Sprintf(`{"N":"%d"}`, now.UnixMilli()),
		"stays-huge":    `{"N":"1E100"}`,
		"stays-2262":    fmt.Sprintf(`{"N":"%d"}`, lastSecond+1),
	} {
		c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"`+id+`"},"ttl":`+ttl+`}}`)
	}
	c.settledNow()
	got := c.left()
	if len(got) != 9 || slices.ContainsFunc(got, func(id string) bool { return !strings.HasPrefix(id, "stays-") }) {
		t.Errorf("left: %q", got)
	}
}

// An item that gets another time goes at that time, and one that gets none stays.
func TestTTLChanges(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", plainTable)
	c.do("UpdateTimeToLive", ttlOn)
	for _, id := range []string{"later", "earlier", "never", "deleted", "same"} {
		c.putTTL(id, time.Hour)
	}
	c.putTTL("later", 2*time.Hour)
	c.putTTL("earlier", time.Minute)
	c.do("UpdateItem", `{"TableName":"plain","Key":{"id":{"S":"never"}},"UpdateExpression":"REMOVE #t","ExpressionAttributeNames":{"#t":"ttl"}}`)
	c.do("UpdateItem", `{"TableName":"plain","Key":{"id":{"S":"same"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"S":"v"}}}`)
	c.do("DeleteItem", `{"TableName":"plain","Key":{"id":{"S":"deleted"}}}`)
	c.advanceTo(time.Minute)
	if got := c.left(); !slices.Equal(got, []string{"later", "never", "same"}) {
		t.Errorf("after a minute: %q", got)
	}
	c.advanceTo(time.Hour)
	if got := c.left(); !slices.Equal(got, []string{"later", "never"}) {
		t.Errorf("after an hour: %q", got)
	}
	c.advanceTo(time.Hour)
	if got := c.left(); !slices.Equal(got, []string{"never"}) {
		t.Errorf("after two hours: %q", got)
	}
	c.noExpiries(1)
}

// noExpiries checks that nothing stands in the order of expiry of a table.
func (c *cloud) noExpiries(id uint64) {
	c.t.Helper()
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for p, err := range sn.Scan(layoutOf(testCell, id).expiries(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			c.t.Errorf("still to expire: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
func TestUpdateTimeToLive(t *testing.T) {
	c := newCloud(t)
	c.ctx = awsapi.With(c.ctx, &awsapi.Call{Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount), SourceIP: "127.0.0.1"})
	c.runTimers()
	c.do("CreateTable", plainTable)
	c.putTTL("a", 2*time.Hour)
	other := strings.Replace(ttlOn, `"ttl"`, `"x"`, 1)
	const tooSoon = "ValidationException: Time to live has been modified multiple times within a fixed interval"
	for _, tt := range []struct {
		after    time.Duration
		op, want string
		status   string
	}{
		{0, ttlOff, "ValidationException: TimeToLive is already disabled", `{"TimeToLiveStatus":"DISABLED"}`},
		{0, ttlOn, `{"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}}`, `{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}`},
		{0, ttlOn, "ValidationException: TimeToLive is already enabled", `{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}`},
		{0, other, "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is ttl", `{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}`},
		{0, strings.Replace(ttlOff, `"ttl"`, `"x"`, 1), "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is ttl", `{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}`},
		{59 * time.Minute, ttlOff, tooSoon, `{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}`},
		{time.Minute, ttlOff, `{"TimeToLiveSpecification":{"Enabled":false,"AttributeName":"ttl"}}`, `{"TimeToLiveStatus":"DISABLED"}`},
		{59 * time.Minute, other, tooSoon, `{"TimeToLiveStatus":"DISABLED"}`},
		{time.Minute, other, `{"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"x"}}`, `{"TimeToLiveStatus":"ENABLED","AttributeName":"x"}`},
	} {
		c.advanceTo(tt.after)
		if got := c.try("UpdateTimeToLive", tt.op); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.op, got, tt.want)
		}
		if got := c.do("DescribeTimeToLive", `{"TableName":"plain"}`); got != `{"TimeToLiveDescription":`+tt.status+`}` {
			t.Errorf("after %s: %s", tt.op, got)
		}
	}
	c.advanceTo(24 * time.Hour)
	if got := c.left(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("without a time to live: %q", got)
	}
	c.noExpiries(1)
}

// Random times to live, with the clock going on: what is over is gone, nothing else is, and the stream tells it.
func TestRandomExpiry(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", strings.Replace(ordersTable, `"orders"`, `"plain"`, 1))
	c.do("UpdateTimeToLive", ttlOn)
	const key = `"h":{"S":"%d"},"r":{"N":"1"}`
	expires := map[int]clock.Instant{} // 0 for never
	for step := range 300 {
		id := r.IntN(12)
		at := c.clock.Now().Add(time.Duration(r.IntN(100)-10) * time.Second)
		switch r.IntN(6) {
		case 0, 1:
			c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{`+key+`,"g":{"S":"g"},"ttl":{"N":"%d"}}}`, id, at.Unix()))
			expires[id] = at
		case 2:
			c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{`+key+`,"l":{"S":"l"}}}`, id))
			expires[id] = 0
		case 3:
			c.do("DeleteItem", fmt.Sprintf(`{"TableName":"plain","Key":{`+key+`}}`, id))
			delete(expires, id)
		case 4:
			c.do("UpdateItem", fmt.Sprintf(`{"TableName":"plain","Key":{`+key+`},"UpdateExpression":"SET #t = :t","ExpressionAttributeNames":{"#t":"ttl"},
				"ExpressionAttributeValues":{":t":{"N":"%d"}}}`, id, at.Unix()))
			expires[id] = at
		default:
			c.advanceTo(time.Duration(r.IntN(30)) * time.Second)
		}
		c.settledNow()
		for id, at := range expires {
			if !at.IsZero() && at.Unix() <= c.clock.Now().Unix() {
				delete(expires, id)
			}
		}
		items := c.verify("plain")
		for _, item := range items {
			var id int
			fmt.Sscan(item.Get("h").Str(), &id)
			if _, ok := expires[id]; !ok {
				t.Errorf("%d is still there", id)
			}
		}
		if len(items) != len(expires) {
			t.Errorf("%d items, want %d", len(items), len(expires))
		}
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, step)
		}
	}
	c.checkStream(nil)
}

// An item that is renewed at the instant at which it expires is there afterwards or is not, but its stream leads there.
func TestRenewedWhileExpiring(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", streamed("plain", viewBoth))
	c.do("UpdateTimeToLive", ttlOn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 60 {
			c.advance(time.Second)
			c.settle.Look(c.ctx, 0, false)
		}
	}()
	together(4, func(w int) {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				c.putTTL(fmt.Sprint(i%5), time.Duration(w%2)*time.Second)
			}
		}
	})
	c.settledNow()
	c.checkStream(nil)
}

// A stack can take back what it has done.
func TestUpdateTimeToLiveByStack(t *testing.T) {
	c := newCloud(t) // calls come from inside
	c.do("CreateTable", plainTable)
	for range 2 {
		c.do("UpdateTimeToLive", ttlOn)
		c.do("UpdateTimeToLive", ttlOff)
	}
}

// A table of many items is ENABLING until all have been looked at, by whichever process; those that were there expire
// like those that come.
func TestTTLOfManyItems(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	for i := range 2*fillStep + 10 {
		c.putTTL(fmt.Sprint("old-", i), time.Hour)
	}
	c.s.Stop() // nothing goes on in the background: the process ends here
	c.do("UpdateTimeToLive", ttlOn)
	if got := field(t, c.do("DescribeTimeToLive", `{"TableName":"plain"}`), "TimeToLiveDescription", "TimeToLiveStatus"); got != "ENABLING" {
		t.Errorf("status %s", got)
	}
	for i := range 10 { // while it is being filled
		c.putTTL(fmt.Sprint("old-", i*50), 2*time.Hour)
		c.putTTL(fmt.Sprint("new-", i), time.Hour)
	}
	next := c.again()
	next.runTimers()
	if err := next.s.Start(next.ctx); err != nil {
		t.Fatal(err)
	}
	next.settledNow()
	if got := field(t, next.do("DescribeTimeToLive", `{"TableName":"plain"}`), "TimeToLiveDescription", "TimeToLiveStatus"); got != "ENABLED" {
		t.Errorf("status %s", got)
	}
	next.advanceTo(time.Hour)
	if got := next.left(); len(got) != 10 {
		t.Errorf("after an hour: %d are left", len(got))
	}
	next.advanceTo(time.Hour)
	if got := next.left(); len(got) != 0 {
		t.Errorf("after two hours: %d are left", len(got))
	}
	next.noExpiries(1)
}

// Of a table that is deleted nothing expires any more, nor of its namesake.
func TestTTLOfDeletedTable(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", plainTable)
	c.do("UpdateTimeToLive", ttlOn)
	c.putTTL("a", time.Hour)
	c.do("DeleteTable", `{"TableName":"plain"}`)
	c.do("CreateTable", plainTable)
	c.putTTL("a", time.Hour)
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for p, err := range sn.Scan(catalogOf(testCell).allExpiring(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			t.Errorf("still among the tables whose items expire: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := c.settledNow(); !r.Next.IsZero() {
		t.Errorf("something is due at %s", r.Next)
	}
	c.advanceTo(2 * time.Hour)
	if got := c.left(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("left: %q", got)
	}
}

// What is due and cannot be done yet keeps the cloud from being settled.
func TestTTLDueIsReady(t *testing.T) {
	c := newCloud(t) // its timers do not run
	c.do("CreateTable", plainTable)
	c.do("UpdateTimeToLive", ttlOn)
	c.putTTL("a", -time.Minute)
	r, err := c.settle.Look(c.ctx, 0, false)
	if err != nil || r.Settled || r.Ready != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzWholeNumber(f *testing.F) {
	for _, s := range []string{"0", "1795301973", "1.5", "-3", "9223372036854775807", "1E20"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := attr.ParseNumber(s)
		if err != nil {
			return
		}
		whole, ok := wholeNumber(n)
		if !ok {
			return
		}
		text, _, _ := strings.Cut(n.String(), ".")
		if got := fmt.Sprint(whole); got != text {
			t.Errorf("%s is %s", n, got)
		}
	})
}
