package handlebars

import (
	"fmt"
	"strings"
)

// SyntaxError says where a template is wrong.
type SyntaxError struct {
	Line, Column int // from 1
	Message      string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// chunk is a piece of a template: text, or what stands between braces.
type chunk struct {
	pos  int
	text string // of text
	tag  string // of an expression, without braces and tildes
	is   bool   // it is an expression
}

// lexer cuts a template into chunks.
type lexer struct {
	src string
	pos int
}

func (l *lexer) fail(pos int, format string, args ...any) error {
	before := l.src[:pos]
	line := 1 + strings.Count(before, "\n")
	return &SyntaxError{Line: line, Column: pos - strings.LastIndex(before, "\n"), Message: fmt.Sprintf(format, args...)}
}

// white is what tildes take away.
const white = " \t\r\n"

// chunks cuts all of the template.
func (l *lexer) chunks() ([]chunk, error) {
	var out []chunk
	var text strings.Builder
	start, trim := 0, false // trim: the expression before took away the white space after it
	flush := func() {
		s := text.String()
		text.Reset()
		if trim {
			s = strings.TrimLeft(s, white)
		}
		if s != "" {
			out = append(out, chunk{pos: start, text: s})
		}
	}
	for {
		i := strings.Index(l.src[l.pos:], "{{")
		if i < 0 {
			text.WriteString(l.src[l.pos:])
			flush()
			return out, nil
		}
		if i > 0 && l.src[l.pos+i-1] == '\\' {
			text.WriteString(l.src[l.pos:l.pos+i-1] + "{{")
			l.pos += i + 2
			continue
		}
		text.WriteString(l.src[l.pos : l.pos+i])
		l.pos += i
		at := l.pos
		tag, left, right, err := l.expression()
		if err != nil {
			return nil, err
		}
		if left {
			s := strings.TrimRight(text.String(), white)
			text.Reset()
			text.WriteString(s)
		}
		flush()
		start, trim = l.pos, right
		if !strings.HasPrefix(tag, "!") {
			out = append(out, chunk{pos: at, tag: tag, is: true})
		}
	}
}

// expression reads what begins at the braces at l.pos, and whether it takes away
// the white space on its left and right.
func (l *lexer) expression() (tag string, left, right bool, err error) {
	at := l.pos
	rest := l.src[at:]
	open, end := "{{", "}}"
	if strings.HasPrefix(rest, "{{{") || strings.HasPrefix(rest, "{{~{") {
		end = "}}}"
	}
	body := rest[len(open):]
	if strings.HasPrefix(body, "~") {
		left, body = true, body[1:]
	}
	if end == "}}}" {
		body = body[1:]
	}
	n := 0
	switch {
	case strings.HasPrefix(body, "!--"):
		n = strings.Index(body, "--}}")
		if tilde := strings.Index(body, "--~}}"); tilde >= 0 && (n < 0 || tilde < n) {
			n, right = tilde+2, true
			l.pos = at + len(rest) - len(body) + n + len("~}}")
			return "!", left, right, nil
		}
		if n < 0 {
			return "", false, false, l.fail(at, "the comment does not end with --}}")
		}
		l.pos = at + len(rest) - len(body) + n + len("--}}")
		return "!", left, false, nil
	default:
		n = closing(body, end)
		if alt := closing(body, "}~}}"); end == "}}}" && alt >= 0 && (n < 0 || alt < n) {
			l.pos = at + len(rest) - len(body) + alt + len("}~}}")
			return strings.TrimSpace(body[:alt]), left, true, nil
		}
	}
	if n < 0 {
		return "", false, false, l.fail(at, "the expression does not end with %s", end)
	}
	l.pos = at + len(rest) - len(body) + n + len(end)
	tag = body[:n]
	if end == "}}" && strings.HasSuffix(tag, "~") {
		right, tag = true, tag[:len(tag)-1]
	}
	return strings.TrimSpace(tag), left, right, nil
}

// closing finds the end of an expression outside of its strings; -1 for none.
func closing(body, end string) int {
	if strings.HasPrefix(body, "!") { // a comment has no strings
		return strings.Index(body, end)
	}
	var quote byte
	for i := range len(body) {
		switch c := body[i]; {
		case quote != 0:
			if c == quote && body[i-1] != '\\' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(body[i:], end):
			return i
		}
	}
	return -1
}
