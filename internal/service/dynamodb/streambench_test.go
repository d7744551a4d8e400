package dynamodb

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/sources"
)

// BenchmarkPut is a put of an item of half a kilobyte to a store on disk, without and with a stream of the table and a
// time to live, by one caller after another and by many at once.
//
//	go test ./internal/service/dynamodb -run '^$' -bench BenchmarkPut -benchtime 3000x
func BenchmarkPut(b *testing.B) {
	for _, callers := range []int{1, 16} {
		for _, bench := range []struct {
			name, view string
			ttl        bool
		}{{"plain", "", false}, {"stream=KEYS_ONLY", viewKeys, false}, {"stream=NEW_AND_OLD_IMAGES", viewBoth, false}, {"ttl", "", true}} {
			b.Run(fmt.Sprintf("callers=%d/%s", callers, bench.name), func(b *testing.B) {
				c := cloudForBench(b, bench.view)
				if bench.ttl {
					c.do("UpdateTimeToLive", ttlOn)
				}
				c.runTimers()
				due := c.clock.Now().Add(time.Hour).Unix()
				var n atomic.Int64
				b.SetParallelism((callers + 1) / 2) // of each processor
				put := func() {
					i := n.Add(1)
					c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"ttl":{"N":"%d"},`+benchItem+`}}`, i%512, due+i, i/8, i))
				}
				b.ResetTimer()
				if callers == 1 {
					for range b.N {
						put()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						put()
					}
				})
			})
		}
	}
}

func cloudForBench(b *testing.B, view string) *cloud {
	b.Helper()
	engine, err := pebblekv.Open(b.TempDir(), pebblekv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := openCloud(b, engine)
	if view == "" {
		c.do("CreateTable", plainTable)
	} else {
		c.do("CreateTable", streamed("plain", view))
	}
	return c
}

// BenchmarkFetch reads a stream of items of half a kilobyte, as event source mappings do.
func BenchmarkFetch(b *testing.B) {
	c := newCloud(b)
	c.do("CreateTable", streamed("plain", viewBoth))
	f := c.stream("plain")
	for i := range 100 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},`+benchItem+`}}`, i%10, i/8, i))
	}
	if !strings.HasPrefix(f.arn, "arn:") {
		b.Fatal(f.arn)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n += len(f.fetch("", sources.Want{Records: 100, Bytes: 6 << 20}).Records)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
}

// BenchmarkExpire is an item whose time to live is over, of many at once, on disk.
func BenchmarkExpire(b *testing.B) {
	c := cloudForBench(b, viewBoth)
	c.do("UpdateTimeToLive", ttlOn)
	for i := 0; i < b.N; i += 25 {
		var puts []string
		for j := range min(25, b.N-i) {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"id":{"S":"%d"},"ttl":{"N":"%d"}}}}`, i+j, c.clock.Now().Add(time.Hour).Unix()+int64(i%60)))
		}
		c.do("BatchWriteItem", `{"RequestItems":{"plain":[`+strings.Join(puts, ",")+`]}}`)
	}
	c.advance(2 * time.Hour)
	b.ResetTimer()
	c.runTimers()
	c.settledNow()
	b.StopTimer()
	if left := c.left(); len(left) != 0 {
		b.Errorf("%d are left", len(left))
	}
}
