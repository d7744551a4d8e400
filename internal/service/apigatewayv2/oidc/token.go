package oidc

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Error is why a token is not valid, in the words of the www-authenticate
// header.
type Error struct{ Description string }

// Error implements error.
func (e *Error) Error() string { return e.Description }

func invalid(why string) *Error { return &Error{why} }

// Claims are what a token says. Numbers are [json.Number].
type Claims map[string]any

// token is a token taken apart, its signature not verified.
type token struct {
	alg, kid  string
	signed    string // what the signature is of
	signature []byte
	claims    Claims
}

// maxToken bounds a token: headers of requests are no larger.
const maxToken = 10 << 10

// parse takes a token in the compact form of RFC 7515 apart.
func parse(text string) (*token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(text) > maxToken {
		return nil, invalid("invalid number of segments")
	}
	t := &token{signed: text[:len(parts[0])+1+len(parts[1])]}
	var head struct {
		Alg  string   `json:"alg"`
		Kid  string   `json:"kid"`
		Crit []string `json:"crit"`
	}
	if err := decode(parts[0], &head); err != nil || len(head.Crit) > 0 {
		return nil, invalid("unable to decode the token's header")
	}
	if err := decode(parts[1], &t.claims); err != nil || t.claims == nil {
		return nil, invalid("unable to decode the token's claims")
	}
	var err error
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, invalid("unable to decode the token's signature")
	}
	t.alg, t.kid = head.Alg, head.Kid
	if t.kid == "" {
		return nil, invalid("unable to find the kid in the token's header")
	}
	return t, nil
}

func decode(segment string, v any) error {
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(v)
}

// check judges the claims of a token whose signature is right.
func (c Claims) check(issuer string, audience []string, now time.Time) error {
	if iss, _ := c["iss"].(string); iss != issuer {
		return invalid("the token does not have a valid issuer")
	}
	if !c.isFor(audience) {
		return invalid("the token does not have a valid audience")
	}
	exp, ok := c.time("exp")
	if !ok || !now.Before(exp) {
		return invalid("the token has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		if _, there := c[name]; !there {
			continue
		}
		if at, ok := c.time(name); !ok || at.After(now) {
			return invalid("the token is not valid yet")
		}
	}
	return nil
}

// isFor reports whether the token is for one of the audiences: by aud, or by
// client_id where it has no aud.
func (c Claims) isFor(audience []string) bool {
	var of []string
	switch aud := c["aud"].(type) {
	case nil:
		id, _ := c["client_id"].(string)
		of = []string{id}
	case string:
		of = []string{aud}
	case []any:
		for _, a := range aud {
			s, _ := a.(string)
			of = append(of, s)
		}
	}
	return slices.ContainsFunc(of, func(a string) bool { return a != "" && slices.Contains(audience, a) })
}

func (c Claims) time(name string) (time.Time, bool) {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := n.Float64()
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}

// Scopes are those that a token has: a text with spaces or a list, in scope or
// in scp.
func (c Claims) Scopes() []string {
	for _, name := range []string{"scope", "scp"} {
		switch v := c[name].(type) {
		case string:
			return strings.Fields(v)
		case []any:
			var out []string
			for _, s := range v {
				if s, ok := s.(string); ok {
					out = append(out, s)
				}
			}
			return out
		}
	}
	return nil
}
