package wire

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// scanner reads JSON (RFC 8259) tokens from a body. Strings without escapes
// alias the body.
type scanner struct {
	data []byte
	pos  int
}

// unexpectedEnd and badCharacter are what every reader of JSON at AWS says in
// one form or another; clients only look at the code.
func (s *scanner) syntax() error {
	if s.pos >= len(s.data) {
		return errorf("Unexpected end-of-input")
	}
	return errorf("Unexpected character (%q (code %d)) at position %d", s.data[s.pos], s.data[s.pos], s.pos)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, or 0 at the end. A NUL byte,
// which begins no token, is reported as another byte that begins none.
func (s *scanner) peek() byte {
	s.space()
	if s.pos >= len(s.data) {
		return 0
	}
	return max(s.data[s.pos], 1)
}

// next consumes c if it is the next token.
func (s *scanner) next(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) literal(word string) bool {
	s.space()
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

// null consumes a null if it comes next.
func (s *scanner) null() bool { return s.peek() == 'n' && s.literal("null") }

// str reads a string token.
func (s *scanner) str() (string, error) {
	if !s.next('"') {
		return "", s.syntax()
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			b := s.data[start:s.pos]
			s.pos++
			return alias(b), nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", s.syntax()
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", errorf("Invalid UTF-8 at position %d", s.pos)
			}
			s.pos += n
		default:
			s.pos++
		}
	}
	return "", s.syntax()
}

// escaped goes on with a string that has at least one escape.
func (s *scanner) escaped(start int) (string, error) {
	out := append(make([]byte, 0, 2*(s.pos-start)+16), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			return alias(out), nil
		case c < 0x20:
			return "", s.syntax()
		case c == '\\':
			var err error
			if out, err = s.escape(out); err != nil {
				return "", err
			}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", errorf("Invalid UTF-8 at position %d", s.pos)
			}
			out = append(out, s.data[s.pos:s.pos+n]...)
			s.pos += n
		default:
			out = append(out, c)
			s.pos++
		}
	}
	return "", s.syntax()
}

func (s *scanner) escape(out []byte) ([]byte, error) {
	s.pos++ // the backslash
	if s.pos >= len(s.data) {
		return nil, s.syntax()
	}
	c := s.data[s.pos]
	switch c {
	case '"', '\\', '/':
		out = append(out, c)
	case 'b':
		out = append(out, '\b')
	case 'f':
		out = append(out, '\f')
	case 'n':
		out = append(out, '\n')
	case 'r':
		out = append(out, '\r')
	case 't':
		out = append(out, '\t')
	case 'u':
		r, ok := s.hex4(s.pos + 1)
		if !ok {
			return nil, s.syntax()
		}
		s.pos += 4
		if utf16.IsSurrogate(r) {
			if low, ok := s.lowSurrogate(); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					r = pair
					s.pos += 6
				}
			}
		}
		out = utf8.AppendRune(out, r)
	default:
		return nil, s.syntax()
	}
	s.pos++
	return out, nil
}

// lowSurrogate looks at a \uXXXX that follows the one just read.
func (s *scanner) lowSurrogate() (rune, bool) {
	at := s.pos + 1
	if at+6 > len(s.data) || s.data[at] != '\\' || s.data[at+1] != 'u' {
		return 0, false
	}
	return s.hex4(at + 2)
}

func (s *scanner) hex4(at int) (rune, bool) {
	if at+4 > len(s.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(alias(s.data[at:at+4]), 16, 32)
	return rune(n), err == nil
}

// number reads a number token and returns its text.
func (s *scanner) number() (string, error) {
	s.space()
	start := s.pos
	if s.pos < len(s.data) && s.data[s.pos] == '-' {
		s.pos++
	}
	switch {
	case s.pos < len(s.data) && s.data[s.pos] == '0':
		s.pos++
	case s.digits() == 0:
		return "", s.syntax()
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return "", s.syntax()
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return "", s.syntax()
		}
	}
	return alias(s.data[start:s.pos]), nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// maxDepth bounds the nesting of a body, so that a hostile one cannot exhaust
// the stack. DynamoDB's documents, the deepest in use, nest 32 levels of two.
const maxDepth = 512

// skip passes over one value of any kind.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	switch c := s.peek(); {
	case c == '"':
		_, err := s.str()
		return err
	case c == '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case c == '[':
		return s.array(func(int) error { return s.skip(depth + 1) })
	case c == 't' && s.literal("true"), c == 'f' && s.literal("false"), c == 'n' && s.literal("null"):
		return nil
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	}
	return s.syntax()
}

// object reads an object; value is called at the start of each member's value.
func (s *scanner) object(value func(key string) error) error {
	if !s.next('{') {
		return s.syntax()
	}
	if s.next('}') {
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.syntax()
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		if !s.next(':') {
			return s.syntax()
		}
		if err := value(key); err != nil {
			return err
		}
		if s.next('}') {
			return nil
		}
		if !s.next(',') {
			return s.syntax()
		}
	}
}

// array reads an array; value is called at the start of each element.
func (s *scanner) array(value func(i int) error) error {
	if !s.next('[') {
		return s.syntax()
	}
	if s.next(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := value(i); err != nil {
			return err
		}
		if s.next(']') {
			return nil
		}
		if !s.next(',') {
			return s.syntax()
		}
	}
}

// alias views b as a string without copying; b is never changed again.
func alias(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
