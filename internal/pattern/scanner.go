package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	none kind = iota
	objectStart
	objectEnd
	arrayStart
	arrayEnd
	str
	number
	yes
	no
	null
)

// scanner reads JSON token by token (RFC 8259). Errors are worded and placed as
// those of the parser that AWS uses, since users see them.
type scanner struct {
	src  []byte
	str  string // src, when texts are to be parts of one string
	pos  int
	kind kind
	from int // the token is src[from:pos]
}

// syntaxError is what is wrong with JSON, and where.
type syntaxError struct{ reason string }

func (e *syntaxError) Error() string { return e.reason }

// fail returns an error that is placed before the byte at.
func (s *scanner) fail(at int, format string, args ...any) error {
	line := 1 + bytes.Count(s.src[:at], []byte("\n"))
	column := at - bytes.LastIndexByte(s.src[:at], '\n')
	return &syntaxError{fmt.Sprintf(format, args...) + fmt.Sprintf("\n at [Source: %s; line: %d, column: %d]", s.source(), line, column)}
}

// source is the text as errors show it.
func (s *scanner) source() string {
	const most = 500
	if n := len(s.src); n > most {
		return fmt.Sprintf(`(String)"%s"[truncated %d chars]`, s.src[:most], n-most)
	}
	return `(String)"` + string(s.src) + `"`
}

// failHere returns an error that is placed where a parser is that has seen the
// token and not yet read what a string says.
func (s *scanner) failHere(format string, args ...any) error {
	at := s.pos
	if s.kind == str {
		at = s.from + 1
	}
	return s.fail(at, format, args...)
}

// failAfter returns an error that is placed after the token.
func (s *scanner) failAfter(format string, args ...any) error {
	return s.fail(s.pos, format, args...)
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// next reads the next token of a value, whatever it is.
func (s *scanner) next() error {
	s.space()
	s.from = s.pos
	if s.pos == len(s.src) {
		return s.fail(s.pos, "Unexpected end-of-input")
	}
	switch c := s.src[s.pos]; {
	case c == '{':
		s.kind = objectStart
	case c == '}':
		s.kind = objectEnd
	case c == '[':
		s.kind = arrayStart
	case c == ']':
		s.kind = arrayEnd
	case c == '"':
		return s.scanString()
	case c == '-' || c >= '0' && c <= '9':
		return s.scanNumber()
	case isWord(c):
		return s.scanWord()
	default:
		return s.failUnexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	}
	s.pos++
	return nil
}

// failUnexpected returns an error about the next character.
func (s *scanner) failUnexpected(expected string) error {
	r, _ := utf8.DecodeRune(s.src[s.pos:])
	return s.fail(s.pos, "Unexpected character ('%c' (code %d)): %s", r, r, expected)
}

// unexpected returns an error about the token.
func (s *scanner) unexpected() error {
	s.pos = s.from
	return s.failUnexpected("expected a value")
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

func (s *scanner) scanWord() error {
	for s.pos < len(s.src) && (isWord(s.src[s.pos]) || s.src[s.pos] >= '0' && s.src[s.pos] <= '9') {
		s.pos++
	}
	switch word := string(s.src[s.from:s.pos]); word {
	case "true":
		s.kind = yes
	case "false":
		s.kind = no
	case "null":
		s.kind = null
	default:
		return s.fail(s.pos, "Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word)
	}
	return nil
}

func (s *scanner) scanNumber() error {
	s.kind = number
	if s.src[s.pos] == '-' {
		s.pos++
	}
	switch {
	case s.pos < len(s.src) && s.src[s.pos] == '0':
		s.pos++
		if s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
			return s.fail(s.pos, "Invalid numeric value: Leading zeroes not allowed")
		}
	case !s.digits():
		return s.failNumber()
	}
	if s.pos < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return s.failNumber()
		}
	}
	if s.pos < len(s.src) && (s.src[s.pos] == 'e' || s.src[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.src) && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return s.failNumber()
		}
	}
	if s.pos < len(s.src) && isWord(s.src[s.pos]) {
		return s.failUnexpected("Expected space separating root-level values")
	}
	return nil
}

func (s *scanner) failNumber() error {
	if s.pos == len(s.src) {
		return s.fail(s.pos, "Unexpected end-of-input in a number")
	}
	return s.failUnexpected("Expected digit (0-9) to follow in a number")
}

// digits skips digits and reports whether there was one.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from
}

func (s *scanner) scanString() error {
	s.kind = str
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c == '\\':
			s.pos++
		case c < ' ':
			return s.fail(s.pos, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		}
	}
	s.pos = len(s.src)
	return s.fail(s.pos, "Unexpected end-of-input: was expecting closing quote for a string value")
}

// text is what the token says: of a string its characters, of others how they
// are written.
func (s *scanner) text() (string, error) {
	if s.kind != str {
		return s.part(s.from, s.pos), nil
	}
	raw := s.src[s.from+1 : s.pos-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return s.part(s.from+1, s.pos-1), nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++
		switch c := raw[i]; c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, ok := hex4(raw[i+1:])
			if !ok {
				return "", s.fail(s.from+1+i, "Unexpected character in a unicode escape sequence: expected a hex-digit")
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if second, ok := pair(raw[i+1:]); ok && utf16.DecodeRune(r, second) != utf8.RuneError {
					r = utf16.DecodeRune(r, second)
					i += 6
				}
			}
			b.WriteRune(r)
		default:
			return "", s.fail(s.from+1+i, "Unrecognized character escape '%c' (code %d)", c, c)
		}
	}
	return b.String(), nil
}

// part is a part of the source.
func (s *scanner) part(from, to int) string {
	if s.str != "" {
		return s.str[from:to]
	}
	return string(s.src[from:to])
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}

// pair reads \uXXXX.
func pair(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	return hex4(b[2:])
}

// name reads the name of an object's next member and the colon, or the end of
// the object. The opening brace, or the member before, has been read.
func (s *scanner) name(first bool) (name string, more bool, err error) {
	s.space()
	if s.pos < len(s.src) && s.src[s.pos] == '}' {
		return "", false, s.next()
	}
	if !first {
		if err := s.char(',', "was expecting comma to separate Object entries"); err != nil {
			return "", false, err
		}
		s.space()
	}
	if s.pos == len(s.src) {
		return "", false, s.fail(s.pos, "Unexpected end-of-input: expected close marker for Object")
	}
	if s.src[s.pos] != '"' {
		return "", false, s.failUnexpected("was expecting double-quote to start field name")
	}
	if err := s.next(); err != nil {
		return "", false, err
	}
	if name, err = s.text(); err != nil {
		return "", false, err
	}
	s.space()
	return name, true, s.char(':', "was expecting a colon to separate field name and value")
}

// item reads the first token of an array's next item, or its end. The opening
// bracket, or the item before, has been read.
func (s *scanner) item(first bool) (more bool, err error) {
	s.space()
	if s.pos < len(s.src) && s.src[s.pos] == ']' {
		return false, s.next()
	}
	if !first {
		if err := s.char(',', "was expecting comma to separate Array entries"); err != nil {
			return false, err
		}
	}
	if err := s.next(); err != nil {
		return false, err
	}
	if s.kind == objectEnd || s.kind == arrayEnd {
		return false, s.unexpected()
	}
	return true, nil
}

func (s *scanner) char(c byte, expected string) error {
	if s.pos == len(s.src) {
		return s.fail(s.pos, "Unexpected end-of-input")
	}
	if s.src[s.pos] != c {
		return s.failUnexpected(expected)
	}
	s.pos++
	return nil
}

// end checks that nothing follows.
func (s *scanner) end() error {
	s.space()
	if s.pos < len(s.src) {
		return s.failUnexpected("expected the end of the document")
	}
	return nil
}

// reason is the text of an error of the scanner.
func reason(err error) string {
	var e *syntaxError
	if errors.As(err, &e) {
		return e.reason
	}
	return err.Error()
}
