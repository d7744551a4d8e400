package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// at runs fn on a snapshot.
func (f *testFeed) at(fn func(src sources.Stream, sn *kv.Snap) error) {
	f.t.Helper()
	if err := f.db.View(f.ctx, func(sn *kv.Snap) error { return fn(f.s.Source(), sn) }); err != nil {
		f.t.Fatal(err)
	}
}

func (f *testFeed) seek(p sources.Position) (c sources.Cursor) {
	f.t.Helper()
	f.at(func(src sources.Stream, sn *kv.Snap) (err error) {
		c, err = src.Seek(sn, arn.ARN(f.arn), f.shard, p)
		return err
	})
	return c
}

func (f *testFeed) fetch(after sources.Cursor, want sources.Want) (page sources.Page) {
	f.t.Helper()
	f.at(func(src sources.Stream, sn *kv.Snap) (err error) {
		page, err = src.Fetch(sn, arn.ARN(f.arn), f.shard, after, want)
		return err
	})
	return page
}

// all wants everything.
func all() sources.Want { return sources.Want{Records: 1 << 20, Bytes: 1 << 30} }

func ids(p sources.Page) (out []string) {
	for _, r := range p.Records {
		var e struct {
			EventName string
			Dynamodb  struct {
				Keys map[string]struct{ S string }
			}
		}
		if err := json.Unmarshal(r.Event, &e); err != nil {
			return []string{err.Error()}
		}
		out = append(out, e.EventName+" "+e.Dynamodb.Keys["id"].S)
	}
	return out
}

// TestStreamEvents holds the records that functions get to AWS's form, in each view.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func TestStreamEvents(t *testing.T) {
	const v1, v2 = `{"id":{"S":"a"},"n":{"N":"1"},"ttl":{"N":"1795302000"}}`, `{"id":{"S":"a"},"n":{"N":"2"},"ttl":{"N":"1795302000"}}`
	for _, tt := range []struct {
		view                   string
		insert, modify, remove string
	}{
		{viewKeys, "", "", ""},
		{viewNew, `"NewImage":` + v1 + ",", `"NewImage":` + v2 + ",", ""},
		{viewOld, "", `"OldImage":` + v1 + ",", `"OldImage":` + v2 + ","},
		{viewBoth, `"NewImage":` + v1 + ",", `"NewImage":` + v2 + `,"OldImage":` + v1 + ",", `"OldImage":` + v2 + ","},
	} {
		t.Run(tt.view, func(t *testing.T) {
			c := newCloud(t)
			c.runTimers()
			c.do("CreateTable", streamed("plain", tt.view))
			c.do("UpdateTimeToLive", ttlOn)
			f := c.stream("plain")
			c.do("PutItem", `{"TableName":"plain","Item":`+v1+`}`)
			c.do("PutItem", `{"TableName":"plain","Item":`+v2+`}`)
			c.advanceTo(27 * time.Second)
			page := f.fetch("", all())
			if len(page.Records) != 3 {
				t.Fatalf("%d records", len(page.Records))
			}
			for i, want := range []struct {
				name, images, more string
				second             int
			}{{"INSERT", tt.insert, "", 1795301973}, {"MODIFY", tt.modify, "", 1795301973},
				{"REMOVE", tt.remove, `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},`, 1795302000}} {
				r := page.Records[i]
				size := 3 // of the key
				for _, image := range []string{`"NewImage"`, `"OldImage"`} {
					if strings.Contains(want.images, image) {
						size += 3 + 3 + 8
					}
				}
				id := field(t, string(r.Event), "eventID").(string)
				event := fmt.Sprintf(`{"eventID":%q,"eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",
					"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"id":{"S":"a"}},%s"SequenceNumber":%q,"SizeBytes":%d,"StreamViewType":%q},
					%s"eventSourceARN":%q}`, id, want.name, want.second, want.images, r.Sequence, size, tt.view, want.more, f.arn)
				if d := cmp.Diff(decoded(t, event), decoded(t, string(r.Event))); d != "" {
					t.Errorf("%s (-want +got)\n%s", want.name, d)
				}
				if r.At.Unix() != int64(want.second) {
					t.Errorf("%s at %s", want.name, r.At)
				}
			}
		})
	}
}

// The source of mappings and the API tell the same, under the same names.
func TestSourceAgreesWithGetRecords(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewBoth))
	f := c.stream("plain")
	for i := range 30 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"n":{"N":"%d"}}}`, i%7, i))
	}
	page := f.fetch(f.seek(sources.Position{From: sources.TrimHorizon}), all())
	api := field(t, c.do("GetRecords", `{"ShardIterator":"`+f.iterator("TRIM_HORIZON", "")+`"}`), "Records").([]any)
	if len(page.Records) != 30 || len(api) != 30 {
		t.Fatalf("%d records, %d by the API", len(page.Records), len(api))
	}
	order := map[string]string{} // of each item
	var last sources.Cursor
	for i, r := range page.Records {
		event := decoded(t, string(r.Event)).(map[string]any)
		if event["eventSourceARN"] != f.arn {
			t.Errorf("eventSourceARN %v", event["eventSourceARN"])
		}
		delete(event, "eventSourceARN")
		if d := cmp.Diff(api[i], any(event)); d != "" {
			t.Errorf("record %d (-api +source)\n%s", i, d)
		}
		if number := field(t, string(r.Event), "dynamodb", "SequenceNumber"); number != r.Sequence {
			t.Errorf("number %s, %s", number, r.Sequence)
		}
		if r.Cursor <= last {
			t.Errorf("cursor %x after %x", r.Cursor, last)
		}
		last = r.Cursor
		id := fmt.Sprint(i % 7)
		if had, ok := order[id]; ok && had != string(r.Order) {
			t.Errorf("item %s has orders %x and %x", id, had, r.Order)
		}
		order[id] = string(r.Order)
	}
	if len(order) != 7 {
		t.Errorf("%d orders", len(order))
	}
	if page.Next != last || page.End {
		t.Errorf("next %x, end %v", page.Next, page.End)
	}
}

func TestSourcePages(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	latest := f.seek(sources.Position{From: sources.Latest})
	for i := range 10 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"}}}`, i))
		c.advance(time.Minute)
	}
	var got []string
	for at := latest; ; {
		p := f.fetch(at, sources.Want{Records: 3, Bytes: 1 << 20})
		if len(p.Records) > 3 {
			t.Errorf("%d records", len(p.Records))
		}
		got = append(got, ids(p)...)
		if at == p.Next {
			break
		}
		at = p.Next
	}
	want := ids(f.fetch("", all()))
	if len(want) != 10 || !slices.Equal(got, want) {
		t.Errorf("in pages %q, at once %q", got, want)
	}
	if p := f.fetch("", sources.Want{Records: 10, Bytes: 1}); len(p.Records) != 1 {
		t.Errorf("%d records have one byte", len(p.Records))
	}
	fourth := f.fetch("", all()).Records[3]
	if got := f.seek(sources.Position{From: sources.AtTimestamp, Time: fourth.At}); got != f.fetch("", all()).Records[2].Cursor {
		t.Errorf("at the time of the fourth: %x", got)
	}
	// What is not wanted is passed over.
	keep := func(order []byte) bool { return string(order) == string(fourth.Order) }
	p := f.fetch("", sources.Want{Records: 1, Bytes: 1 << 20, Keep: keep})
	if got := ids(p); !slices.Equal(got, []string{"INSERT 3"}) {
		t.Errorf("kept %q", got)
	}
	p = f.fetch(p.Next, sources.Want{Records: 1, Bytes: 1 << 20, Keep: keep})
	if len(p.Records) != 0 || p.Next != f.fetch("", all()).Next {
		t.Errorf("after the last that is wanted: %q, next %x", ids(p), p.Next)
	}
}

// A shard that is closed says so, at its end and in its description, and a reader that waits is told.
func TestSourceEnds(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	var shard sources.Shard
	look := func() {
		f.at(func(src sources.Stream, sn *kv.Snap) error {
			shards, err := src.Shards(sn, arn.ARN(f.arn))
			if len(shards) != 1 {
				t.Fatalf("%d shards", len(shards))
			}
			shard = shards[0]
			return err
		})
	}
	look()
	if shard.ID != f.shard || shard.Closed {
		t.Errorf("%+v", shard)
	}
	w := c.db.Watch(shard.Topic)
	defer w.Close()
	told := func() bool {
		select {
		case <-w.C():
			return true
		default:
			return false
		}
	}
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"a"}}}`)
	if !told() {
		t.Error("nobody was told of a record")
	}
	if p := f.fetch("", all()); p.End {
		t.Error("it ended")
	}
	c.do("DeleteTable", `{"TableName":"plain"}`)
	if !told() {
		t.Error("nobody was told of the end")
	}
	look()
	if !shard.Closed {
		t.Error("it is open")
	}
	if p := f.fetch("", sources.Want{Records: 1, Bytes: 1 << 20}); len(p.Records) != 1 {
		t.Errorf("%+v", p)
	} else if p = f.fetch(p.Next, all()); !p.End || len(p.Records) != 0 {
		t.Errorf("after the last: %+v", p)
	}
	if p := f.fetch(f.seek(sources.Position{From: sources.Latest}), all()); !p.End {
		t.Errorf("the latest: %+v", p)
	}
}

// A reader that comes too late reads what is left.
func TestSourceAfterTrimming(t *testing.T) {
	c := newCloud(t)
	c.runTimers()
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"a"}}}`)
	old := f.fetch("", all()).Next
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"b"}}}`)
	c.advanceTo(12 * time.Hour)
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"c"}}}`)
	c.advanceTo(12*time.Hour + trimStep)
	for _, at := range []sources.Cursor{"", old, f.seek(sources.Position{From: sources.TrimHorizon}), f.seek(sources.Position{From: sources.AtTimestamp})} {
		if got := ids(f.fetch(at, all())); !slices.Equal(got, []string{"INSERT c"}) {
			t.Errorf("from %x: %q", at, got)
		}
	}
}

func TestNoSource(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", streamed("plain", viewKeys))
	f := c.stream("plain")
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for _, a := range []string{f.arn + "1", "arn:aws:dynamodb:eu-west-1:123456789012:table/plain", "arn:aws:sqs:eu-west-1:123456789012:q",
			strings.Replace(f.arn, "123456789012", "999999999999", 1)} {
			if _, err := c.s.Source().Shards(sn, arn.ARN(a)); !errors.Is(err, sources.ErrNoSource) {
				t.Errorf("%s: %v", a, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzSequence(f *testing.F) {
	f.Add(uint64(0), uint16(0))
	f.Add(uint64(1), uint16(1))
	f.Add(uint64(1<<63), uint16(1<<15))
	f.Add(uint64(1<<64-1), uint16(1<<16-1))
	f.Fuzz(func(t *testing.T, version uint64, op uint16) {
		s := keyspace.NewStamp(version, op)
		text := sequence(s)
		if got, err := parseSequence(text); err != nil || got != s {
			t.Errorf("%s is %s, read as %s, %v", s, text, got, err)
		}
		if s.IsZero() {
			return
		}
		if b := before(s); b.Compare(s) >= 0 || sequence(b) >= text {
			t.Errorf("%s comes before %s", b, s)
		}
	})
}

func FuzzParseSequence(f *testing.F) {
	f.Add("10000000000000000000065536")
	f.Add("11208925819614629174706176")
	f.Add("1-000000000000000000065536")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSequence(text); err == nil && sequence(s) != text {
			t.Errorf("%s is read as %s, which is %s", text, s, sequence(s))
		}
	})
}

func FuzzParseIterator(f *testing.F) {
	f.Add(iterator{stream: "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/l", after: keyspace.NewStamp(7, 1), issued: 1795301973}.String())
	f.Add("|1|")
	f.Fuzz(func(t *testing.T, text string) {
		if it, err := parseIterator(text); err == nil && it.String() != text {
			t.Errorf("%s is read as %s", text, it)
		}
	})
}

func FuzzDecodeFeed(f *testing.F) {
	row, err := (&feed{Table: "t", Label: "l", ID: 3, Closed: 4, trim: 5}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row)
	f.Fuzz(func(t *testing.T, row []byte) {
		if fd, err := decodeFeed(testCell, row); err == nil {
			if _, err := fd.encode(); err != nil {
				t.Error(err)
			}
		}
	})
}
