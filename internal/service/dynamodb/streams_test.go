package dynamodb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/kv"
)

// streamed is a CreateTable of a table with the key id and a stream.
func streamed(name, view string) string {
	return strings.Replace(strings.Replace(plainTable, `"plain"`, `"`+name+`"`, 1), `"BillingMode"`,
		`"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"`+view+`"},"BillingMode"`, 1)
}

// feed is a table's stream, as readers see it.
type testFeed struct {
	*cloud
	arn, shard string
}

func (c *cloud) stream(table string) *testFeed {
	c.t.Helper()
	arn, _ := field(c.t, c.do("DescribeTable", `{"TableName":"`+table+`"}`), "Table", "LatestStreamArn").(string)
	f := &testFeed{cloud: c, arn: arn}
	f.shard = f.describe().Shards[0].ShardId
	return f
}

type streamDescription struct {
	StreamStatus string
	Shards       []struct {
		ShardId             string
		SequenceNumberRange struct{ StartingSequenceNumber, EndingSequenceNumber string }
	}
}

func (f *testFeed) describe() streamDescription {
	f.t.Helper()
	var out struct{ StreamDescription streamDescription }
	f.decode(f.do("DescribeStream", `{"StreamArn":"`+f.arn+`"}`), &out)
	return out.StreamDescription
}

func (f *testFeed) decode(text string, into any) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		f.t.Fatalf("%s: %v", text, err)
	}
}

// iterator is GetShardIterator; more is more of its request.
func (f *testFeed) iterator(kind, more string) string {
	f.t.Helper()
	text := f.try("GetShardIterator", fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":%q%s}`, f.arn, f.shard, kind, more))
	if !strings.HasPrefix(text, "{") {
		return text
	}
	return field(f.t, text, "ShardIterator").(string)
}

type streamPage struct {
	Records []struct {
		EventID, EventName string
		Dynamodb           struct {
			Keys           map[string]map[string]string
			SequenceNumber string
		}
		UserIdentity *struct{ PrincipalId, Type string }
	}
	NextShardIterator string
}

func (f *testFeed) page(iterator, more string) streamPage {
	f.t.Helper()
	var out streamPage
	f.decode(f.do("GetRecords", fmt.Sprintf(`{"ShardIterator":%q%s}`, iterator, more)), &out)
	return out
}

// read is all that is after an iterator, as "EVENT id", and the iterator after it.
func (f *testFeed) read(iterator string) (events []string, next string) {
	f.t.Helper()
	for {
		p := f.page(iterator, `,"Limit":2`)
		for _, r := range p.Records {
			events = append(events, r.EventName+" "+r.Dynamodb.Keys["id"]["S"])
		}
		if len(p.Records) == 0 || p.NextShardIterator == "" {
			return events, p.NextShardIterator
		}
		iterator = p.NextShardIterator
	}
}

func (c *cloud) advance(d time.Duration) {
	c.t.Helper()
	if err := c.clock.Set(c.clock.Now().Add(d)); err != nil {
		c.t.Fatal(err)
	}
}

// TestGetRecords holds a record of each kind to its documented form.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
func TestGetRecords(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("orders", viewBoth))
	f := c.stream("orders")
	c.do("PutItem", `{"TableName":"orders","Item":{"id":{"S":"a"},"n":{"N":"1"}}}`)
	c.do("UpdateItem", `{"TableName":"orders","Key":{"id":{"S":"a"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"2"}}}`)
	c.do("DeleteItem", `{"TableName":"orders","Key":{"id":{"S":"a"}}}`)
	text := c.do("GetRecords", `{"ShardIterator":"`+f.iterator("TRIM_HORIZON", "")+`"}`)
	records := field(t, text, "Records").([]any)
	var last string
	for _, r := range records {
		r := r.(map[string]any)
		d := r["dynamodb"].(map[string]any)
		if number := d["SequenceNumber"].(string); number <= last || len(number) < 21 || len(number) > 40 {
			t.Errorf("sequence number %s after %s", number, last)
		} else {
			last = number
		}
		if id := r["eventID"].(string); len(id) != 32 {
			t.Errorf("eventID %s", id)
		}
		delete(d, "SequenceNumber")
		delete(r, "eventID")
	}
	image := func(n string) string { return `{"id":{"S":"a"},"n":{"N":"` + n + `"}}` }
	rec := func(name string, size int, images string) string {
		return fmt.Sprintf(`{"eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{
			"ApproximateCreationDateTime":1795301973,"Keys":{"id":{"S":"a"}},%s,"SizeBytes":%d,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`, name, images, size)
	}
	want := decoded(t, "["+strings.Join([]string{
		rec("INSERT", 9, `"NewImage":`+image("1")),
		rec("MODIFY", 15, `"NewImage":`+image("2")+`,"OldImage":`+image("1")),
		rec("REMOVE", 9, `"OldImage":`+image("2")),
	}, ",")+"]")
	if d := cmp.Diff(want, any(records)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Where readers begin, and where they go on.
func TestShardIterators(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	put := func(ids ...string) {
		for _, id := range ids {
			c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"`+id+`"}}}`)
		}
	}
	put("a", "b")
	latest := f.iterator("LATEST", "")
	put("c")
	c.do("TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"plain","Key":{"id":{"S":"a"}}}},{"Put":{"TableName":"plain","Item":{"id":{"S":"d"}}}}]}`)
	c.do("BatchWriteItem", `{"RequestItems":{"plain":[{"PutRequest":{"Item":{"id":{"S":"e"}}}}]}}`)
	c.do("ExecuteStatement", `{"Statement":"DELETE FROM \"plain\" WHERE id = 'e'"}`)
	all := []string{"INSERT a", "INSERT b", "INSERT c", "REMOVE a", "INSERT d", "INSERT e", "REMOVE e"}
	check := func(what, iterator string, want []string) {
		t.Helper()
		got, next := f.read(iterator)
		if !slices.Equal(got, want) || next == "" {
			t.Errorf("%s: %q, want %q; next %q", what, got, want, next)
		}
	}
	check("the oldest", f.iterator("TRIM_HORIZON", ""), all)
	check("the latest", latest, all[2:])
	whole := f.page(f.iterator("TRIM_HORIZON", ""), "")
	for i, r := range whole.Records {
		number := `,"SequenceNumber":"` + r.Dynamodb.SequenceNumber + `"`
		check("at", f.iterator("AT_SEQUENCE_NUMBER", number), all[i:])
		check("after", f.iterator("AFTER_SEQUENCE_NUMBER", number), all[i+1:])
	}
	// The same record has the same id and number for every reader.
	if d := cmp.Diff(whole.Records, f.page(f.iterator("TRIM_HORIZON", ""), "").Records); d != "" {
		t.Errorf("read again:\n%s", d)
	}
	// An empty page leads on to what comes.
	end := whole.NextShardIterator
	if p := f.page(end, ""); len(p.Records) != 0 {
		t.Errorf("after the end: %+v", p)
	} else {
		put("f")
		check("what came", p.NextShardIterator, []string{"INSERT f"})
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
func TestStreamErrors(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	c.do("CreateTable", streamed("other", viewKeys))
	f, other := c.stream("plain"), c.stream("other")
	const missing = "arn:aws:dynamodb:eu-west-1:123456789012:table/plain/stream/2020-01-01T00:00:00.000"
	noStream := "ResourceNotFoundException: Requested resource not found: Stream: " + missing + " not found"
	iterate := func(arn, shard, more string) string {
		return fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q%s}`, arn, shard, more)
	}
	at := func(number string) string {
		return `,"ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"` + number + `"`
	}
	for _, tt := range []struct{ op, in, want string }{
		{"DescribeStream", `{"StreamArn":"` + missing + `"}`, noStream},
		{"DescribeStream", `{"StreamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/plain"}`, "ValidationException: Invalid StreamArn"},
		{"DescribeStream", `{"StreamArn":"` + strings.Replace(f.arn, "eu-west-1", "us-east-1", 1) + `"}`,
			"ResourceNotFoundException: Requested resource not found: Stream: " + strings.Replace(f.arn, "eu-west-1", "us-east-1", 1) + " not found"},
		{"DescribeStream", `{"StreamArn":"` + f.arn + `","Limit":101}`,
			"ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"GetShardIterator", iterate(missing, f.shard, `,"ShardIteratorType":"LATEST"`), noStream},
		{"GetShardIterator", iterate(f.arn, other.shard, `,"ShardIteratorType":"LATEST"`), "ResourceNotFoundException: Requested resource not found: Shard does not exist"},
		{"GetShardIterator", iterate(f.arn, f.shard, `,"ShardIteratorType":"AT_SEQUENCE_NUMBER"`), "ValidationException: SequenceNumber must be specified when ShardIteratorType is AT_SEQUENCE_NUMBER"},
		{"GetShardIterator", iterate(f.arn, f.shard, at("000000000000000000000000")), "ValidationException: Invalid SequenceNumber: 000000000000000000000000"},
		{"GetShardIterator", iterate(f.arn, f.shard, at("10000000000000000000000000")), "ValidationException: Invalid SequenceNumber: 10000000000000000000000000 is not of this shard"},
		{"GetShardIterator", iterate(f.arn, f.shard, at("11208925819614629174706175")), "ValidationException: Invalid SequenceNumber: 11208925819614629174706175 is not of this shard"},
		{"GetShardIterator", iterate(f.arn, f.shard, at("11208925819614629174706176")), "ValidationException: Invalid SequenceNumber: 11208925819614629174706176"},
		{"GetRecords", `{"ShardIterator":"x"}`, "ValidationException: Invalid ShardIterator"},
		{"GetRecords", `{"ShardIterator":"` + f.arn + `|1|AAAA"}`, "ValidationException: Invalid ShardIterator"},
		{"GetRecords", `{"ShardIterator":"` + f.iterator("LATEST", "") + `","Limit":1001}`,
			"ValidationException: 1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"ListStreams", `{"Limit":101}`,
			"ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"ListStreams", `{"TableName":"plain","ExclusiveStartStreamArn":"` + other.arn + `"}`, "ValidationException: Invalid StreamArn"},
	} {
		if got := c.try(tt.op, tt.in); got != tt.want {
			t.Errorf("%s %s\n got %s\nwant %s", tt.op, tt.in, got, tt.want)
		}
	}
}

// Streams are listed by table and age; those of one instant are told apart.
func TestListStreams(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("bbb", viewKeys))
	c.do("CreateTable", streamed("aaa", viewKeys))
	c.do("CreateTable", strings.Replace(plainTable, `"plain"`, `"none"`, 1))
	for range 2 {
		c.do("UpdateTable", `{"TableName":"aaa","StreamSpecification":{"StreamEnabled":false}}`)
		c.do("UpdateTable", `{"TableName":"aaa","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}`)
	}
	want := []string{"aaa 2026-11-21T22:59:33.000", "aaa 2026-11-21T22:59:33.001", "aaa 2026-11-21T22:59:33.002", "bbb 2026-11-21T22:59:33.000"}
	list := func(request string) (got []string, last string) {
		var out struct {
			Streams []struct{ StreamArn, TableName, StreamLabel string }

			LastEvaluatedStreamArn string
		}
		if err := json.Unmarshal([]byte(c.do("ListStreams", request)), &out); err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Streams {
			got = append(got, s.TableName+" "+s.StreamLabel)
			if want := "arn:aws:dynamodb:eu-west-1:123456789012:table/" + s.TableName + "/stream/" + s.StreamLabel; s.StreamArn != want {
				t.Errorf("ARN %s, want %s", s.StreamArn, want)
			}
		}
		return got, out.LastEvaluatedStreamArn
	}
	if got, last := list(`{}`); !slices.Equal(got, want) || last != "" {
		t.Errorf("all: %q, last %q", got, last)
	}
	if got, _ := list(`{"TableName":"aaa"}`); !slices.Equal(got, want[:3]) {
		t.Errorf("of a: %q", got)
	}
	var got []string
	for start := ""; ; {
		page, last := list(`{"Limit":1` + start + `}`)
		got = append(got, page...)
		if last == "" {
			break
		}
		start = `,"ExclusiveStartStreamArn":"` + last + `"`
	}
	if !slices.Equal(got, want) {
		t.Errorf("page by page: %q", got)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
func TestDescribeStream(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	f := c.stream("orders")
	text := c.do("DescribeStream", `{"StreamArn":"`+f.arn+`"}`)
	want := decoded(t, `{"StreamDescription":{"StreamArn":"`+f.arn+`","StreamLabel":"2026-11-21T22:59:33.000","StreamStatus":"ENABLED",
		"StreamViewType":"NEW_AND_OLD_IMAGES","CreationRequestDateTime":1795301973,"TableName":"orders",
		"KeySchema":[{"AttributeName":"h","KeyType":"HASH"},{"AttributeName":"r","KeyType":"RANGE"}],
		"Shards":[{"ShardId":"shardId-00000001795301973000-00000002","SequenceNumberRange":{"StartingSequenceNumber":"`+
		f.describe().Shards[0].SequenceNumberRange.StartingSequenceNumber+`"}}]}}`)
	if d := cmp.Diff(want, decoded(t, text)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, more := range []string{`"ExclusiveStartShardId":"` + f.shard + `"`, `"ShardFilter":{"Type":"CHILD_SHARDS","ShardId":"` + f.shard + `"}`} {
		if got := field(t, c.do("DescribeStream", `{"StreamArn":"`+f.arn+`",`+more+`}`), "StreamDescription", "Shards"); len(got.([]any)) != 0 {
			t.Errorf("%s: %v", more, got)
		}
	}
}

// An iterator is good for fifteen minutes of model time; each answer has a new one.
func TestIteratorExpires(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	it := f.iterator("LATEST", "")
	c.advance(15 * time.Minute)
	next := f.page(it, "").NextShardIterator
	c.advance(time.Second)
	if got := c.try("GetRecords", `{"ShardIterator":"`+it+`"}`); got != "ExpiredIteratorException: The provided iterator exceeds the maximum age allowed." {
		t.Errorf("too old: %s", got)
	}
	c.advance(14 * time.Minute)
	f.page(next, "")
}

// A stream that was disabled, or whose table was deleted, has an end, and can be read for a day.
func TestStreamEnds(t *testing.T) {
	for _, tt := range []struct{ name, op, in string }{
		{"disabled", "UpdateTable", `{"TableName":"plain","StreamSpecification":{"StreamEnabled":false}}`},
		{"deleted", "DeleteTable", `{"TableName":"plain"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.runTimers()
			c.do("CreateTable", streamed("plain", viewBoth))
			f := c.stream("plain")
			for _, id := range []string{"a", "b", "c"} {
				c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"`+id+`"}}}`)
			}
			c.do(tt.op, tt.in)
			c.settled()
			if d := f.describe(); d.StreamStatus != "DISABLED" || d.Shards[0].SequenceNumberRange.EndingSequenceNumber !=
				f.page(f.iterator("TRIM_HORIZON", ""), "").Records[2].Dynamodb.SequenceNumber {
				t.Errorf("described: %+v", d)
			}
			read := func() {
				t.Helper()
				if got, next := f.read(f.iterator("TRIM_HORIZON", "")); len(got) != 3 || next != "" {
					t.Errorf("read %q, next %q", got, next)
				}
				if got, next := f.read(f.iterator("LATEST", "")); len(got) != 0 || next != "" {
					t.Errorf("the latest: %q, next %q", got, next)
				}
			}
			read()
			c.advanceTo(23 * time.Hour)
			read()
			c.advanceTo(time.Hour + trimStep)
			if got := c.try("DescribeStream", `{"StreamArn":"`+f.arn+`"}`); !strings.HasPrefix(got, "ResourceNotFoundException") {
				t.Errorf("after a day: %s", got)
			}
			if got := c.do("ListStreams", `{}`); got != `{"Streams":[]}` {
				t.Errorf("listed: %s", got)
			}
			c.settled()
			c.empty(layoutOf(testCell, 2))
		})
	}
}

// advanceTo lets the cloud do everything that is due in the time to come, at its time.
func (c *cloud) advanceTo(d time.Duration) {
	c.t.Helper()
	if _, err := c.settle.Advance(c.ctx, c.clock.Now().Add(d)); err != nil {
		c.t.Fatal(err)
	}
}

// empty checks that nothing is left of a generation.
func (c *cloud) empty(l layout) {
	c.t.Helper()
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for p, err := range sn.Scan(l.all(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			c.t.Errorf("left over: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// Records are kept for a day of model time, and then forgotten: a reader that comes too late is told.
func TestRetention(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	put := func(id string) {
		c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"`+id+`"}}}`)
	}
	put("a")
	c.advanceTo(time.Hour)
	put("b")
	first := f.page(f.iterator("TRIM_HORIZON", ""), "").Records[0].Dynamodb.SequenceNumber
	c.advanceTo(23*time.Hour - 10*time.Minute)
	it := f.iterator("TRIM_HORIZON", "")
	if got, _ := f.read(it); !slices.Equal(got, []string{"INSERT a", "INSERT b"}) {
		t.Errorf("before a day: %q", got)
	}
	c.advanceTo(10*time.Minute + trimStep)
	const gone = "TrimmedDataAccessException: The data you are trying to access has been trimmed"
	if got := c.try("GetRecords", `{"ShardIterator":"`+it+`"}`); got != gone && !strings.HasPrefix(got, "ExpiredIterator") {
		t.Errorf("an iterator from before: %s", got)
	}
	for _, kind := range []string{"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"} {
		if got := f.iterator(kind, `,"SequenceNumber":"`+first+`"`); got != gone {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got, next := f.read(f.iterator("TRIM_HORIZON", "")); !slices.Equal(got, []string{"INSERT b"}) || next == "" {
		t.Errorf("after a day: %q", got)
	}
	c.advanceTo(time.Hour)
	if got, next := f.read(f.iterator("TRIM_HORIZON", "")); len(got) != 0 || next == "" {
		t.Errorf("after two days: %q", got)
	}
	put("c")
	if got, _ := f.read(f.iterator("TRIM_HORIZON", "")); !slices.Equal(got, []string{"INSERT c"}) {
		t.Errorf("after all was trimmed: %q", got)
	}
	// What streams forget keeps nothing from being settled.
	r, err := c.settle.Look(c.ctx, 100*24*time.Hour, true)
	if err != nil || !r.Settled || !r.Next.IsZero() || r.Recurring.IsZero() {
		t.Errorf("settled: %+v, %v", r, err)
	}
}

// A lot is trimmed step by step.
func TestRetentionOfMany(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	for i := range trimRecords/25 + 40 {
		var puts []string
		for j := range 25 {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"id":{"S":"%d-%d"}}}}`, i, j))
		}
		c.do("BatchWriteItem", `{"RequestItems":{"plain":[`+strings.Join(puts, ",")+`]}}`)
	}
	c.advanceTo(retention + trimStep)
	if got, _ := f.read(f.iterator("TRIM_HORIZON", "")); len(got) != 0 {
		t.Errorf("%d are left", len(got))
	}
}

// TestStreamsLeaveNothing makes tables with streams, writes to them and deletes them, again and again: once their records
// are a day old the store has as many rows as it had after the first.
//
// ministack PR#1254: backlogs of streams stayed for the life of the process, those of deleted tables too, and whatever read
// streams slowed down.
//
// Mutations: trim without its DeleteRange; a deleted table's generation that is not cleared.
func TestStreamsLeaveNothing(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	rows := func() (n int) {
		err := c.db.View(c.ctx, func(sn *kv.Snap) error {
			for _, err := range sn.Scan(kv.Range{Start: kv.Key{0}, End: kv.Key{0xff}}, kv.ScanOptions{KeysOnly: true}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.do("CreateTable", streamed("kept", viewBoth))
	first := 0
	for round := range 4 {
		name := fmt.Sprint("round-", round)
		c.do("CreateTable", streamed(name, viewBoth))
		for _, table := range []string{"kept", name} {
			for i := range 40 {
				c.do("PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"id":{"S":"%d"},"round":{"N":"%d"}}}`, table, i, round))
			}
		}
		c.do("DeleteTable", fmt.Sprintf(`{"TableName":%q}`, name))
		c.advanceTo(retention + 2*trimStep)
		c.settled()
		switch n := rows(); {
		case round == 0:
			first = n
		case n != first:
			t.Errorf("%d rows after round %d, and %d after the first", n, round, first)
		}
	}
}

// TestPutWithStreamIsOneCommit: a stream costs a write one more key in the commit that it makes anyway, wakes no timer
// and reads nothing more. (localstack#10411: 3,000 puts took twenty times as long with a stream; BenchmarkPut has the
// times.)
func TestPutWithStreamIsOneCommit(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewBoth))
	woken := 0
	c.s.wakeTrim = func(kv.Stamp) { woken++ }
	version := func() (v uint64) {
		if err := c.db.View(c.ctx, func(sn *kv.Snap) error { v = sn.Stamp().Version(); return nil }); err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := version()
	for i := range 100 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"}}}`, i))
	}
	if n := version() - before; n != 100 || woken != 0 {
		t.Errorf("100 puts made %d commits and woke timers %d times", n, woken)
	}
	if n := len(c.records("plain")); n != 100 {
		t.Errorf("%d records", n)
	}
}
