package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// The examples of the S3 documentation: 66,560 bytes of "a" in chunks of 64 KiB.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func docChunks(signatures [3]string, end string) string {
	return fmt.Sprintf("10000;chunk-signature=%s\r\n%s\r\n400;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n%s",
		signatures[0], strings.Repeat("a", 65536), signatures[1], strings.Repeat("a", 1024), signatures[2], end)
}

func docResult(t *testing.T, payload Payload) Result {
	header, signed, signature := streamingChunks, "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	r := Request{Method: "PUT", Host: "s3.amazonaws.com", Path: "/examplebucket/chunkObject.txt", S3: true, Header: map[string][]string{
		"Content-Encoding": {"aws-chunked"}, "X-Amz-Date": {"20130524T000000Z"}, "X-Amz-Decoded-Content-Length": {"66560"},
		"X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}, "Content-Length": {"66824"},
	}}
	if payload == PayloadChunksTrailer {
		header, signed, signature = streamingTrailer, "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
		delete(r.Header, "Content-Length")
		r.Header["X-Amz-Trailer"] = []string{"x-amz-checksum-crc32c"}
	}
	r.Header["X-Amz-Content-Sha256"] = []string{header}
	r.Header["Authorization"] = []string{"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + signature}
	res, err := New(1).Verify(&r, exampleLookup, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if res.Payload != payload {
		t.Fatalf("payload %v, want %v", res.Payload, payload)
	}
	return res
}

func chunksDoc() string {
	return docChunks([3]string{
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	}, "\r\n")
}

func trailersDoc() string {
	return docChunks([3]string{
		"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
	}, "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n")
}

func TestChunksDocumentation(t *testing.T) {
	for _, tt := range []struct {
		payload Payload
		body    string
		trailer string
	}{
		{PayloadChunks, chunksDoc(), ""},
		{PayloadChunksTrailer, trailersDoc(), "sOO8/Q=="},
	} {
		res := docResult(t, tt.payload)
		for name, src := range map[string]io.Reader{
			"at once": strings.NewReader(tt.body),
			"bytes":   iotest.OneByteReader(strings.NewReader(tt.body)),
			"halves":  iotest.HalfReader(strings.NewReader(tt.body)),
			"no end":  strings.NewReader(strings.TrimSuffix(tt.body, "\r\n")),
		} {
			b := res.Body(src)
			data, err := io.ReadAll(b)
			if err != nil || string(data) != strings.Repeat("a", 66560) {
				t.Errorf("%s: %d bytes, %v", name, len(data), err)
			}
			if got := b.Trailer("x-amz-checksum-crc32c"); got != tt.trailer {
				t.Errorf("%s: trailer %q", name, got)
			}
		}
	}
}

// Whatever byte is changed or missing, reading ends in an error.
func TestChunksAreProtected(t *testing.T) {
	for payload, body := range map[Payload]string{PayloadChunks: chunksDoc(), PayloadChunksTrailer: trailersDoc()} {
		res := docResult(t, payload)
		step := 1
		for i := 0; i < len(body); i += step {
			step = 1
			if body[i] == 'a' && strings.HasPrefix(body[i:], strings.Repeat("a", 500)) {
				step = 499
			}
			for _, c := range []byte{body[i] ^ 1, 'A', '\n', 0} {
				if c == body[i] {
					continue
				}
				changed := []byte(body)
				changed[i] = c
				data, err := io.ReadAll(res.Body(bytes.NewReader(changed)))
				// The line ends, and what separates a name from its value, are
				// not signed; a change that keeps their meaning is none.
				if err == nil && !bytes.Equal(data, bytes.Repeat([]byte("a"), 66560)) {
					t.Fatalf("byte %d as %q gives other data", i, c)
				}
				if err == nil && strings.ContainsRune("0123456789abcdef", rune(body[i])) && !strings.EqualFold(string(c), string(body[i])) {
					t.Fatalf("byte %d, %q as %q, passes", i, body[i], c)
				}
			}
		}
		for _, n := range []int{0, 1, 50, 100, 65600, 65700, len(body) - 90} {
			_, err := io.ReadAll(res.Body(strings.NewReader(body[:n])))
			var e *Error
			if !errors.As(err, &e) || e.Code(S3) != "IncompleteBody" || errors.Is(err, io.EOF) {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
	}
}

func TestUnsignedChunks(t *testing.T) {
	res := Result{Payload: PayloadUnsignedTrailer}
	for body, want := range map[string]string{
		"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n": "hello world/abc=",
		"5\nhello\n0\nX-Amz-Checksum-CRC32 : abc=\n\n":                        "hello/abc=",
		"0\r\n\r\n":                        "/",
		"5;ext=1\r\nhello\r\n0\r\n":        "hello/",
		"00005\r\nhello\r\n000\r\n\r\n":    "hello/",
		"5\r\nhello":                       "!",
		"5\r\nhello\r\n":                   "!",
		"5\r\nhelloX\r\n0\r\n\r\n":         "!",
		"\r\n":                             "!",
		"g\r\n":                            "!",
		"-1\r\n":                           "!",
		"fffffffffffffffff\r\n":            "!",
		"0\r\nno colon\r\n\r\n":            "!",
		"0\r\nx-amz-trailer-signature:a\n": "!",
		strings.Repeat("0", 300) + "\r\n":  "!",
		"0\r\nx:" + strings.Repeat("y", maxTrailer) + "\r\n": "!",
	} {
		b := res.Body(strings.NewReader(body))
		data, err := io.ReadAll(b)
		got := string(data) + "/" + b.Trailer("x-amz-checksum-crc32")
		if err != nil {
			got = "!"
			var e *Error
			if !errors.As(err, &e) || e.Kind != BadChunk {
				t.Errorf("%.40q: %v", body, err)
			}
		}
		if got != want {
			t.Errorf("%.40q: %q (%v), want %q", body, got, err, want)
		}
	}
}

func TestSmallChunksComeLast(t *testing.T) {
	res := docResult(t, PayloadChunks)
	s := &chunkSigner{key: res.key, date: res.Date, scope: string(res.Auth.scope(nil)), last: res.Signature}
	var body bytes.Buffer
	for _, data := range []string{"small", "second", ""} {
		sum := sha256.Sum256([]byte(data))
		buf := fmt.Appendf(nil, "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n%s\n%s\n%s", s.date, s.scope, s.last, emptyHash, hex.EncodeToString(sum[:]))
		sig := s.key.sign(buf)
		s.last = hex.EncodeToString(sig[:])
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(data), s.last, data)
	}
	_, err := io.ReadAll(res.Body(&body))
	var e *Error
	if !errors.As(err, &e) || e.Code(S3) != "InvalidChunkSizeError" || e.Status(S3) != 403 {
		t.Errorf("error %v", err)
	}
}

func TestHashedBody(t *testing.T) {
	sum := sha256.Sum256([]byte("hello"))
	res := Result{Payload: PayloadHash, hash: hex.EncodeToString(sum[:])}
	if data, err := io.ReadAll(res.Body(strings.NewReader("hello"))); err != nil || string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
	_, err := io.ReadAll(res.Body(iotest.DataErrReader(strings.NewReader("hellO"))))
	var e *Error
	if !errors.As(err, &e) || e.Code(S3) != "XAmzContentSHA256Mismatch" || e.Status(S3) != 400 {
		t.Errorf("error %v", err)
	}
	broken := errors.New("the connection broke")
	if _, err := io.ReadAll(res.Body(iotest.ErrReader(broken))); err != broken {
		t.Errorf("error %v", err)
	}
	plain := Result{Payload: PayloadUnsigned}
	if data, err := io.ReadAll(plain.Body(strings.NewReader("hello"))); err != nil || string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
}
