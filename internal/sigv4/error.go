package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind is what is wrong with a signature.
type Kind uint8

const (
	Missing         Kind = iota + 1 // the request is not signed
	Malformed                       // the signature's parts cannot be read
	Ambiguous                       // it is signed in the header and in the query
	Unsupported                     // it is signed in another way
	Skewed                          // the clocks differ too much, or the signature is old
	PresignExpired                  // the presigned URL has outlived itself
	BadExpires                      // its life is not between 0 and a week
	WrongScope                      // day, region, service or terminator are not the expected ones
	HostNotSigned                   // the signature does not cover the host
	HeadersUnsigned                 // S3: it does not cover an x-amz-* header
	BadPayloadHash                  // S3: x-amz-content-sha256 is missing or not a hash
	UnknownKey                      // nobody has the access key
	BadToken                        // the session token is missing or not the key's
	ExpiredToken                    // the session has ended
	Mismatch                        // another secret, or another request, was signed
	PayloadMismatch                 // the body does not have the hash that was signed
	ChunkMismatch                   // a chunk of the body is not signed by its signature
	BadChunk                        // the chunks of the body cannot be read
)

// A Dialect is a family of protocols in which the same failure has different
// codes, statuses and texts.
type Dialect uint8

const (
	JSON  Dialect = iota // awsJson and rpcv2Cbor: DynamoDB, SQS, Logs …
	REST                 // restJson: Lambda, API Gateway
	Query                // awsQuery and restXml: IAM, STS, SNS, CloudFormation …
	S3
)

// An Error is a signature that does not verify.
type Error struct {
	Kind Kind

	// Of a Mismatch, what S3 shows in elements of its own.
	AccessKey        string
	Signature        string // as provided
	StringToSign     string
	CanonicalRequest string

	// Unsigned are the headers of HeadersUnsigned, in lower case, by commas.
	Unsigned string

	text   string // for all dialects but S3's
	s3Code string
	s3Text string
}

// Error returns the text of the JSON dialect.
func (e *Error) Error() string { return e.text }

// Text returns AWS's message.
func (e *Error) Text(d Dialect) string {
	if d == S3 {
		return e.s3Text
	}
	return e.text
}

// Code returns AWS's error code.
func (e *Error) Code(d Dialect) string {
	if d == S3 {
		return e.s3Code
	}
	code := "SignatureDoesNotMatch"
	switch e.Kind {
	case Missing:
		code = "MissingAuthenticationToken"
	case Malformed, Unsupported, BadExpires, BadPayloadHash, HeadersUnsigned:
		code = "IncompleteSignature"
	case UnknownKey, BadToken:
		if d != Query {
			return "UnrecognizedClientException"
		}
		return "InvalidClientTokenId"
	case ExpiredToken:
		code = "ExpiredToken"
	default:
		if d != Query {
			return "InvalidSignatureException"
		}
	}
	if d != Query {
		code += "Exception"
	}
	return code
}

// Status returns the HTTP status.
func (e *Error) Status(d Dialect) int {
	switch {
	case d == JSON:
		return 400
	case d == S3:
		switch e.s3Code {
		case "AccessDenied", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidAccessKeyId", "InvalidChunkSizeError":
			return 403
		case "NotImplemented":
			return 501
		}
		return 400
	case d == Query && e.Code(Query) == "IncompleteSignature":
		return 400
	}
	return 403
}

// The rest of the file are AWS's texts.

// hashed is how messages cite a header that may hold a signature.
func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func errMissing() *Error {
	return &Error{Kind: Missing, text: "Request is missing Authentication Token", s3Code: "AccessDenied", s3Text: "Access Denied"}
}

func errBoth() *Error {
	return &Error{
		Kind:   Ambiguous,
		text:   "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
		s3Code: "InvalidArgument",
		s3Text: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
	}
}

func errUnsupportedMechanism(header string) *Error {
	e := &Error{Kind: Unsupported, text: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.", s3Code: "InvalidRequest"}
	e.s3Text = e.text
	if !strings.HasPrefix(header, "AWS ") {
		e.s3Code, e.s3Text = "InvalidArgument", "Unsupported Authorization Type"
	}
	return e
}

func malformedHeader(text, s3 string) *Error {
	return &Error{Kind: Malformed, text: text, s3Code: "AuthorizationHeaderMalformed", s3Text: "The authorization header is malformed; " + s3}
}

func malformedQuery(text, s3 string) *Error {
	return &Error{Kind: Malformed, text: text, s3Code: "AuthorizationQueryParametersError", s3Text: s3}
}

func errPair(pair, header string) *Error {
	return malformedHeader(
		"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"+hashed(header)+"'.",
		`the authorization component "`+pair+`" is malformed.`)
}

func errHeaderParts(credential, signature, signed, date bool, header string) *Error {
	var b strings.Builder
	s3 := "the authorization header requires three components: Credential, SignedHeaders, and Signature."
	for _, part := range []struct {
		ok       bool
		text, s3 string
	}{
		{credential, "Authorization header requires 'Credential' parameter. ", "missing Credential."},
		{signature, "Authorization header requires 'Signature' parameter. ", "missing Signature."},
		{signed, "Authorization header requires 'SignedHeaders' parameter. ", "missing SignedHeaders."},
		{date, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ", ""},
	} {
		if part.ok {
			continue
		}
		if b.Len() == 0 && part.s3 != "" {
			s3 = part.s3
		}
		b.WriteString(part.text)
	}
	e := malformedHeader(b.String()+"(Hashed with SHA-256 and encoded with Base64) Authorization="+hashed(header), s3)
	if credential && signature && signed {
		e.s3Code, e.s3Text = "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
	}
	return e
}

func errQueryParts(algo, credential, signature, signed, date string) *Error {
	var b strings.Builder
	for _, p := range [][2]string{
		{paramAlgorithm, algo}, {paramCredential, credential}, {paramSignature, signature},
		{paramSignedHeaders, signed}, {paramDate, date},
	} {
		if p[1] == "" {
			b.WriteString("AWS query-string parameters must include '" + p[0] + "'. ")
		}
	}
	return malformedQuery(b.String()+"Re-examine the query-string parameters.",
		"Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
}

func errDate(got string, query bool) *Error {
	text := "Date must be in ISO-8601 'basic format'. Got '" + got + "'. See http://en.wikipedia.org/wiki/ISO_8601"
	if query {
		return malformedQuery(text, `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	e := malformedHeader(text, "")
	e.s3Code, e.s3Text = "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
	return e
}

func errAlgorithm(got string, query bool) *Error {
	e := &Error{
		Kind:   Unsupported,
		text:   "Unsupported AWS 'algorithm': '" + got + "' (only AWS4-HMAC-SHA256 for now). ",
		s3Code: "InvalidRequest",
		s3Text: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
	}
	if query {
		e.s3Code, e.s3Text = "AuthorizationQueryParametersError", `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`
	}
	return e
}

func errCredential(got string, query bool) *Error {
	const s3 = `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`
	text := "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + got + "'"
	if query {
		return malformedQuery(text, "Error parsing the X-Amz-Credential parameter; "+s3)
	}
	return malformedHeader(text, s3)
}

const (
	expiresNotNumber = "X-Amz-Expires should be a number"
	expiresNegative  = "X-Amz-Expires must be non-negative"
	expiresTooLarge  = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
)

func errExpires(text string) *Error {
	return &Error{Kind: BadExpires, text: text, s3Code: "AuthorizationQueryParametersError", s3Text: text}
}

func stamp(t time.Time) string { return t.UTC().Format(isoBasic) }

const s3Skewed = "The difference between the request time and the current time is too large."

func errExpired(a *Auth, now time.Time, allowed time.Duration) *Error {
	return &Error{
		Kind: Skewed,
		text: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			a.Date, stamp(now.Add(-allowed)), stamp(now), int(allowed.Minutes())),
		s3Code: "RequestTimeTooSkewed",
		s3Text: s3Skewed,
	}
}

func errNotYet(a *Auth, now time.Time, allowed time.Duration) *Error {
	e := &Error{
		Kind: Skewed,
		text: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			a.Date, stamp(now.Add(allowed)), stamp(now), int(allowed.Minutes())),
		s3Code: "RequestTimeTooSkewed",
		s3Text: s3Skewed,
	}
	if a.Presigned {
		e.s3Code, e.s3Text = "AccessDenied", "Request is not valid yet"
	}
	return e
}

func errPresignExpired(a *Auth, now time.Time, life time.Duration) *Error {
	return &Error{
		Kind: PresignExpired,
		text: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			a.Date, stamp(now.Add(-life)), stamp(now), int(life.Minutes())),
		s3Code: "AccessDenied",
		s3Text: "Request has expired",
	}
}

func errScope(r *Request, a *Auth, region, service, day bool) *Error {
	e := &Error{Kind: WrongScope, s3Code: "AuthorizationHeaderMalformed"}
	prefix := "The authorization header is malformed; "
	if a.Presigned {
		e.s3Code, prefix = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "
	}
	var b strings.Builder
	say := func(text, s3 string) {
		b.WriteString(text)
		if e.s3Text == "" {
			e.s3Text = prefix + s3
		}
	}
	if region {
		say("Credential should be scoped to a valid region. ", fmt.Sprintf("the region '%s' is wrong; expecting '%s'", a.Region, r.Region))
	}
	if service {
		say("Credential should be scoped to correct service: '"+r.Service+"'. ", fmt.Sprintf(`incorrect service "%s". This endpoint belongs to "s3".`, a.Service))
	}
	if a.terminator != terminator {
		say("Credential should be scoped with a valid terminator: 'aws4_request', not '"+a.terminator+"'. ", fmt.Sprintf(`incorrect terminal "%s". This endpoint uses "aws4_request".`, a.terminator))
	}
	if day {
		say(fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", a.Day, a.Date[:8], a.Date),
			fmt.Sprintf(`Invalid credential date "%s". This date is not the same as X-Amz-Date: "%s".`, a.Day, a.Date[:8]))
	}
	e.text = b.String()
	return e
}

func errHost() *Error {
	return &Error{
		Kind:   HostNotSigned,
		text:   "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
		s3Code: "AccessDenied",
		s3Text: "There were headers present in the request which were not signed",
	}
}

func errNotSigned(names []string) *Error {
	slices.Sort(names)
	return &Error{
		Kind:     HeadersUnsigned,
		Unsigned: strings.Join(names, ", "),
		text:     "The request signature does not conform to AWS standards. Header(s) not signed: " + strings.Join(names, ", ") + ".",
		s3Code:   "AccessDenied",
		s3Text:   "There were headers present in the request which were not signed",
	}
}

func errNoPayloadHash() *Error {
	const text = "Missing required header for this request: x-amz-content-sha256"
	return &Error{Kind: BadPayloadHash, text: text, s3Code: "InvalidRequest", s3Text: text}
}

func errPayloadHash(got string) *Error {
	const text = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."
	e := &Error{Kind: BadPayloadHash, text: text, s3Code: "InvalidArgument", s3Text: text}
	if strings.Contains(got, "ECDSA") { // Signature Version 4A
		e.s3Code, e.s3Text = "NotImplemented", "A header you provided implies functionality that is not implemented"
	}
	return e
}

func errUnknownKey(accessKey string) *Error {
	return &Error{
		Kind:      UnknownKey,
		AccessKey: accessKey,
		text:      "The security token included in the request is invalid.",
		s3Code:    "InvalidAccessKeyId",
		s3Text:    "The AWS Access Key Id you provided does not exist in our records.",
	}
}

func errToken() *Error {
	return &Error{
		Kind:   BadToken,
		text:   "The security token included in the request is invalid",
		s3Code: "InvalidToken",
		s3Text: "The provided token is malformed or otherwise invalid.",
	}
}

func errExpiredToken() *Error {
	return &Error{
		Kind:   ExpiredToken,
		text:   "The security token included in the request is expired",
		s3Code: "ExpiredToken",
		s3Text: "The provided token has expired.",
	}
}

func errMismatch(a *Auth, canonical, sts string) *Error {
	return &Error{
		Kind:             Mismatch,
		AccessKey:        a.AccessKey,
		Signature:        a.Signature,
		StringToSign:     sts,
		CanonicalRequest: canonical,
		text: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n" +
			"The Canonical String for this request should have been\n'" + canonical + "'\n\nThe String-to-Sign should have been\n'" + sts + "'\n",
		s3Code: "SignatureDoesNotMatch",
		s3Text: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
	}
}
