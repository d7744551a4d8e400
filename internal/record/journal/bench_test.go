package journal

import (
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
)

// sealIndex makes the file of an index of two parts.
func sealIndex(head, rest []byte, j *Journal) []byte {
	b := appendPart([]byte(indexMagic), j.castagnoli, func(b []byte) []byte { return append(b, head...) })
	return appendPart(b, j.castagnoli, func(b []byte) []byte { return append(b, rest...) })
}

func benchJournal(b *testing.B, o Options) *Journal {
	o.FS, o.Dir = disk.OS(), b.TempDir()
	j, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	return j
}

func BenchmarkAppend(b *testing.B) {
	j := benchJournal(b, Options{})
	body := make([]byte, 200)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	at := clock.Unix(1_000_000, 0)
	for b.Loop() {
		at++
		if _, err := j.Append("000000000000\x00us-east-1\x00/aws/lambda/resize\x002026/01/01/[$LATEST]0", at, at, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendParallel(b *testing.B) {
	j := benchJournal(b, Options{})
	body := make([]byte, 200)
	b.RunParallel(func(pb *testing.PB) {
		at := clock.Unix(1_000_000, 0)
		for pb.Next() {
			at++
			if _, err := j.Append("000000000000\x00us-east-1\x00/aws/lambda/resize\x002026/01/01/[$LATEST]0", at, at, body); err != nil {
				b.Error(err)
			}
		}
	})
}

// The last 100 events of one of 100 streams in 200 MB.
func BenchmarkTailOfStream(b *testing.B) {
	j := benchJournal(b, Options{})
	body := make([]byte, 200)
	n := 1_000_000
	for i := range n {
		if _, err := j.Append(fmt.Sprintf("stream%d", i%100), clock.Instant(i), clock.Instant(i), body); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		if got := collect(b, j, Query{Prefix: "stream42", Reverse: true}, 100); len(got) != 100 {
			b.Fatalf("%d records", len(got))
		}
	}
}

// Every record of a key of its own, as traces are.
func BenchmarkAppendNewKeys(b *testing.B) {
	j := benchJournal(b, Options{})
	body := make([]byte, 200)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if _, err := j.Append(fmt.Sprintf("%016x", n), clock.Instant(n), clock.Instant(n), body); err != nil {
			b.Fatal(err)
		}
	}
}

// A process that finds 200 MB of journal: opening, and the first question.
func BenchmarkOpenAndFirstRead(b *testing.B) {
	dir := b.TempDir()
	fill := func() {
		j, err := Open(Options{FS: disk.OS(), Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		for i := range 1_000_000 {
			if _, err := j.Append(fmt.Sprintf("stream%d", i%100), clock.Instant(i), clock.Instant(i), make([]byte, 200)); err != nil {
				b.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	fill()
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := Open(Options{FS: disk.OS(), Dir: dir}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			j, err := Open(Options{FS: disk.OS(), Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			collect(b, j, Query{Prefix: "stream42", Reverse: true}, 100)
		}
	})
}
