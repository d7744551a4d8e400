package sigv4

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"
)

// A vector is a request that another implementation signed.
type vector struct {
	Name      string
	S3        bool
	Service   string
	Region    string
	Method    string
	Host      string
	Path      string
	Query     string
	Header    map[string][]string
	Length    int64
	Body      string
	AccessKey string
	Secret    string
	Token     string
	Now       time.Time
	Presigned bool
}

func (v *vector) request() *Request {
	return &Request{
		Method: v.Method, Host: v.Host, Path: v.Path, RawQuery: v.Query, Header: maps.Clone(v.Header),
		ContentLength: v.Length, Body: []byte(v.Body), S3: v.S3, Service: v.Service, Region: v.Region,
	}
}

func (v *vector) lookup(accessKey string) (string, string, error) {
	if accessKey != v.AccessKey {
		return "", "", ErrUnknownKey
	}
	return v.Secret, v.Token, nil
}

func vectors(t testing.TB, file string) []vector {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 100 {
		t.Fatalf("%s has only %d vectors", file, len(list))
	}
	return list
}

// What the SDKs sign verifies, and whatever is changed in it does not.
//
// vectors.json comes from aws-sdk-go-v2 (conformance/sigv4vectors), and
// botocore.json from botocore (conformance/sigv4vectors/with_botocore.py).
func TestVectors(t *testing.T) {
	for _, file := range []string{"testdata/vectors.json", "testdata/botocore.json"} {
		verifier := New(64)
		for _, v := range vectors(t, file) {
			t.Run(v.Name, func(t *testing.T) {
				res, err := verifier.Verify(v.request(), v.lookup, v.Now)
				if err != nil {
					t.Fatal(err)
				}
				if res.AccessKey != v.AccessKey || res.Service != v.Service || res.Region != v.Region || res.Presigned != v.Presigned || res.Token != v.Token {
					t.Errorf("result %+v", res.Auth)
				}
				for what, change := range map[string]func(r *Request){
					"method":    func(r *Request) { r.Method += "X" },
					"host":      func(r *Request) { r.Host += "x" },
					"path":      func(r *Request) { r.Path += "/x" },
					"query":     func(r *Request) { r.RawQuery += "&x=y" },
					"signature": func(r *Request) { flip(r) },
					"header": func(r *Request) {
						for name := range r.Header {
							if n := strings.ToLower(name); n != "authorization" && lists(res.SignedHeaders, n) {
								r.Header[name] = []string{"20000101T000000Z"}
								return
							}
						}
						r.Host += "x"
					},
					"body": func(r *Request) {
						if r.S3 { // verified behind the signature
							r.Method += "X"
							return
						}
						r.Body = append(r.Body, 'x')
					},
				} {
					r := v.request()
					change(r)
					if _, err := verifier.Verify(r, v.lookup, v.Now); err == nil {
						t.Errorf("verifies with another %s", what)
					}
				}
				for what, lookup := range map[string]Lookup{
					"secret": func(string) (string, string, error) { return v.Secret + "x", v.Token, nil },
					"token":  func(string) (string, string, error) { return v.Secret, v.Token + "x", nil },
				} {
					if _, err := verifier.Verify(v.request(), lookup, v.Now); err == nil {
						t.Errorf("verifies with another %s", what)
					}
				}
				if _, err := verifier.Verify(v.request(), v.lookup, v.Now.Add(8*24*time.Hour)); err == nil {
					t.Error("verifies for ever")
				}
			})
		}
	}
}

// flip changes one digit of the signature.
func flip(r *Request) {
	change := func(s string) string {
		i := strings.LastIndex(s, "Signature=") + len("Signature=")
		c := byte('0')
		if s[i] == '0' {
			c = '1'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	if h := r.get(headerAuthorization); h != "" {
		r.Header[headerAuthorization] = []string{change(h)}
	} else {
		r.RawQuery = change(r.RawQuery)
	}
}

const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func exampleLookup(string) (string, string, error) { return exampleSecret, "", nil }

// The examples of the S3 documentation, with the signatures printed there.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func TestS3Documentation(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	header := func(signed, signature string) []string {
		return []string{"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + signature}
	}
	for name, r := range map[string]Request{
		"GET Object": {Method: "GET", Path: "/test.txt", Header: map[string][]string{
			"Range": {"bytes=0-9"}, "X-Amz-Content-Sha256": {emptyHash}, "X-Amz-Date": {"20130524T000000Z"},
			"Authorization": header("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
		}},
		"PUT Object": {Method: "PUT", Path: "/test$file.text", Header: map[string][]string{
			"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Date": {"20130524T000000Z"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"},
			"X-Amz-Content-Sha256": {"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
			"Authorization":        header("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
		}},
		"GET Bucket Lifecycle": {Method: "GET", Path: "/", RawQuery: "lifecycle", Header: map[string][]string{
			"X-Amz-Content-Sha256": {emptyHash}, "X-Amz-Date": {"20130524T000000Z"},
			"Authorization": header("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
		}},
		"List Objects": {Method: "GET", Path: "/", RawQuery: "max-keys=2&prefix=J", Header: map[string][]string{
			"X-Amz-Content-Sha256": {emptyHash}, "X-Amz-Date": {"20130524T000000Z"},
			"Authorization": header("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
		}},
		"presigned": {Method: "GET", Path: "/test.txt", RawQuery: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
	} {
		r.S3, r.Host = true, "examplebucket.s3.amazonaws.com"
		if _, err := New(1).Verify(&r, exampleLookup, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The example of the IAM user guide's older edition, which AWS's test suite
// begins with ("get-vanilla-query-order-key-case" is a relative).
func TestVanilla(t *testing.T) {
	r := Request{Method: "GET", Host: "example.amazonaws.com", Path: "/", Header: map[string][]string{
		"X-Amz-Date":    {"20150830T123600Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	}}
	lookup := func(string) (string, string, error) { return "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", nil }
	if _, err := New(1).Verify(&r, lookup, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

// A client that cleans the path before it signs, and one that does not.
func TestPathNormalization(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := Credentials{AccessKey: exampleKey, Secret: exampleSecret}
	for sent, signed := range map[string]string{
		"//a//b/./c/../d/": "/a/b/d/",
		"/a/..":            "/",
		"/../a":            "/a",
		"/..":              "/",
		"//":               "/",
		"/a/./":            "/a/",
		"/.hidden":         "/.hidden",
	} {
		if got := normalize(sent); got != signed {
			t.Errorf("normalize(%q) = %q, want %q", sent, got, signed)
		}
		r := Request{Method: "GET", Host: "h", Path: signed, Service: "execute-api", Region: "eu-west-1"}
		Sign(&r, c, now)
		r.Path = sent
		if _, err := New(1).Verify(&r, exampleLookup, now); err != nil {
			t.Errorf("%s signed as %s: %v", sent, signed, err)
		}
		r = Request{Method: "GET", Host: "h", Path: signed, S3: true, Service: "s3", Region: "eu-west-1"}
		Sign(&r, c, now)
		r.Path = sent
		if _, err := New(1).Verify(&r, exampleLookup, now); err == nil && sent != signed {
			t.Errorf("S3 takes %s for %s", sent, signed)
		}
	}
}

// What clients may change on the way without changing the meaning.
func TestEquivalentForms(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := Credentials{AccessKey: exampleKey, Secret: exampleSecret}
	r := Request{Method: "GET", Host: "h", Path: "/a%20b%28c%29", RawQuery: "b=2&a=x%20y&a=%2B&d", S3: true, Service: "s3", Region: "eu-west-1",
		Header: map[string][]string{"X-Amz-Meta-A": {"two words"}}}
	Sign(&r, c, now)
	for name, change := range map[string]func(r *Request){
		"order of the query":  func(r *Request) { r.RawQuery = "d=&a=%2B&b=2&a=x%20y" },
		"plus in the query":   func(r *Request) { r.RawQuery = "a=x+y&a=%2b&b=2&d" },
		"empty pairs":         func(r *Request) { r.RawQuery = "&&" + r.RawQuery + "&" },
		"raw path":            func(r *Request) { r.Path = "/a%20b(c)" },
		"lower case escapes":  func(r *Request) { r.Path = "/%61%20b%28c%29" },
		"spaces in a header":  func(r *Request) { r.Header["X-Amz-Meta-A"] = []string{"  two    words "} },
		"separators":          func(r *Request) { replaceAuth(r, ", ", ",") },
		"an unsigned header":  func(r *Request) { r.Header["User-Agent"] = []string{"x"} },
		"trailing separators": func(r *Request) { r.Header[headerAuthorization][0] += " " },
	} {
		changed := r
		changed.Header = maps.Clone(r.Header)
		changed.Header[headerAuthorization] = []string{r.Header[headerAuthorization][0]}
		change(&changed)
		if _, err := New(1).Verify(&changed, exampleLookup, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func replaceAuth(r *Request, from, to string) {
	r.Header[headerAuthorization] = []string{strings.ReplaceAll(r.Header[headerAuthorization][0], from, to)}
}

func TestSignAndPresign(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []Credentials{{exampleKey, exampleSecret, ""}, {exampleKey, exampleSecret, "tok/en+="}} {
		for _, s3 := range []bool{false, true} {
			service := "sqs"
			if s3 {
				service = "s3"
			}
			lookup := func(string) (string, string, error) { return c.Secret, c.Token, nil }
			r := Request{Method: "POST", Host: "localhost:4566", Path: "/a%20b", RawQuery: "x=1&a", Body: []byte("{}"), S3: s3, Service: service, Region: "eu-west-1",
				Header: map[string][]string{"Content-Type": {"application/json"}}}
			Sign(&r, c, now)
			res, err := New(1).Verify(&r, lookup, now.Add(4*time.Minute))
			if err != nil {
				t.Errorf("signed, %s: %v", service, err)
			}
			want := PayloadVerified
			if s3 {
				want = PayloadHash
			}
			if res.Payload != want {
				t.Errorf("payload %v", res.Payload)
			}
			r = Request{Method: "GET", Host: "localhost:4566", Path: "/a%20b", RawQuery: "x=1&a", S3: s3, Service: service, Region: "eu-west-1"}
			Presign(&r, c, now, time.Hour)
			if _, err := New(1).Verify(&r, lookup, now.Add(59*time.Minute)); err != nil {
				t.Errorf("presigned, %s: %v", service, err)
			}
			if !IsSigned(&r) {
				t.Error("a presigned request is not signed")
			}
			var e *Error
			if _, err := New(1).Verify(&r, lookup, now.Add(61*time.Minute)); !errors.As(err, &e) || e.Kind != PresignExpired {
				t.Errorf("presigned, %s, after an hour: %v", service, err)
			}
		}
	}
}

func TestVerifyText(t *testing.T) {
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
	scope := Auth{AccessKey: exampleKey, Day: "20151229", Region: "us-east-1", Service: "s3"}
	k := deriveKey(exampleSecret, &scope)
	sum := k.sign([]byte("policy"))
	v := New(4)
	hexed := ""
	for _, b := range sum {
		hexed += string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15])
	}
	if !v.VerifyText(scope, exampleSecret, "policy", hexed) || !v.VerifyText(scope, exampleSecret, "policy", strings.ToUpper(hexed)) {
		t.Error("a signed text does not verify")
	}
	if v.VerifyText(scope, exampleSecret, "Policy", hexed) || v.VerifyText(scope, exampleSecret, "policy", hexed[1:]) || v.VerifyText(scope, "x", "policy", hexed) {
		t.Error("another text, signature or secret verifies")
	}
}
