package insights

import (
	"regexp"
	"strconv"
	"strings"
)

type kind uint8

const (
	word kind = iota
	number
	text
	pattern // a regular expression between slashes
	sign
	end
)

type token struct {
	kind kind
	text string
	num  float64
}

// lex takes a query apart. A slash begins a regular expression where a value cannot
// be divided.
func lex(in string) ([]token, error) {
	var out []token
	for i := 0; i < len(in); {
		c := in[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '#': // a comment
			n := strings.IndexByte(in[i:], '\n')
			if n < 0 {
				n = len(in) - i
			}
			i += n
		case c == '"' || c == '\'' || c == '`':
			s, n, ok := quoted(in[i:], c)
			if !ok {
				return nil, invalid("%c is not closed", c)
			}
			k := text
			if c == '`' {
				k = word
			}
			out = append(out, token{kind: k, text: s})
			i += n
		case c == '/' && beginsPattern(out):
			s, n, ok := quoted(in[i:], '/')
			if !ok {
				return nil, invalid("a regular expression has no closing slash")
			}
			out = append(out, token{kind: pattern, text: s})
			i += n
		case c >= '0' && c <= '9':
			n := i
			for n < len(in) && (in[n] >= '0' && in[n] <= '9' || in[n] == '.') {
				n++
			}
			f, err := strconv.ParseFloat(in[i:n], 64)
			if err != nil {
				return nil, invalid("%s is not a number", in[i:n])
			}
			out = append(out, token{kind: number, text: in[i:n], num: f})
			i = n
		case isWord(c):
			n := i
			for n < len(in) && (isWord(in[n]) || in[n] == '.' || in[n] >= '0' && in[n] <= '9') {
				n++
			}
			out = append(out, token{kind: word, text: in[i:n]})
			i = n
		default:
			s := in[i : i+1]
			for _, two := range [...]string{"!=", "<=", ">=", "=~", "=="} {
				if strings.HasPrefix(in[i:], two) {
					s = two
				}
			}
			if strings.IndexByte("=!<>+-*/%^(),|[]", s[0]) < 0 {
				return nil, invalid("unexpected %q", s)
			}
			out = append(out, token{kind: sign, text: s})
			i += len(s)
		}
	}
	return append(out, token{kind: end}), nil
}

func isWord(c byte) bool {
	return c == '@' || c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted reads up to the closing sign; a backslash before it takes its meaning.
func quoted(in string, by byte) (s string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(in); i++ {
		switch c := in[i]; {
		case c == by:
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(in) && in[i+1] == by:
			b.WriteByte(by)
			i++
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

func beginsPattern(before []token) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	if last.kind == sign {
		return last.text == "=~" || last.text == "="
	}
	// parse @message /…/ and like /…/
	return last.kind == word && (strings.EqualFold(last.text, "like") || len(before) > 1 && before[len(before)-2].kind == word && strings.EqualFold(before[len(before)-2].text, "parse") ||
		strings.EqualFold(last.text, "parse"))
}

func compile(re string) (*regexp.Regexp, error) {
	r, err := regexp.Compile(re)
	if err != nil {
		return nil, invalid("regular expression: %v", err)
	}
	return r, nil
}
