package sigv4

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Everything that can be wrong with a signature, with the code, the status and
// the beginning of the text in each dialect.
func TestErrors(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := Credentials{AccessKey: exampleKey, Secret: exampleSecret}
	type answer struct {
		code   string
		status int
		text   string
	}
	set := func(name, value string) func(*Request) {
		return func(r *Request) { r.Header[name] = []string{value} }
	}
	auth := func(value string) func(*Request) { return set(headerAuthorization, value) }
	presign := func(from, to string) func(*Request) {
		return func(r *Request) {
			r.Header = map[string][]string{}
			Presign(r, c, now, time.Hour)
			r.RawQuery = strings.Replace(r.RawQuery, from, to, 1)
		}
	}
	invalid := func(text string) []answer {
		return []answer{
			{"InvalidSignatureException", 400, text}, {"InvalidSignatureException", 403, text}, {"SignatureDoesNotMatch", 403, text},
		}
	}
	incomplete := func(text string) []answer {
		return []answer{
			{"IncompleteSignatureException", 400, text}, {"IncompleteSignatureException", 403, text}, {"IncompleteSignature", 400, text},
		}
	}
	unknown := func(text string) []answer {
		return []answer{
			{"UnrecognizedClientException", 400, text}, {"UnrecognizedClientException", 403, text}, {"InvalidClientTokenId", 403, text},
		}
	}
	for _, tt := range []struct {
		name   string
		change func(r *Request)
		lookup Lookup
		now    time.Time
		kind   Kind
		want   []answer // JSON, REST, Query
		s3     answer
	}{
		{
			name: "not signed", change: func(r *Request) { delete(r.Header, headerAuthorization) }, kind: Missing,
			want: []answer{
				{"MissingAuthenticationTokenException", 400, "Request is missing Authentication Token"},
				{"MissingAuthenticationTokenException", 403, "Request is missing Authentication Token"},
				{"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
			},
			s3: answer{"AccessDenied", 403, "Access Denied"},
		},
		{
			name: "signed twice", change: func(r *Request) { r.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }, kind: Ambiguous,
			want: invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."),
			s3:   answer{"InvalidArgument", 400, "Only one auth mechanism allowed;"},
		},
		{
			name: "only the algorithm", change: auth("AWS4-HMAC-SHA256"), kind: Malformed,
			want: incomplete("Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="),
			s3:   answer{"AuthorizationHeaderMalformed", 400, "The authorization header is malformed; missing Credential."},
		},
		{
			name: "no date", change: func(r *Request) { delete(r.Header, headerDate) }, kind: Malformed,
			want: incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed"),
			s3:   answer{"AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"},
		},
		{
			name: "a space in the key", change: func(r *Request) { replaceAuth(r, exampleKey, exampleKey+" ") }, kind: Malformed,
			want: incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"),
			s3:   answer{"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; the authorization component "/20260102/eu-west-1/`},
		},
		{
			name: "another date", change: set(headerDate, "2026-01-02"), kind: Malformed,
			want: incomplete("Date must be in ISO-8601 'basic format'. Got '2026-01-02'. See http://en.wikipedia.org/wiki/ISO_8601"),
			s3:   answer{"AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"},
		},
		{
			name: "no such date", change: set(headerDate, "20260231T000000Z"), kind: Malformed,
			want: incomplete("Date must be in ISO-8601 'basic format'. Got '20260231T000000Z'."),
			s3:   answer{"AccessDenied", 403, "AWS authentication requires"},
		},
		{
			name: "another algorithm", change: func(r *Request) { replaceAuth(r, "HMAC-SHA256", "ECDSA-P256-SHA256") }, kind: Unsupported,
			want: incomplete("Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). "),
			s3:   answer{"InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."},
		},
		{
			name: "a short credential", change: func(r *Request) { replaceAuth(r, "/aws4_request", "") }, kind: Malformed,
			want: incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + exampleKey + "/20260102/eu-west-1/"),
			s3:   answer{"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		},
		{
			name: "another region", change: func(r *Request) { replaceAuth(r, "eu-west-1", "us-east-1") }, kind: WrongScope,
			want: invalid("Credential should be scoped to a valid region. "),
			s3:   answer{"AuthorizationHeaderMalformed", 400, "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		},
		{
			name: "another service", change: func(r *Request) { r.Service = "dynamodb" }, kind: WrongScope,
			want: invalid("Credential should be scoped to correct service: 'dynamodb'. "),
			s3:   answer{"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; incorrect service "s3".`},
		},
		{
			name: "another end and day", change: func(r *Request) { replaceAuth(r, "aws4_request", "end"); replaceAuth(r, "20260102/", "20260103/") }, kind: WrongScope,
			want: invalid("Credential should be scoped with a valid terminator: 'aws4_request', not 'end'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260103' != '20260102', from '20260102T030405Z'."),
			s3:   answer{"AuthorizationHeaderMalformed", 400, `The authorization header is malformed; incorrect terminal "end". This endpoint uses "aws4_request".`},
		},
		{
			name: "too old", now: now.Add(15*time.Minute + time.Second), kind: Skewed,
			want: invalid("Signature expired: 20260102T030405Z is now earlier than 20260102T031406Z (20260102T031906Z - 5 min.)"),
			s3:   answer{"RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."},
		},
		{
			name: "too young", now: now.Add(-16 * time.Minute), kind: Skewed,
			want: invalid("Signature not yet current: 20260102T030405Z is still later than 20260102T025305Z (20260102T024805Z + 5 min.)"),
			s3:   answer{"RequestTimeTooSkewed", 403, "The difference between"},
		},
		{
			name: "host not signed", change: func(r *Request) { replaceAuth(r, "host;", "") }, kind: HostNotSigned,
			want: invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
			s3:   answer{"AccessDenied", 403, "There were headers present in the request which were not signed"},
		},
		{
			name: "unknown key", lookup: func(string) (string, string, error) { return "", "", ErrUnknownKey }, kind: UnknownKey,
			want: unknown("The security token included in the request is invalid."),
			s3:   answer{"InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
		},
		{
			name: "no token", lookup: func(string) (string, string, error) { return exampleSecret, "token", nil }, kind: BadToken,
			want: unknown("The security token included in the request is invalid"),
			s3:   answer{"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
		},
		{
			name: "expired token", lookup: func(string) (string, string, error) { return "", "", ErrExpiredToken }, kind: ExpiredToken,
			want: []answer{
				{"ExpiredTokenException", 400, "The security token included in the request is expired"},
				{"ExpiredTokenException", 403, "The security token included in the request is expired"},
				{"ExpiredToken", 403, "The security token included in the request is expired"},
			},
			s3: answer{"ExpiredToken", 400, "The provided token has expired."},
		},
		{
			name: "another secret", lookup: func(string) (string, string, error) { return "x", "", nil }, kind: Mismatch,
			want: invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nhost:localhost:4566\n"),
			s3:   answer{"SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
		},
		{
			name: "a signature that is none", change: func(r *Request) { replaceAuth(r, "Signature=", "Signature=x") }, kind: Mismatch,
			want: invalid("The request signature we calculated"), s3: answer{"SignatureDoesNotMatch", 403, "The request signature"},
		},
		{
			name: "presigned without a date", change: presign("X-Amz-Date=20260102T030405Z", "a=b"), kind: Malformed,
			want: incomplete("AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."),
			s3:   answer{"AuthorizationQueryParametersError", 400, "Query-string authentication version 4 requires the X-Amz-Algorithm, "},
		},
		{
			name: "presigned, another date", change: presign("X-Amz-Date=20260102T030405Z", "X-Amz-Date=today"), kind: Malformed,
			want: incomplete("Date must be in ISO-8601 'basic format'. Got 'today'."),
			s3:   answer{"AuthorizationQueryParametersError", 400, `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`},
		},
		{
			name: "presigned, another algorithm", change: presign("AWS4-HMAC", "AWS5-HMAC"), kind: Unsupported,
			want: incomplete("Unsupported AWS 'algorithm': 'AWS5-HMAC-SHA256'"),
			s3:   answer{"AuthorizationQueryParametersError", 400, "X-Amz-Algorithm only supports"},
		},
		{
			name: "presigned for too long", change: presign("X-Amz-Expires=3600", "X-Amz-Expires=604801"), kind: BadExpires,
			want: incomplete("X-Amz-Expires must be less than a week (in seconds)"),
			s3:   answer{"AuthorizationQueryParametersError", 400, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"},
		},
		{
			name: "presigned backwards", change: presign("X-Amz-Expires=3600", "X-Amz-Expires=-1"), kind: BadExpires,
			want: incomplete("X-Amz-Expires must be non-negative"), s3: answer{"AuthorizationQueryParametersError", 400, "X-Amz-Expires must be non-negative"},
		},
		{
			name: "presigned for an hour", change: presign("X-Amz-Expires=3600", "X-Amz-Expires=1h"), kind: BadExpires,
			want: incomplete("X-Amz-Expires should be a number"), s3: answer{"AuthorizationQueryParametersError", 400, "X-Amz-Expires should be a number"},
		},
		{
			name: "presigned and expired", change: presign("", ""), now: now.Add(time.Hour + time.Second), kind: PresignExpired,
			want: invalid("Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260102T040406Z - 60 min.)"),
			s3:   answer{"AccessDenied", 403, "Request has expired"},
		},
		{
			name: "presigned for tomorrow", change: presign("", ""), now: now.Add(-time.Hour), kind: Skewed,
			want: invalid("Signature not yet current: "), s3: answer{"AccessDenied", 403, "Request is not valid yet"},
		},
		{
			name: "presigned, another region", change: presign("eu-west-1", "us-east-1"), kind: WrongScope,
			want: invalid("Credential should be scoped to a valid region. "),
			s3:   answer{"AuthorizationQueryParametersError", 400, "Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		},
		{
			name: "presigned, short credential", change: presign("%2Faws4_request", ""), kind: Malformed,
			want: incomplete("Credential must have exactly 5"),
			s3:   answer{"AuthorizationQueryParametersError", 400, "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed;"},
		},

		// Only under S3's rules.
		{
			name: "the old way", change: auth("AWS AKIA:sig"), kind: Unsupported,
			s3: answer{"InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."},
		},
		{name: "a bearer", change: auth("Bearer x"), kind: Unsupported, s3: answer{"InvalidArgument", 400, "Unsupported Authorization Type"}},
		{
			name: "a header not signed", change: set("X-Amz-Acl", "public-read"), kind: HeadersUnsigned,
			s3: answer{"AccessDenied", 403, "There were headers present in the request which were not signed"},
		},
		{
			name: "no hash", change: func(r *Request) { delete(r.Header, headerPayload) }, kind: BadPayloadHash,
			s3: answer{"InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"},
		},
		{name: "not a hash", change: set(headerPayload, "x"), kind: BadPayloadHash, s3: answer{"InvalidArgument", 400, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD,"}},
		{name: "asymmetric chunks", change: set(headerPayload, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), kind: BadPayloadHash, s3: answer{"NotImplemented", 501, "A header you provided"}},
	} {
		for _, s3 := range []bool{false, true} {
			if !s3 && tt.want == nil {
				continue
			}
			r := &Request{Method: "POST", Host: "localhost:4566", Path: "/", S3: s3, Service: "sqs", Region: "eu-west-1", Header: map[string][]string{"X-Amz-A": {"b"}}}
			if s3 {
				r.Service = "s3"
			}
			Sign(r, c, now)
			if tt.change != nil {
				tt.change(r)
			}
			lookup, at := tt.lookup, tt.now
			if lookup == nil {
				lookup = exampleLookup
			}
			if at.IsZero() {
				at = now
			}
			_, err := New(1).Verify(r, lookup, at)
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if e.Kind != tt.kind || e.Error() != e.Text(JSON) {
				t.Errorf("%s: kind %d, want %d: %v", tt.name, e.Kind, tt.kind, e)
			}
			if strings.Contains(e.Text(JSON)+e.Text(S3), exampleSecret) {
				t.Errorf("%s: the error tells the secret", tt.name)
			}
			answers := map[Dialect]answer{S3: tt.s3}
			if !s3 {
				answers = map[Dialect]answer{JSON: tt.want[0], REST: tt.want[1], Query: tt.want[2]}
			}
			for d, want := range answers {
				if e.Code(d) != want.code || e.Status(d) != want.status || !strings.HasPrefix(e.Text(d), want.text) {
					t.Errorf("%s, dialect %d:\n got %d %s %q\nwant %d %s %q", tt.name, d, e.Status(d), e.Code(d), e.Text(d), want.status, want.code, want.text)
				}
			}
		}
	}
}

// Failures of the lookup are not failures of the signature.
func TestLookupFails(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Request{Method: "POST", Host: "h", Path: "/", Service: "sqs", Region: "eu-west-1"}
	Sign(r, Credentials{exampleKey, exampleSecret, ""}, now)
	broken := errors.New("the store is closed")
	if _, err := New(1).Verify(r, func(string) (string, string, error) { return "", "", broken }, now); err != broken {
		t.Errorf("error %v", err)
	}
}

func TestMismatchShowsWhatWasExpected(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Request{Method: "GET", Host: "h", Path: "/k", S3: true, Service: "s3", Region: "eu-west-1"}
	Sign(r, Credentials{exampleKey, exampleSecret, ""}, now)
	r.Path = "/l"
	_, err := New(1).Verify(r, exampleLookup, now)
	var e *Error
	if !errors.As(err, &e) || e.AccessKey != exampleKey || len(e.Signature) != 64 ||
		!strings.HasPrefix(e.CanonicalRequest, "GET\n/l\n\nhost:h\n") || !strings.HasPrefix(e.StringToSign, "AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/eu-west-1/s3/aws4_request\n") {
		t.Errorf("error %+v", err)
	}
}

// The service of a request is not known before it is parsed.
func TestParseIsEnoughToRoute(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Request{Method: "POST", Host: "h", Path: "/", Service: "sqs", Region: "eu-west-1"}
	Sign(r, Credentials{exampleKey, exampleSecret, ""}, now)
	r.Service, r.Region = "", ""
	a, err := Parse(r)
	if err != nil || a.Service != "sqs" || a.Region != "eu-west-1" || a.AccessKey != exampleKey || !a.Time.Equal(now) {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := New(1).VerifyAuth(r, a, exampleLookup, now); err != nil {
		t.Error(err)
	}
	if IsSigned(&Request{RawQuery: "q=X-Amz-Signature&X-Amz-Signatures=1"}) || IsSigned(&Request{}) {
		t.Error("an unsigned request is signed")
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	v := New(3)
	now := time.Date(2026, 1, 2, 23, 59, 0, 0, time.UTC)
	for i := range 40 {
		at := now.Add(time.Duration(i) * 15 * time.Minute) // over midnight
		c := Credentials{AccessKey: "AKIA" + string(rune('A'+i%7)), Secret: "s" + string(rune('A'+i%7))}
		r := &Request{Method: "POST", Host: "h", Path: "/", Service: "sqs", Region: "eu-west-1"}
		Sign(r, c, at)
		for range 2 {
			if _, err := v.Verify(r, func(string) (string, string, error) { return c.Secret, "", nil }, at); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(v.keys.keys); n > 3 {
			t.Fatalf("%d keys", n)
		}
		// A request that does not verify leaves no key behind.
		before := len(v.keys.keys)
		replaceAuth(r, c.AccessKey, "OTHER")
		if _, err := v.Verify(r, func(string) (string, string, error) { return "other", "", nil }, at); err == nil || len(v.keys.keys) != before {
			t.Fatalf("error %v, %d keys", err, len(v.keys.keys))
		}
	}
	if before := len(v.keys.keys); before == 0 {
		t.Error("no keys are remembered")
	}
	// A secret that was changed is not verified with the key of the old one.
	r := &Request{Method: "POST", Host: "h", Path: "/", Service: "sqs", Region: "eu-west-1"}
	for _, secret := range []string{"old", "new"} {
		Sign(r, Credentials{exampleKey, secret, ""}, now)
		if _, err := v.Verify(r, func(string) (string, string, error) { return secret, "", nil }, now); err != nil {
			t.Errorf("%s secret: %v", secret, err)
		}
	}
}
