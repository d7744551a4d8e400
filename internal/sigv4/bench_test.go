package sigv4

import (
	"bytes"
	"io"
	"testing"
	"time"
)

func benchmarkVerify(b *testing.B, cache int, body []byte) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := Request{Method: "POST", Host: "dynamodb.eu-west-1.amazonaws.com", Path: "/", Service: "dynamodb", Region: "eu-west-1", Body: body, Header: map[string][]string{
		"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"DynamoDB_20120810.PutItem"}, "Content-Length": {"256"},
		"Amz-Sdk-Invocation-Id": {"1a6d5a35-6e5a-4ff9-9d4d-1d8f1ce9a2a1"}, "Amz-Sdk-Request": {"attempt=1; max=3"},
	}}
	Sign(&r, Credentials{exampleKey, exampleSecret, ""}, now)
	r.Header["User-Agent"] = []string{"aws-sdk-go-v2/1.47.7"}
	v := New(cache)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(&r, exampleLookup, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B)        { benchmarkVerify(b, 16, make([]byte, 256)) }
func BenchmarkVerifyNoCache(b *testing.B) { benchmarkVerify(b, 0, make([]byte, 256)) }

func BenchmarkVerifyPresigned(b *testing.B) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := Request{Method: "GET", Host: "bucket.s3.eu-west-1.amazonaws.com", Path: "/photos/2026/cat.jpg", S3: true, Service: "s3", Region: "eu-west-1"}
	Presign(&r, Credentials{exampleKey, exampleSecret, ""}, now, time.Hour)
	v := New(16)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(&r, exampleLookup, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnsignedChunks(b *testing.B) {
	var body bytes.Buffer
	for range 16 {
		body.WriteString("10000\r\n")
		body.Write(make([]byte, 65536))
		body.WriteString("\r\n")
	}
	body.WriteString("0\r\n\r\n")
	res := Result{Payload: PayloadUnsignedTrailer}
	b.SetBytes(int64(body.Len()))
	buf := make([]byte, 32<<10)
	for b.Loop() {
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body(bytes.NewReader(body.Bytes())), buf); err != nil {
			b.Fatal(err)
		}
	}
}
