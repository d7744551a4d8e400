package sigv4

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// A builder writes canonical requests. It keeps its memory between them.
type builder struct {
	b     []byte // the canonical request
	sts   []byte // the string to sign
	pairs []pair
}

// A pair is a name and a value of the query, in canonical form.
type pair struct{ name, value string }

// canonical writes the canonical request:
//
//	method, path, query, headers, an empty line, signed headers, hash of the payload
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (w *builder) canonical(r *Request, a *Auth, path, payload string) {
	w.b = append(w.b[:0], r.Method...)
	w.b = append(w.b, '\n')
	switch {
	case path == "":
		w.b = append(w.b, '/')
	case r.S3:
		w.b = appendOnce(w.b, path)
	default:
		w.b = appendTwice(w.b, path)
	}
	w.b = append(w.b, '\n')
	w.query(r.RawQuery)
	w.b = append(w.b, '\n')
	w.headers(r, a.SignedHeaders)
	w.b = append(w.b, '\n')
	w.b = append(w.b, a.SignedHeaders...)
	w.b = append(w.b, '\n')
	w.b = append(w.b, payload...)
}

// query writes the parameters sorted by name, then by value, and leaves out
// the signature itself.
func (w *builder) query(raw string) {
	if raw == "" {
		return
	}
	w.pairs = w.pairs[:0]
	for raw != "" {
		var p string
		p, raw, _ = strings.Cut(raw, "&")
		if p == "" {
			continue
		}
		name, value, _ := strings.Cut(p, "=")
		if name == paramSignature {
			continue
		}
		w.pairs = append(w.pairs, pair{canonicalText(name), canonicalText(value)})
	}
	slices.SortFunc(w.pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, p := range w.pairs {
		if i > 0 {
			w.b = append(w.b, '&')
		}
		w.b = append(w.b, p.name...)
		w.b = append(w.b, '=')
		w.b = append(w.b, p.value...)
	}
}

// canonicalText copies only what a client did not send in canonical form.
func canonicalText(s string) string {
	if canonicalQuery(s) {
		return s
	}
	return string(appendQuery(nil, s))
}

// headers writes a line for each signed header: its name, and its values
// joined by commas, with spaces trimmed and runs of them made one.
func (w *builder) headers(r *Request, signed string) {
	for more := signed != ""; more; {
		var name string
		name, signed, more = strings.Cut(signed, ";")
		w.b = append(w.b, name...)
		w.b = append(w.b, ':')
		switch {
		case name == "host", name == ":authority": // the latter is HTTP/2's
			w.b = appendTrimmed(w.b, r.Host)
		default:
			values := r.signedHeader(name)
			for i, v := range values {
				if i > 0 {
					w.b = append(w.b, ',')
				}
				w.b = appendTrimmed(w.b, v)
			}
			if values == nil && name == "content-length" && r.ContentLength >= 0 {
				w.b = strconv.AppendInt(w.b, r.ContentLength, 10)
			}
		}
		w.b = append(w.b, '\n')
	}
}

// signedHeader finds a header by its name in lower case. It builds the
// canonical MIME form of the name where the look-up needs no allocation; for
// headers whose keys have another form it looks at all of them.
func (r *Request) signedHeader(name string) []string {
	var buf [64]byte
	if len(name) <= len(buf) {
		key := append(buf[:0], name...)
		for i, c := range key {
			if (i == 0 || key[i-1] == '-') && 'a' <= c && c <= 'z' {
				key[i] = c - ('a' - 'A')
			}
		}
		if v, ok := r.Header[string(key)]; ok {
			return v
		}
	}
	for k, v := range r.Header {
		if len(k) == len(name) && strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func appendTrimmed(b []byte, s string) []byte {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	for {
		i := strings.Index(s, "  ")
		if i < 0 {
			return append(b, s...)
		}
		b = append(b, s[:i]...)
		for s = s[i:]; len(s) > 1 && s[1] == ' '; {
			s = s[1:]
		}
	}
}

// stringToSign writes the algorithm, the date, the scope, and the hash of the
// canonical request.
func (w *builder) stringToSign(a *Auth) {
	w.sts = append(w.sts[:0], algorithm...)
	w.sts = append(w.sts, '\n')
	w.sts = append(w.sts, a.Date...)
	w.sts = append(w.sts, '\n')
	w.sts = a.scope(w.sts)
	w.sts = append(w.sts, '\n')
	sum := sha256.Sum256(w.b)
	w.sts = hex.AppendEncode(w.sts, sum[:])
}
