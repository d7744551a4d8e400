package policy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
)

// A relation is what a comparison of the request's value with the policy's
// must give.
type relation uint8

const (
	equal relation = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// of reports whether sign, the sign of (request's − policy's), fits.
func (rel relation) of(sign int) bool {
	switch rel {
	case equal:
		return sign == 0
	case less:
		return sign < 0
	case lessOrEqual:
		return sign <= 0
	case greater:
		return sign > 0
	}
	return sign >= 0
}

// String operators.

type stringEquals struct{ template }

func compileString(s string, vars bool) (operand, error) {
	return &stringEquals{parseTemplate(s, vars, false)}, nil
}

func (o *stringEquals) matches(v string, r *Request) (bool, bool) {
	want, ok := o.expand(r)
	return ok && v == want, !ok
}

type stringFold struct{ template }

func compileStringFold(s string, vars bool) (operand, error) {
	return &stringFold{parseTemplate(s, vars, false)}, nil
}

func (o *stringFold) matches(v string, r *Request) (bool, bool) {
	want, ok := o.expand(r)
	return ok && strings.EqualFold(v, want), !ok
}

type stringLike struct{ template }

func compileStringLike(s string, vars bool) (operand, error) {
	return &stringLike{parseTemplate(s, vars, true)}, nil
}

func (o *stringLike) matches(v string, r *Request) (bool, bool) {
	want, ok := o.expand(r)
	return ok && glob(want, v, false), !ok
}

// arnLike compares ARNs part by part. ArnEquals is the same operator.
type arnLike struct {
	static *resource // when there are no variables
	template
}

func compileARN(s string, vars bool) (operand, error) {
	t := parseTemplate(s, vars, true)
	if t.parts == nil {
		p := parseResource(s, vars)
		return &arnLike{static: &p, template: t}, nil
	}
	return &arnLike{template: t}, nil
}

func (o *arnLike) matches(v string, r *Request) (bool, bool) {
	if !arn.Looks(v) {
		return false, false
	}
	t := newTarget(arn.ARN(v))
	if o.static != nil {
		return o.static.matches(&t, r)
	}
	p, ok := o.expand(r)
	if !ok {
		return false, true
	}
	return matchParts(p, &t), false
}

// matchParts is [resource.matches] for a compiled pattern that only the
// request completes.
func matchParts(p string, t *target) bool {
	for i := range 6 {
		if i >= t.n {
			return false
		}
		part, more := p, false
		if i < 5 {
			part, p, more = strings.Cut(p, ":")
		}
		if !glob(part, t.parts[i], false) {
			return false
		}
		if !more {
			return true
		}
	}
	return true
}

// Numbers. Integers are compared exactly, everything else as float64.

type number struct {
	i     int64
	f     float64
	exact bool
}

func parseNumber(s string) (number, error) {
	s = strings.TrimSpace(s)
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{i: i, f: float64(i), exact: true}, nil
	}
	for i := 0; i < len(s); i++ { // ParseFloat knows more forms than JSON: hexadecimal, infinity
		if c := s[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return number{}, fmt.Errorf("%q is not a number", s)
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return number{}, fmt.Errorf("%q is not a number", s)
	}
	return number{f: f}, nil
}

func (n number) compare(m number) int {
	if n.exact && m.exact {
		return sign(n.i < m.i, n.i > m.i)
	}
	return sign(n.f < m.f, n.f > m.f)
}

func sign(less, greater bool) int {
	switch {
	case less:
		return -1
	case greater:
		return 1
	}
	return 0
}

type numeric struct {
	want number
	rel  relation
}

func compileNumeric(rel relation) func(string, bool) (operand, error) {
	return func(s string, _ bool) (operand, error) {
		n, err := parseNumber(s)
		return &numeric{n, rel}, err
	}
}

func (o *numeric) matches(v string, _ *Request) (bool, bool) {
	n, err := parseNumber(v)
	return err == nil && o.rel.of(n.compare(o.want)), false
}

// Dates: the W3C's profile of ISO 8601, or seconds since 1970.
// https://www.w3.org/TR/NOTE-datetime

type date struct {
	want time.Time
	rel  relation
}

func compileDate(rel relation) func(string, bool) (operand, error) {
	return func(s string, _ bool) (operand, error) {
		t, err := parseDate(s)
		return &date{t, rel}, err
	}
}

func (o *date) matches(v string, _ *Request) (bool, bool) {
	t, err := parseDate(v)
	return err == nil && o.rel.of(t.Compare(o.want)), false
}

func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("an empty string is not a date")
	}
	if digits(s) && len(s) != len("2006") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is too large for a date", s)
		}
		return time.Unix(min(n, 1<<53), 0).UTC(), nil // beyond it time.Time wraps around
	}
	up := strings.ToUpper(s) // "t" and "z" are allowed
	for _, layout := range [...]string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", // a fraction of seconds is read by both
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		"2006-01-02T15:04:05Z0700",
		"2006-01-02", "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, up); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", s)
}

// Booleans.

type boolean struct{ template }

func compileBool(s string, vars bool) (operand, error) {
	t := parseTemplate(s, vars, false)
	if t.parts == nil {
		if _, err := parseBool(s); err != nil {
			return nil, err
		}
	}
	return &boolean{t}, nil
}

func (o *boolean) matches(v string, r *Request) (bool, bool) {
	text, ok := o.expand(r)
	if !ok {
		return false, true
	}
	want, err := parseBool(text)
	if err != nil {
		return false, false
	}
	got, err := parseBool(v)
	return err == nil && got == want, false
}

func parseBool(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", s)
}

// Bytes. The request's value holds them as they are.

type binary struct{ want []byte }

func compileBinary(s string, _ bool) (operand, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not base64", s)
	}
	return &binary{b}, nil
}

func (o *binary) matches(v string, _ *Request) (bool, bool) {
	return bytes.Equal([]byte(v), o.want), false
}

// Addresses: an address, or a range in CIDR notation.

type ipRange struct{ want netip.Prefix }

func compileIP(s string, _ bool) (operand, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return &ipRange{p.Masked()}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("%q is not an address or a range of addresses in CIDR notation", s)
	}
	return &ipRange{netip.PrefixFrom(a, a.BitLen())}, nil
}

func (o *ipRange) matches(v string, _ *Request) (bool, bool) {
	a, err := netip.ParseAddr(v)
	return err == nil && o.want.Contains(a.Unmap()), false
}
