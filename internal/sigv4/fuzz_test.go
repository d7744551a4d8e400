package sigv4

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// No header and no query makes Parse fail in any other way than with an Error,
// and nothing verifies without the secret.
func FuzzVerify(f *testing.F) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := Request{Method: "GET", Host: "h", Path: "/a", Service: "s3", Region: "eu-west-1", S3: true}
	Sign(&r, Credentials{exampleKey, exampleSecret, ""}, now)
	f.Add(r.Header[headerAuthorization][0], "", "20260102T030405Z", "/a")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature=", "x=1", "Fri, 24 May 2013 00:00:00 GMT", "//")
	p := Request{Method: "GET", Host: "h", Path: "/a", Service: "s3", Region: "eu-west-1", S3: true}
	Presign(&p, Credentials{exampleKey, exampleSecret, "t"}, now, time.Hour)
	f.Add("", p.RawQuery, "", "/%")
	f.Fuzz(func(t *testing.T, auth, query, date, path string) {
		for _, s3 := range []bool{false, true} {
			r := Request{Method: "GET", Host: "h", Path: path, RawQuery: query, S3: s3, Header: map[string][]string{
				headerAuthorization: {auth}, headerDate: {date}, headerPayload: {"UNSIGNED-PAYLOAD"},
			}}
			_, err := New(1).Verify(&r, func(string) (string, string, error) { return "a secret that nobody signed with", "", nil }, now)
			var e *Error
			if !errors.As(err, &e) || e.Kind == 0 || e.Text(JSON) == "" || e.Text(S3) == "" || e.Code(S3) == "" {
				t.Fatalf("%q %q %q: %v", auth, query, date, err)
			}
			for _, d := range []Dialect{JSON, REST, Query, S3} {
				if s := e.Status(d); s < 400 || s > 501 {
					t.Errorf("status %d", s)
				}
			}
		}
	})
}

// What is signed verifies, whatever it is.
func FuzzRoundTrip(f *testing.F) {
	f.Add("POST", "localhost:4566", "/a%20b", "x=1&y=%zz&a", "v  w", []byte("{}"), "tok", true, false)
	f.Add("GET", "h", "", "", "", []byte(nil), "", false, true)
	f.Fuzz(func(t *testing.T, method, host, path, query, header string, body []byte, token string, s3, presign bool) {
		if isPresigned(query) || strings.Contains(query, "X-Amz-") {
			return
		}
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		r := Request{Method: method, Host: host, Path: path, RawQuery: query, Body: body, S3: s3, Service: "s3", Region: "eu-west-1",
			Header: map[string][]string{"X-Amz-Meta-A": {header, "b"}}}
		c := Credentials{exampleKey, exampleSecret, token}
		if presign {
			Presign(&r, c, now, time.Minute)
		} else {
			Sign(&r, c, now)
		}
		if _, err := New(1).Verify(&r, func(string) (string, string, error) { return exampleSecret, token, nil }, now); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	})
}

// The canonical query is sorted, and means what the query meant.
func FuzzCanonicalQuery(f *testing.F) {
	f.Add("b=2&a=x%20y&a=1+2&&=&%41=%7e")
	f.Add("a;b=c&%zz")
	f.Fuzz(func(t *testing.T, raw string) {
		var w builder
		w.query(raw)
		got := string(w.b)
		var again builder
		again.query(got)
		if string(again.b) != got {
			t.Errorf("%q: %q is not a fixed point: %q", raw, got, again.b)
		}
		want, err := url.ParseQuery(raw)
		if err != nil || want.Has(paramSignature) {
			return // not what url.ParseQuery takes
		}
		values, err := url.ParseQuery(got)
		if err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		for k := range want {
			a, b := slices.Sorted(slices.Values(want[k])), slices.Sorted(slices.Values(values[k]))
			if !slices.Equal(a, b) {
				t.Errorf("%q: %q = %q, want %q", raw, k, b, a)
			}
		}
	})
}

// Chunks never yield data without an error unless they are well formed, and
// reading always ends.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n"), uint8(PayloadUnsignedTrailer))
	f.Add([]byte(strings.Replace(chunksDoc(), strings.Repeat("a", 65536), "a", 1)), uint8(PayloadChunks))
	f.Add([]byte("0;chunk-signature="), uint8(PayloadChunksTrailer))
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		res := Result{Payload: PayloadChunks + Payload(kind%3)}
		data, err := io.ReadAll(res.Body(bytes.NewReader(body)))
		if err == nil && res.Payload != PayloadUnsignedTrailer {
			t.Errorf("%q verifies under a key that nobody has", body)
		}
		if len(data) > len(body) {
			t.Errorf("%d bytes out of %d", len(data), len(body))
		}
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add("/a/../b//./c/")
	f.Fuzz(func(t *testing.T, path string) {
		got := normalize(path)
		if !strings.HasPrefix(got, "/") || strings.Contains(got, "//") || strings.Contains(got, "/./") || strings.Contains(got, "/../") || normalize(got) != got {
			t.Errorf("normalize(%q) = %q", path, got)
		}
	})
}
