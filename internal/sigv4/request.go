package sigv4

import (
	"strings"
	"time"
)

// A Request is what a signature covers, as it came over the wire. An
// [http.Request] of a server has all of it: Host, URL.EscapedPath() or the
// path of RequestURI, URL.RawQuery, Header and ContentLength.
//
// [http.Request]: https://pkg.go.dev/net/http#Request
type Request struct {
	Method        string
	Host          string
	Path          string              // still escaped
	RawQuery      string              // without the '?'
	Header        map[string][]string // keys in canonical MIME form
	ContentLength int64               // for servers that take the header away
	Body          []byte              // all of it; not read under S3's rules

	// S3 selects S3's rules: the path is escaped once, the hash of the payload
	// comes from its header, all x-amz-* headers must be signed, and clocks
	// may differ by 15 minutes instead of 5.
	S3 bool

	// Service and Region are what the credential must be scoped to. Empty
	// accepts any, and the caller routes by what [Auth] says.
	Service string
	Region  string
}

// get returns the first value of a header.
func (r *Request) get(canonicalName string) string {
	if v := r.Header[canonicalName]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// An Auth is what a request says about its signature.
type Auth struct {
	AccessKey     string
	Day           string // of the credential scope, YYYYMMDD
	Region        string
	Service       string
	SignedHeaders string // joined by semicolons
	Signature     string // in hexadecimal
	Token         string // the session token, or empty
	Time          time.Time
	Date          string        // Time in ISO 8601's basic format
	Presigned     bool          // the signature was in the query
	Expires       time.Duration // of a presigned URL, counted from Time

	terminator string
	expiresSet bool
}

// scope appends the credential scope.
func (a *Auth) scope(b []byte) []byte {
	b = append(b, a.Day...)
	b = append(b, '/')
	b = append(b, a.Region...)
	b = append(b, '/')
	b = append(b, a.Service...)
	return append(b, "/aws4_request"...)
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z"
)

// Names of query parameters and headers.
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramSignature     = "X-Amz-Signature"
	paramToken         = "X-Amz-Security-Token"

	headerAuthorization = "Authorization"
	headerDate          = "X-Amz-Date"
	headerHTTPDate      = "Date"
	headerToken         = "X-Amz-Security-Token"
	headerPayload       = "X-Amz-Content-Sha256"
)

// IsSigned reports whether the request claims to be signed at all. A request
// that does not is anonymous, which some services let in.
func IsSigned(r *Request) bool {
	return r.get(headerAuthorization) != "" || isPresigned(r.RawQuery)
}

func isPresigned(rawQuery string) bool {
	return hasParam(rawQuery, paramAlgorithm) || hasParam(rawQuery, paramSignature) || hasParam(rawQuery, paramCredential)
}

func hasParam(rawQuery, name string) bool {
	for q := rawQuery; ; {
		i := strings.Index(q, name)
		if i < 0 {
			return false
		}
		end := i + len(name)
		if (i == 0 || q[i-1] == '&') && (end == len(q) || q[end] == '=' || q[end] == '&') {
			return true
		}
		q = q[end:]
	}
}

// Parse reads what the request says about its signature, without verifying
// anything: a front end routes by Service and Region before it knows whose
// secret to ask for.
func Parse(r *Request) (Auth, error) {
	header, presigned := r.get(headerAuthorization), isPresigned(r.RawQuery)
	switch {
	case header != "" && presigned:
		return Auth{}, errBoth()
	case header != "":
		return parseHeader(r, header)
	case presigned:
		return parseQuery(r)
	}
	return Auth{}, errMissing()
}

func parseHeader(r *Request, header string) (Auth, error) {
	header = strings.TrimSpace(header)
	if !strings.HasPrefix(header, "AWS4-") {
		if r.S3 {
			return Auth{}, errUnsupportedMechanism(header)
		}
		return Auth{}, errMissing()
	}
	algo, rest, _ := strings.Cut(header, " ")
	var a Auth
	var credential string
	var hasCredential, hasSignature, hasSigned bool
	for rest != "" {
		var pair string
		if i := strings.IndexAny(rest, ", "); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			pair, rest = rest, ""
		}
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return Auth{}, errPair(pair, header)
		}
		switch name {
		case "Credential":
			credential, hasCredential = value, value != ""
		case "SignedHeaders":
			a.SignedHeaders, hasSigned = value, true
		case "Signature":
			a.Signature, hasSignature = value, value != ""
		}
	}
	date := r.get(headerDate)
	if date == "" {
		date = r.get(headerHTTPDate)
	}
	if !hasCredential || !hasSignature || !hasSigned || date == "" {
		return Auth{}, errHeaderParts(hasCredential, hasSignature, hasSigned, date != "", header)
	}
	a.Token = r.get(headerToken)
	if err := a.setDate(date); err != nil {
		return Auth{}, err
	}
	if algo != algorithm {
		return Auth{}, errAlgorithm(algo, false)
	}
	if err := a.setCredential(credential, false); err != nil {
		return Auth{}, err
	}
	return a, nil
}

// parseQuery reads a presigned URL.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func parseQuery(r *Request) (Auth, error) {
	a := Auth{Presigned: true}
	var algo, credential, date, expires string
	for q := r.RawQuery; q != ""; {
		var pair string
		pair, q, _ = strings.Cut(q, "&")
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		var to *string
		switch name {
		case paramAlgorithm:
			to = &algo
		case paramCredential:
			to = &credential
		case paramDate:
			to = &date
		case paramExpires:
			to = &expires
			a.expiresSet = true
		case paramSignedHeaders:
			to = &a.SignedHeaders
		case paramSignature:
			to = &a.Signature
		case paramToken:
			to = &a.Token
		default:
			continue
		}
		*to = unescape(value)
	}
	if algo == "" || credential == "" || a.Signature == "" || a.SignedHeaders == "" || date == "" || r.S3 && !a.expiresSet {
		return Auth{}, errQueryParts(algo, credential, a.Signature, a.SignedHeaders, date)
	}
	if a.Token == "" {
		a.Token = r.get(headerToken)
	}
	if err := a.setDate(date); err != nil {
		return Auth{}, err
	}
	if algo != algorithm {
		return Auth{}, errAlgorithm(algo, true)
	}
	if err := a.setCredential(credential, true); err != nil {
		return Auth{}, err
	}
	if err := a.setExpires(expires); err != nil {
		return Auth{}, err
	}
	return a, nil
}

// setDate reads ISO 8601's basic format, or what the Date header of HTTP holds.
func (a *Auth) setDate(s string) error {
	if t, ok := parseBasic(s); ok {
		a.Time, a.Date = t, s
		return nil
	}
	if !a.Presigned {
		for _, layout := range [...]string{time.RFC1123, time.RFC850, time.ANSIC} { // RFC 9110, 5.6.7
			if t, err := time.Parse(layout, s); err == nil {
				a.Time = t.UTC()
				a.Date = a.Time.Format(isoBasic)
				return nil
			}
		}
	}
	return errDate(s, a.Presigned)
}

// parseBasic reads 20060102T150405Z. It is [time.Parse] for one layout, which
// is a fifth of the cost of a verification otherwise.
func parseBasic(s string) (time.Time, bool) {
	if len(s) != len(isoBasic) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	var n [6]int
	for i, span := range [6][2]int{{0, 4}, {4, 6}, {6, 8}, {9, 11}, {11, 13}, {13, 15}} {
		for _, c := range []byte(s[span[0]:span[1]]) {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	// time.Date carries overflows over; a valid date does not change.
	ok := t.Month() == time.Month(n[1]) && t.Day() == n[2] && t.Hour() == n[3] && t.Minute() == n[4] && n[5] < 60
	return t, ok
}

// setCredential takes access-key/day/region/service/aws4_request apart. An
// access key may hold slashes in some of AWS's clones; AWS's own never do.
func (a *Auth) setCredential(s string, query bool) error {
	trimmed := strings.TrimRight(s, "/")
	if strings.Count(trimmed, "/") != 4 {
		return errCredential(s, query)
	}
	a.AccessKey, trimmed, _ = strings.Cut(trimmed, "/")
	a.Day, trimmed, _ = strings.Cut(trimmed, "/")
	a.Region, trimmed, _ = strings.Cut(trimmed, "/")
	a.Service, a.terminator, _ = strings.Cut(trimmed, "/")
	if a.AccessKey == "" {
		return errCredential(s, query)
	}
	return nil
}

// maxExpires is the longest life of a presigned URL: a week.
const maxExpires = 604800

func (a *Auth) setExpires(s string) error {
	if !a.expiresSet {
		return nil
	}
	n, negative := 0, strings.HasPrefix(s, "-")
	digits := strings.TrimPrefix(s, "-")
	if digits == "" {
		return errExpires(expiresNotNumber)
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return errExpires(expiresNotNumber)
		}
		if n <= maxExpires {
			n = n*10 + int(c-'0')
		}
	}
	switch {
	case negative:
		return errExpires(expiresNegative)
	case n > maxExpires:
		return errExpires(expiresTooLarge)
	}
	a.Expires = time.Duration(n) * time.Second
	return nil
}
