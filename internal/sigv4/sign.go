package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials are what a request is signed with.
type Credentials struct {
	AccessKey string
	Secret    string
	Token     string // of a session
}

// Sign signs the request in its headers, for its Service and Region: it adds
// X-Amz-Date, for a session X-Amz-Security-Token, under S3's rules
// X-Amz-Content-Sha256 unless that is set, and Authorization. It signs the
// host and all headers that are there.
//
// It is how the platform calls itself in tests; applications use their SDK.
func Sign(r *Request, c Credentials, now time.Time) {
	if r.Header == nil {
		r.Header = make(map[string][]string)
	}
	now = now.UTC()
	r.Header[headerDate] = []string{now.Format(isoBasic)}
	if c.Token != "" {
		r.Header[headerToken] = []string{c.Token}
	}
	hash := r.hashForSigning(false)
	delete(r.Header, headerAuthorization)
	a := r.authFor(c, now)
	sum := sum(r, &a, c.Secret, hash)
	r.Header[headerAuthorization] = []string{
		algorithm + " Credential=" + c.AccessKey + "/" + string(a.scope(nil)) +
			", SignedHeaders=" + a.SignedHeaders + ", Signature=" + hex.EncodeToString(sum[:]),
	}
}

// Presign signs the request in its query, which it replaces. Whoever has the
// URL may use it until expires has passed.
func Presign(r *Request, c Credentials, now time.Time, expires time.Duration) {
	now = now.UTC()
	a := r.authFor(c, now)
	hash := r.hashForSigning(true)
	params := []string{
		paramAlgorithm + "=" + algorithm,
		paramCredential + "=" + string(appendText(nil, c.AccessKey+"/"+string(a.scope(nil)))),
		paramDate + "=" + a.Date,
		paramExpires + "=" + strconv.Itoa(int(expires.Seconds())),
		paramSignedHeaders + "=" + string(appendText(nil, a.SignedHeaders)),
	}
	if c.Token != "" {
		params = append(params, paramToken+"="+string(appendText(nil, c.Token)))
	}
	if r.RawQuery != "" {
		params = append(params, r.RawQuery)
	}
	r.RawQuery = strings.Join(params, "&")
	sum := sum(r, &a, c.Secret, hash)
	r.RawQuery += "&" + paramSignature + "=" + hex.EncodeToString(sum[:])
}

func sum(r *Request, a *Auth, secret, hash string) [sha256.Size]byte {
	var w builder
	w.canonical(r, a, r.Path, hash)
	w.stringToSign(a)
	k := deriveKey(secret, a)
	return k.sign(w.sts)
}

// authFor returns the scope and the list of headers of a request about to be
// signed.
func (r *Request) authFor(c Credentials, now time.Time) Auth {
	names := []string{"host"}
	for name := range r.Header {
		if name != headerAuthorization {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return Auth{
		AccessKey:     c.AccessKey,
		Day:           now.Format("20060102"),
		Region:        r.Region,
		Service:       r.Service,
		SignedHeaders: strings.Join(names, ";"),
		Date:          now.Format(isoBasic),
		Time:          now,
	}
}

// hashForSigning returns the last line of the canonical request, and under
// S3's rules puts it into its header.
func (r *Request) hashForSigning(presign bool) string {
	if v := r.get(headerPayload); v != "" {
		return v
	}
	if presign && r.S3 {
		return unsignedPayload
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	if r.S3 {
		r.Header[headerPayload] = []string{hash}
	}
	return hash
}
