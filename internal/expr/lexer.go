package expr

import (
	"unicode/utf8"

	"github.com/nube-run/nube/internal/expr/attr"
)

type tokenKind uint8

const (
	tokenEOF     tokenKind = iota
	tokenWord              // an attribute name or function name
	tokenKeyword           // AND, OR, NOT, IN, BETWEEN, SET, REMOVE, ADD or DELETE, in any case
	tokenName              // #placeholder
	tokenValue             // :placeholder
	tokenNumber            // a list index
	tokenSymbol            // an operator, bracket or comma
	tokenOther             // a character that no expression contains
)

type token struct {
	kind       tokenKind
	start, end int
}

// lexer splits an expression into tokens and remembers the one before the current one, because DynamoDB's syntax errors
// quote the error's token between its neighbours.
type lexer struct {
	text     string
	previous token
	token    token
}

func newLexer(text string) *lexer {
	l := &lexer{text: text}
	l.token = l.scan(0)
	return l
}

func (l *lexer) is(symbol string) bool { return l.token.kind == tokenSymbol && l.current() == symbol }

func (l *lexer) current() string { return l.text[l.token.start:l.token.end] }

// keyword reports whether the current token is that word, in any case.
func (l *lexer) keyword(word string) bool {
	return l.token.kind == tokenKeyword && equalFold(l.current(), word)
}

func isKeyword(s string) bool {
	switch len(s) {
	case 2:
		return equalFold(s, "OR") || equalFold(s, "IN")
	case 3:
		return equalFold(s, "AND") || equalFold(s, "NOT") || equalFold(s, "SET") || equalFold(s, "ADD")
	case 6:
		return equalFold(s, "REMOVE") || equalFold(s, "DELETE")
	}
	return equalFold(s, "BETWEEN")
}

// equalFold compares ASCII words; word is in upper case.
func equalFold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

func (l *lexer) next() {
	l.previous = l.token
	l.token = l.scan(l.token.end)
}

// peek is the token after the current one.
func (l *lexer) peek() token { return l.scan(l.token.end) }

func (l *lexer) scan(at int) token {
	for at < len(l.text) && isSpace(l.text[at]) {
		at++
	}
	if at == len(l.text) {
		return token{tokenEOF, at, at}
	}
	end := at + 1
	run := func(kind tokenKind, in func(byte) bool) token {
		for end < len(l.text) && in(l.text[end]) {
			end++
		}
		return token{kind, at, end}
	}
	switch c := l.text[at]; {
	case isLetter(c):
		t := run(tokenWord, isWord)
		if isKeyword(l.text[t.start:t.end]) {
			t.kind = tokenKeyword
		}
		return t
	case c == '0': // no leading zeros: 01 is 0 and then 1
		return token{tokenNumber, at, end}
	case isDigit(c):
		return run(tokenNumber, isDigit)
	case c == '#' || c == ':':
		t := run(tokenName, isWord)
		switch {
		case end == at+1:
			t.kind = tokenOther
		case c == ':':
			t.kind = tokenValue
		}
		return t
	case c == '<' && end < len(l.text) && (l.text[end] == '=' || l.text[end] == '>'),
		c == '>' && end < len(l.text) && l.text[end] == '=':
		return token{tokenSymbol, at, end + 1}
	case c == '=', c == '<', c == '>', c == '(', c == ')', c == '[', c == ']', c == ',', c == '.', c == '+', c == '-':
		return token{tokenSymbol, at, end}
	}
	_, n := utf8.DecodeRuneInString(l.text[at:])
	return token{tokenOther, at, at + n}
}

func isSpace(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// syntaxError is DynamoDB's message about the current token.
func (l *lexer) syntaxError() error {
	from := l.token.start
	if l.previous.end > 0 {
		from = l.previous.start
	}
	if l.token.kind != tokenEOF {
		return attr.Error(`Syntax error; token: "` + l.current() + `", near: "` + l.text[from:l.peek().end] + `"`)
	}
	near := l.text[from:]
	if l.previous.end == 0 {
		near = l.text
	}
	return attr.Error(`Syntax error; token: "<EOF>", near: "` + near + `"`)
}
