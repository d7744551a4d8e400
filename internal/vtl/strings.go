package vtl

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// ofString is a call of a method of Java's strings. Indexes count UTF-16 units
// there and characters here, which differ beyond the first 65536 only.
// https://docs.oracle.com/javase/8/docs/api/java/lang/String.html
func (c *callArgs) ofString(s string) (any, bool) {
	switch c.signature() {
	case "length/0":
		return int64(len(utf16.Encode([]rune(s)))), true
	case "isEmpty/0":
		return s == "", true
	case "trim/0":
		return c.made(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }))
	case "toLowerCase/0":
		return c.made(strings.ToLower(s))
	case "toUpperCase/0":
		return c.made(strings.ToUpper(s))
	case "contains/1":
		return strings.Contains(s, c.text(0)), true
	case "startsWith/1":
		return strings.HasPrefix(s, c.text(0)), true
	case "endsWith/1":
		return strings.HasSuffix(s, c.text(0)), true
	case "equalsIgnoreCase/1":
		return c.args[0] != nil && strings.EqualFold(s, c.text(0)), true
	case "concat/1":
		return c.made(s + c.text(0))
	case "compareTo/1":
		return int64(strings.Compare(s, c.text(0))), true
	case "indexOf/1":
		return characters(s, strings.Index(s, c.text(0))), true
	case "lastIndexOf/1":
		return characters(s, strings.LastIndex(s, c.text(0))), true
	case "charAt/1":
		return c.slice(s, c.int(0), c.int(0)+1)
	case "substring/1":
		return c.slice(s, c.int(0), len([]rune(s)))
	case "substring/2":
		return c.slice(s, c.int(0), c.int(1))
	case "replace/2":
		return c.replaced(s, regexp.QuoteMeta(c.text(0)), -1, func([]int) (string, error) { return c.text(1), nil })
	case "replaceAll/2":
		return c.replaceAll(s, -1)
	case "replaceFirst/2":
		return c.replaceAll(s, 1)
	case "matches/1":
		re, err := pattern(`\A(?:` + c.text(0) + `)\z`)
		if err != nil {
			return c.value(nil, err)
		}
		return c.value(re.MatchString(s), c.in.made(len(s)))
	case "split/1":
		return c.split(s, 0)
	case "split/2":
		return c.split(s, c.int(1))
	}
	return nil, false
}

// characters is a byte's index in characters.
func characters(s string, i int) int64 {
	if i < 0 {
		return -1
	}
	return int64(len([]rune(s[:i])))
}

func (c *callArgs) slice(s string, from, to int) (any, bool) {
	rs := []rune(s)
	if c.err == nil && (from < 0 || to > len(rs) || from > to) {
		c.err = fmt.Errorf("%s from %d to %d of a string of %d characters", c.name, from, to, len(rs))
	}
	if c.err != nil {
		return nil, true
	}
	return c.made(string(rs[from:to]))
}

// pattern reads a regular expression. Go's know nothing of look-around and back
// references, whose time no limit could hold.
func pattern(text string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("a pattern that is not supported: %w", err)
	}
	return re, nil
}

func (c *callArgs) replaceAll(s string, n int) (any, bool) {
	with := c.text(1)
	return c.replaced(s, c.text(0), n, func(groups []int) (string, error) { return expand(with, s, groups) })
}

// replaced replaces the first n matches of a pattern.
func (c *callArgs) replaced(s, text string, n int, with func(groups []int) (string, error)) (any, bool) {
	re, err := pattern(text)
	if err != nil {
		return c.value(nil, err)
	}
	if err := c.in.made(len(s)); err != nil {
		return c.value(nil, err)
	}
	var b strings.Builder
	last := 0
	for _, groups := range re.FindAllStringSubmatchIndex(s, n) {
		more, err := with(groups)
		if err == nil {
			err = c.in.made(len(more))
		}
		if err == nil {
			err = c.in.step()
		}
		if err != nil {
			return c.value(nil, err)
		}
		b.WriteString(s[last:groups[0]])
		b.WriteString(more)
		last = groups[1]
	}
	b.WriteString(s[last:])
	return b.String(), true
}

// expand is a replacement: $1 is a group, and a backslash takes the meaning of
// what follows it away.
// https://docs.oracle.com/javase/8/docs/api/java/util/regex/Matcher.html#appendReplacement-java.lang.StringBuffer-java.lang.String-
func expand(with, s string, groups []int) (string, error) {
	if !strings.ContainsAny(with, `\$`) {
		return with, nil
	}
	var b strings.Builder
	for i := 0; i < len(with); i++ {
		switch ch := with[i]; {
		case ch == '\\' && i+1 < len(with):
			i++
			b.WriteByte(with[i])
		case ch == '$' && i+1 < len(with) && isDigit(with[i+1]):
			i++
			g := int(with[i] - '0')
			if 2*g >= len(groups) {
				return "", fmt.Errorf("the pattern has no group %d", g)
			}
			if groups[2*g] >= 0 {
				b.WriteString(s[groups[2*g]:groups[2*g+1]])
			}
		case ch == '\\' || ch == '$':
			return "", fmt.Errorf("the replacement %q ends in the middle, or has a $ without a group", with)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String(), nil
}

// split is String.split: without a limit, empty strings at the end are left
// out.
func (c *callArgs) split(s string, limit int) (any, bool) {
	re, err := pattern(c.text(0))
	if err != nil {
		return c.value(nil, err)
	}
	l := &List{}
	last := 0
	for _, m := range re.FindAllStringIndex(s, maxItems+1) {
		if limit > 0 && len(l.Items) == limit-1 {
			break
		}
		if m[1] == 0 || m[0] == m[1] && m[0] == len(s) {
			continue // nothing matched at an end
		}
		if err := c.grow(l, s[last:m[0]]); err != nil {
			return c.value(nil, err)
		}
		last = m[1]
	}
	l.Items = append(l.Items, s[last:])
	if limit == 0 {
		for len(l.Items) > 1 && l.Items[len(l.Items)-1] == "" {
			l.Items = l.Items[:len(l.Items)-1]
		}
	}
	return c.value(l, c.in.made(len(s)))
}
