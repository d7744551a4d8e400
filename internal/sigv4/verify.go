package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"
)

// Errors that a [Lookup] returns, or wraps, for AWS to be told apart. Any
// other error of a Lookup comes back from Verify as it is.
var (
	ErrUnknownKey   = errors.New("the access key is not known")
	ErrExpiredToken = errors.New("the session has expired")
)

// A Lookup returns the secret of an access key, and the session token that
// must come with it, which is empty for long-term keys.
type Lookup func(accessKey string) (secret, token string, err error)

// A Verifier verifies signatures.
type Verifier struct {
	keys     keyCache
	builders sync.Pool
}

// New returns a Verifier that remembers up to max signing keys. A client needs
// one a day for each region and service that it calls.
func New(max int) *Verifier {
	return &Verifier{keys: keyCache{max: max}}
}

// A Result is a verified request.
type Result struct {
	Auth
	Payload Payload

	hash string // of the payload, for [PayloadHash]
	key  key    // signs the chunks of a streamed body
}

// A Payload is how the body is protected.
type Payload uint8

const (
	// PayloadVerified: the body was part of the signature and is verified.
	PayloadVerified Payload = iota
	// PayloadHash: the signature covers a hash that the body has yet to match.
	PayloadHash
	// PayloadUnsigned: nothing protects the body.
	PayloadUnsigned
	// PayloadChunks: the body is in chunks, each with a signature.
	PayloadChunks
	// PayloadChunksTrailer: the same, followed by signed trailers.
	PayloadChunksTrailer
	// PayloadUnsignedTrailer: the body is in chunks without signatures, and
	// trailers hold its checksum.
	PayloadUnsignedTrailer
)

const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	streamingChunks  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingPlain   = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

const (
	skew         = 5 * time.Minute
	skewS3       = 15 * time.Minute
	queryDefault = 15 * time.Minute // of a query without X-Amz-Expires, as STS takes it
)

// Verify decides whether the request was signed by who holds the secret of its
// access key, and recently. The checks come in AWS's order: form, time, scope,
// key, signature, session token. An error is an [*Error], or what lookup
// returned when it is neither ErrUnknownKey nor ErrExpiredToken.
func (v *Verifier) Verify(r *Request, lookup Lookup, now time.Time) (Result, error) {
	a, err := Parse(r)
	if err != nil {
		return Result{}, err
	}
	return v.VerifyAuth(r, a, lookup, now)
}

// VerifyAuth is [Verifier.Verify] for a request that was parsed before.
func (v *Verifier) VerifyAuth(r *Request, a Auth, lookup Lookup, now time.Time) (Result, error) {
	if err := checkTime(r, &a, now); err != nil {
		return Result{}, err
	}
	if err := checkScope(r, &a); err != nil {
		return Result{}, err
	}
	if err := checkSigned(r, &a); err != nil {
		return Result{}, err
	}
	payload, hash, err := payloadOf(r, &a)
	if err != nil {
		return Result{}, err
	}
	secret, token, err := lookup(a.AccessKey)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return Result{}, errUnknownKey(a.AccessKey)
	case errors.Is(err, ErrExpiredToken):
		return Result{}, errExpiredToken()
	case err != nil:
		return Result{}, err
	}
	k, cached := v.keys.get(secret, &a)
	if err := v.compare(r, &a, &k, hash); err != nil {
		return Result{}, err
	}
	if subtle.ConstantTimeCompare([]byte(a.Token), []byte(token)) != 1 {
		return Result{}, errToken()
	}
	if !cached {
		v.keys.put(secret, &a, k)
	}
	return Result{Auth: a, Payload: payload, hash: hash, key: k}, nil
}

// compare computes the signature and compares it. Where clients differ in what
// they sign, each form is tried: the path as it came, then without its empty
// and dot segments.
func (v *Verifier) compare(r *Request, a *Auth, k *key, hash string) error {
	w, _ := v.builders.Get().(*builder)
	if w == nil {
		w = new(builder)
	}
	defer v.builders.Put(w)

	given, formed := decodeSignature(a.Signature)

	w.canonical(r, a, r.Path, hash)
	w.stringToSign(a)
	sum := k.sign(w.sts)
	if formed && subtle.ConstantTimeCompare(sum[:], given[:]) == 1 {
		return nil
	}
	if formed && !r.S3 && (strings.Contains(r.Path, "//") || strings.Contains(r.Path, "/.")) {
		other := builder{}
		other.canonical(r, a, normalize(r.Path), hash)
		other.stringToSign(a)
		if sum := k.sign(other.sts); subtle.ConstantTimeCompare(sum[:], given[:]) == 1 {
			return nil
		}
	}
	return errMismatch(a, string(w.b), string(w.sts))
}

// decodeSignature reads 64 hexadecimal digits.
func decodeSignature(s string) (sum [sha256.Size]byte, ok bool) {
	if len(s) != 2*len(sum) {
		return sum, false
	}
	for i := range sum {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi < 0 || lo < 0 {
			return sum, false
		}
		sum[i] = byte(hi<<4 | lo)
	}
	return sum, true
}

func checkTime(r *Request, a *Auth, now time.Time) error {
	allowed := skew
	if r.S3 {
		allowed = skewS3
	}
	if a.Presigned && (a.expiresSet || !r.S3) {
		life := a.Expires
		if !a.expiresSet {
			life = queryDefault
		}
		switch end := a.Time.Add(life); {
		case now.After(end):
			return errPresignExpired(a, now, life)
		case a.Time.After(now.Add(allowed)):
			return errNotYet(a, now, allowed)
		}
		return nil
	}
	switch {
	case a.Time.Before(now.Add(-allowed)):
		return errExpired(a, now, allowed)
	case a.Time.After(now.Add(allowed)):
		return errNotYet(a, now, allowed)
	}
	return nil
}

func checkScope(r *Request, a *Auth) error {
	region := r.Region != "" && a.Region != r.Region || a.Region == ""
	service := r.Service != "" && a.Service != r.Service || a.Service == ""
	day := !strings.HasPrefix(a.Date, a.Day) || len(a.Day) != len("20060102")
	if region || service || day || a.terminator != terminator {
		return errScope(r, a, region, service, day)
	}
	return nil
}

// checkSigned checks that the signature covers what it must: the host, and
// under S3's rules every x-amz-* header that is there.
func checkSigned(r *Request, a *Auth) error {
	if !lists(a.SignedHeaders, "host") && !lists(a.SignedHeaders, ":authority") {
		return errHost()
	}
	if !r.S3 {
		return nil
	}
	var missing []string
	for name := range r.Header {
		if len(name) > 6 && strings.EqualFold(name[:6], "x-amz-") && !lists(a.SignedHeaders, name) {
			missing = append(missing, strings.ToLower(name))
		}
	}
	if missing != nil {
		return errNotSigned(missing)
	}
	return nil
}

// lists reports whether a list of headers has a name, in any case.
func lists(signed, name string) bool {
	for more := signed != ""; more; {
		var s string
		s, signed, more = strings.Cut(signed, ";")
		if len(s) == len(name) && strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}

// payloadOf returns how the body is protected and the last line of the
// canonical request.
func payloadOf(r *Request, a *Auth) (Payload, string, error) {
	header := r.get(headerPayload)
	if !r.S3 {
		if header == unsignedPayload {
			return PayloadUnsigned, header, nil
		}
		sum := sha256.Sum256(r.Body)
		return PayloadVerified, hex.EncodeToString(sum[:]), nil
	}
	if a.Presigned && header == "" {
		return PayloadUnsigned, unsignedPayload, nil
	}
	switch header {
	case unsignedPayload:
		return PayloadUnsigned, header, nil
	case streamingChunks:
		return PayloadChunks, header, nil
	case streamingTrailer:
		return PayloadChunksTrailer, header, nil
	case streamingPlain:
		return PayloadUnsignedTrailer, header, nil
	case "":
		return 0, "", errNoPayloadHash()
	}
	if len(header) != 2*sha256.Size || !isHex(header) {
		return 0, "", errPayloadHash(header)
	}
	return PayloadHash, header, nil
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if unhex(s[i]) < 0 {
			return false
		}
	}
	return true
}

// VerifyText decides whether signature, in hexadecimal, signs a text under a
// scope: the policy of a browser's POST to S3. Only AccessKey, Day, Region and
// Service of the scope are used.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
func (v *Verifier) VerifyText(scope Auth, secret, text, signature string) bool {
	k, _ := v.keys.get(secret, &scope)
	want := k.sign([]byte(text))
	given, formed := decodeSignature(signature)
	return formed && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}
