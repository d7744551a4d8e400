package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/expr/attr"
)

type statementKind uint8

const (
	stEOF    statementKind = iota
	stWord                 // a keyword, a function or a name
	stQuoted               // "a name"
	stString               // 'a string'
	stNumber
	stSymbol
)

// statementToken is a token of PartiQL; text is what it means: quotes are taken off.
type statementToken struct {
	kind statementKind
	text string
	end  int
}

// statementLexer splits a PartiQL statement into tokens.
type statementLexer struct {
	text  string
	token statementToken
}

// malformed is the error about a statement that is none.
func (l *statementLexer) malformed() error {
	return attr.Error("Statement wasn't well formed, can't be processed: " + l.text)
}

func (l *statementLexer) next() error {
	at := l.token.end
	for at < len(l.text) && isSpace(l.text[at]) {
		at++
	}
	if at == len(l.text) {
		l.token = statementToken{stEOF, "", at}
		return nil
	}
	end := at + 1
	take := func(kind statementKind, in func(byte) bool) {
		for end < len(l.text) && in(l.text[end]) {
			end++
		}
		l.token = statementToken{kind, l.text[at:end], end}
	}
	switch c := l.text[at]; {
	case isLetter(c) || c == '_' || c == '$':
		take(stWord, func(c byte) bool { return isWord(c) || c == '$' })
	case isDigit(c), c == '.' && end < len(l.text) && isDigit(l.text[end]):
		l.number(at)
	case c == '\'' || c == '"':
		return l.quoted(at, c)
	case strings.HasPrefix(l.text[at:], "<<"), strings.HasPrefix(l.text[at:], ">>"), strings.HasPrefix(l.text[at:], "<="),
		strings.HasPrefix(l.text[at:], ">="), strings.HasPrefix(l.text[at:], "<>"), strings.HasPrefix(l.text[at:], "!="):
		l.token = statementToken{stSymbol, l.text[at : at+2], at + 2}
	case c < utf8.RuneSelf:
		l.token = statementToken{stSymbol, l.text[at:end], end}
	default:
		return l.malformed()
	}
	return nil
}

// number takes the digits, point and exponent of a number.
func (l *statementLexer) number(at int) {
	end := at
	for end < len(l.text) {
		c := l.text[end]
		sign := (c == '+' || c == '-') && (l.text[end-1] == 'e' || l.text[end-1] == 'E')
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && !sign {
			break
		}
		end++
	}
	l.token = statementToken{stNumber, l.text[at:end], end}
}

// quoted takes a string or a quoted name, in which a quote is written twice.
func (l *statementLexer) quoted(at int, quote byte) error {
	var b strings.Builder
	for i := at + 1; i < len(l.text); i++ {
		if l.text[i] != quote {
			b.WriteByte(l.text[i])
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		l.token = statementToken{stString, b.String(), i + 1}
		if quote == '"' {
			l.token.kind = stQuoted
		}
		return nil
	}
	return l.malformed()
}

func (l *statementLexer) is(symbol string) bool {
	return l.token.kind == stSymbol && l.token.text == symbol
}

// keyword reports whether the current token is that word, in any case.
func (l *statementLexer) keyword(word string) bool {
	return l.token.kind == stWord && equalFold(l.token.text, word)
}
