package attr

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// reader walks over JSON. It is strict: what encoding/json or the API's own parser refuses is refused.
type reader struct {
	data    []byte
	pos     int
	scratch []byte // the text of a string with escapes
	decoded []byte // the bytes of a base64 string
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) literal(word string) error {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		return errToken
	}
	r.pos += len(word)
	return nil
}

// null consumes a null when one is next.
func (r *reader) null() bool { return r.peek() == 'n' && r.literal("null") == nil }

// member steps to the next member of an object, on first over its opening brace, and returns its name, which is valid
// until the next string is read. The reader then stands before the member's value. It is over when more is false.
func (r *reader) member(first bool) (name []byte, more bool, err error) {
	more, err = r.step(first, '}')
	if err != nil || !more {
		return nil, false, err
	}
	if r.peek() != '"' {
		return nil, false, errToken
	}
	if name, err = r.string(); err != nil {
		return nil, false, err
	}
	if r.peek() != ':' {
		return nil, false, errToken
	}
	r.pos++
	return name, true, nil
}

// openList checks that a list is next; element steps to its next element like member.
func (r *reader) openList() error {
	switch r.peek() {
	case '[':
		return nil
	case '{':
		return errStructure
	case 0:
		return errToken
	}
	return errField
}

func (r *reader) element(first bool) (more bool, err error) { return r.step(first, ']') }

// step consumes the opening bracket (first) or the comma before the next part, or the closing bracket.
func (r *reader) step(first bool, closing byte) (more bool, err error) {
	c := r.peek()
	switch {
	case first:
		r.pos++
		if r.peek() == closing {
			r.pos++
			return false, nil
		}
		return true, nil
	case c == ',':
		r.pos++
		return true, nil
	case c == closing:
		r.pos++
		return false, nil
	}
	return false, errToken
}

// text reads a string where the API wants one.
func (r *reader) text() ([]byte, error) {
	switch c := r.peek(); {
	case c == '"':
		return r.string()
	case c == '[':
		return nil, TypeError("Unrecognized collection type class java.lang.String")
	case c == '{':
		return nil, errStructure
	case c == 't':
		return nil, TypeError("TRUE_VALUE cannot be converted to String")
	case c == 'f':
		return nil, TypeError("FALSE_VALUE cannot be converted to String")
	case c == '-' || c >= '0' && c <= '9':
		n, err := r.numeral()
		if err != nil {
			return nil, err
		}
		if bytes.ContainsAny(n, ".eE") {
			return nil, TypeError("DECIMAL_VALUE cannot be converted to String")
		}
		return nil, TypeError("NUMBER_VALUE cannot be converted to String")
	}
	return nil, errToken
}

// boolean reads a boolean, or one of the words that the API takes for one.
func (r *reader) boolean() (bool, error) {
	switch c := r.peek(); {
	case c == 't':
		return true, r.literal("true")
	case c == 'f':
		return false, r.literal("false")
	case c == '"':
		word, err := r.string()
		if err != nil {
			return false, err
		}
		switch string(bytes.ToUpper(word)) {
		case "TRUE", "1", "YES":
			return true, nil
		case "FALSE", "0", "NO":
			return false, nil
		}
		return false, errToken
	case c == '[':
		return false, TypeError("Unrecognized collection type class java.lang.Boolean")
	case c == '{':
		return false, errStructure
	case c == '-' || c >= '0' && c <= '9':
		n, err := r.numeral()
		if err != nil {
			return false, err
		}
		if bytes.ContainsAny(n, ".eE") {
			return false, TypeError("DECIMAL_VALUE cannot be converted to Boolean")
		}
		return false, TypeError("NUMBER_VALUE cannot be converted to Boolean")
	}
	return false, errToken
}

// string reads a string; the result is part of the data when it has no escapes, else the reader's scratch. Invalid UTF-8
// and raw control characters are refused.
func (r *reader) string() ([]byte, error) {
	start := r.pos + 1
	ascii := byte(0)
	for i := start; i < len(r.data); i++ {
		c := r.data[i]
		ascii |= c
		switch {
		case c == '"':
			r.pos = i + 1
			if s := r.data[start:i]; ascii < utf8.RuneSelf || utf8.Valid(s) {
				return s, nil
			}
			return nil, errToken
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			return nil, errToken
		}
	}
	return nil, errToken
}

// escaped reads the rest of a string from its first backslash at i on.
func (r *reader) escaped(start, i int) ([]byte, error) {
	s := append(r.scratch[:0], r.data[start:i]...)
	for i < len(r.data) {
		c := r.data[i]
		switch {
		case c == '"':
			r.pos = i + 1
			r.scratch = s
			if !utf8.Valid(s) {
				return nil, errToken
			}
			return s, nil
		case c < ' ':
			return nil, errToken
		case c != '\\':
			s = append(s, c)
			i++
			continue
		}
		if i+1 == len(r.data) {
			return nil, errToken
		}
		switch c = r.data[i+1]; c {
		case '"', '\\', '/':
			s = append(s, c)
		case 'b':
			s = append(s, '\b')
		case 'f':
			s = append(s, '\f')
		case 'n':
			s = append(s, '\n')
		case 'r':
			s = append(s, '\r')
		case 't':
			s = append(s, '\t')
		case 'u':
			u, ok := hex4(r.data[i+2:])
			if !ok {
				return nil, errToken
			}
			if utf16.IsSurrogate(u) {
				low, ok := rune(0), false
				if bytes.HasPrefix(r.data[i+6:], []byte(`\u`)) {
					low, ok = hex4(r.data[i+8:])
				}
				if u = utf16.DecodeRune(u, low); ok && u != utf8.RuneError {
					i += 6
				}
			}
			s = utf8.AppendRune(s, u)
			i += 4
		default:
			return nil, errToken
		}
		i += 2
	}
	return nil, errToken
}

func hex4(s []byte) (u rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

// numeral reads a JSON number.
func (r *reader) numeral() ([]byte, error) {
	start := r.pos
	digits := func() bool {
		from := r.pos
		for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
			r.pos++
		}
		return r.pos > from
	}
	next := func(set string) bool {
		if r.pos < len(r.data) && bytes.IndexByte([]byte(set), r.data[r.pos]) >= 0 {
			r.pos++
			return true
		}
		return false
	}
	next("-")
	if !next("0") && !digits() {
		return nil, errToken
	}
	if next(".") && !digits() {
		return nil, errToken
	}
	if next("eE") {
		next("+-")
		if !digits() {
			return nil, errToken
		}
	}
	return r.data[start:r.pos], nil
}

// maxSkipDepth bounds the nesting of values that are read only to be ignored.
const maxSkipDepth = 10_000

// skip reads over one value of any type.
func (r *reader) skip() error {
	var closing []byte
	for {
		first := false
		switch c := r.peek(); {
		case c == '{':
			closing, first = append(closing, '}'), true
		case c == '[':
			closing, first = append(closing, ']'), true
		case c == '"':
			if _, err := r.string(); err != nil {
				return err
			}
		case c == 't':
			if err := r.literal("true"); err != nil {
				return err
			}
		case c == 'f':
			if err := r.literal("false"); err != nil {
				return err
			}
		case c == 'n':
			if err := r.literal("null"); err != nil {
				return err
			}
		default:
			if _, err := r.numeral(); err != nil {
				return err
			}
		}
		if len(closing) > maxSkipDepth {
			return errToken
		}
		for {
			if len(closing) == 0 {
				return nil
			}
			var (
				more bool
				err  error
				end  = closing[len(closing)-1]
			)
			if end == '}' {
				_, more, err = r.member(first)
			} else {
				more, err = r.element(first)
			}
			if err != nil {
				return err
			}
			if more {
				break
			}
			closing, first = closing[:len(closing)-1], false
		}
	}
}
