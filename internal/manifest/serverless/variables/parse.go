package variables

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Expr is a string parsed for variables: the pieces that are not plain text. An empty Expr means that the string has no
// variable and no escape.
type Expr []Piece

// Piece is a part of a string that is replaced: by Text when it is an escape, else by the value of a variable.
type Piece struct {
	Start, End int // byte offsets in the string
	Text       string
	Variable   *Variable // nil for an escape
}

// Variable is one ${...}: sources in the order in which they are asked.
type Variable struct {
	Sources []Source
}

// Source is one alternative of a variable. A literal has no Type.
type Source struct {
	Type    string
	Params  []Operand
	Address *Operand        // nil when there is none
	Literal *template.Value // when Type is empty
	Offset  int             // where it begins in the string
}

// Operand is a parameter or an address: a literal, or text that may hold variables.
type Operand struct {
	Value *template.Value // the literal, or the text as a string
	Expr  Expr            // the variables in it
}

// SyntaxError says where a string breaks the language.
type SyntaxError struct {
	Offset int
	Msg    string
}

func (e *SyntaxError) Error() string { return e.Msg }

// maxNesting bounds variables within variables, so that a hostile text cannot exhaust the stack.
const maxNesting = 50

// Parse finds the variables and escapes of a string.
func Parse(s string) (Expr, error) {
	if !strings.Contains(s, "${") {
		return nil, nil
	}
	p := parser{s: s}
	return p.text()
}

// whole reports whether the expression is exactly one variable that spans a string of length n.
func (e Expr) whole(n int) bool {
	return len(e) == 1 && e[0].Variable != nil && e[0].Start == 0 && e[0].End == n
}

type parser struct {
	s     string
	i     int
	depth int
}

func (p *parser) errorf(offset int, format string, args ...any) error {
	return &SyntaxError{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// text reads the outermost level: anything, with variables and escapes in it.
func (p *parser) text() (Expr, error) {
	var out Expr
	for p.i < len(p.s) {
		n := strings.Index(p.s[p.i:], "${")
		if n < 0 {
			return out, nil
		}
		at := p.i + n
		slashes := at
		for slashes > p.i && p.s[slashes-1] == '\\' {
			slashes--
		}
		count := at - slashes
		if count%2 == 1 { // \${: the dollar is text, and reading goes on after it
			out = append(out, Piece{Start: slashes, End: at + 1, Text: strings.Repeat(`\`, count/2) + "$"})
			p.i = at + 2
			continue
		}
		if count > 0 {
			out = append(out, Piece{Start: slashes, End: at, Text: strings.Repeat(`\`, count/2)})
		}
		p.i = at
		pieces, err := p.variable(false)
		if err != nil {
			return nil, err
		}
		out = append(out, pieces...)
	}
	return out, nil
}

// variable reads from a "${" to behind its "}". When it is not a variable of this language, only the variables inside it
// are returned; inside the operand of a variable (strict) that is an error.
func (p *parser) variable(strict bool) ([]Piece, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.errorf(p.i, "variables are nested deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	start := p.i
	p.i += 2
	typeAt := p.i
	for p.i < len(p.s) && isWord(p.s[p.i]) {
		p.i++
	}
	name := p.s[typeAt:p.i]
	ours := name != "" && name[0] >= 'a' && name[0] <= 'z' && p.i < len(p.s)
	if ours && p.s[p.i] == ':' && !strict && p.next() == ':' {
		ours = false // ${a::b}
	}
	if !ours || p.s[p.i] != ':' && p.s[p.i] != '(' {
		if strict {
			return nil, p.errorf(typeAt, "a variable begins with the name of its source, like ${self:custom.name}")
		}
		return p.foreign()
	}
	v := &Variable{}
	src := Source{Type: name, Offset: typeAt}
	for {
		more, err := p.source(&src)
		if err != nil {
			return nil, err
		}
		v.Sources = append(v.Sources, src)
		if !more {
			break
		}
		if src, more, err = p.fallback(); err != nil {
			return nil, err
		} else if !more {
			v.Sources = append(v.Sources, src)
			break
		}
	}
	return []Piece{{Start: start, End: p.i, Variable: v}}, nil
}

// next returns the character after the current one and the spaces behind it.
func (p *parser) next() byte {
	for i := p.i + 1; i < len(p.s); i++ {
		if p.s[i] != ' ' {
			return p.s[i]
		}
	}
	return 0
}

// foreign skips to the end of something that is not ours, collecting the variables in it.
func (p *parser) foreign() ([]Piece, error) {
	var out []Piece
	for p.i < len(p.s) {
		switch {
		case p.s[p.i] == '}':
			p.i++
			return out, nil
		case strings.HasPrefix(p.s[p.i:], "${"):
			inner, err := p.variable(false)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
		default:
			p.i++
		}
	}
	return out, nil
}

// source reads the rest of a source, from the ':' or '(' behind its type. more says that a fallback follows.
func (p *parser) source(src *Source) (more bool, err error) {
	if p.s[p.i] == '(' {
		p.i++
		if err := p.params(src); err != nil {
			return false, err
		}
		switch p.skip() {
		case ':':
		case '}', ',':
			return p.end(), nil
		default:
			return false, p.unexpected(`":", "," or "}"`)
		}
	}
	p.i++ // the ':'
	switch c := p.skip(); c {
	case '}', ',':
		return p.end(), nil
	case ':':
		return false, p.unexpected("an address")
	case '"', '\'':
		v, err := p.quoted()
		if err != nil {
			return false, err
		}
		src.Address = &Operand{Value: v}
		if c := p.skip(); c != '}' && c != ',' {
			return false, p.unexpected(`"," or "}"`)
		}
		return p.end(), nil
	case 0:
		return false, p.unterminated()
	}
	src.Address, err = p.operand("},", false)
	if err != nil {
		return false, err
	}
	return p.end(), nil
}

// end consumes the '}' or ',' behind a source and reports whether it was a ','.
func (p *parser) end() bool {
	p.i++
	return p.s[p.i-1] == ','
}

// params reads what stands between parentheses.
func (p *parser) params(src *Source) error {
	for {
		switch p.skip() {
		case 0:
			return p.unterminated()
		case ')':
			p.i++
			return nil
		case '}':
			return p.unexpected(`")"`)
		case ',':
			p.i++
			src.Params = append(src.Params, Operand{Value: template.New(template.Pos{}, nil)})
			continue
		case '"', '\'':
			v, err := p.quoted()
			if err != nil {
				return err
			}
			src.Params = append(src.Params, Operand{Value: v})
		default:
			o, err := p.operand("),", true)
			if err != nil {
				return err
			}
			src.Params = append(src.Params, *o)
		}
		switch p.skip() {
		case ')':
		case ',':
			p.i++
		default:
			return p.unexpected(`"," or ")"`)
		}
	}
}

// operand reads unquoted text up to one of the stop characters. typed makes true, false, null and numbers what they are.
func (p *parser) operand(stops string, typed bool) (*Operand, error) {
	start := p.i
	var expr Expr
	for p.i < len(p.s) && strings.IndexByte(stops, p.s[p.i]) < 0 {
		if strings.HasPrefix(p.s[p.i:], "${") {
			inner, err := p.variable(true)
			if err != nil {
				return nil, err
			}
			expr = append(expr, inner...)
			continue
		}
		if typed && p.s[p.i] == '}' {
			return nil, p.unexpected(`")"`)
		}
		p.i++
	}
	if p.i == len(p.s) {
		return nil, p.unterminated()
	}
	text := strings.TrimRight(p.s[start:p.i], " \t\r\n")
	for i := range expr {
		expr[i].Start -= start
		expr[i].End -= start
	}
	o := &Operand{Value: template.New(template.Pos{}, text), Expr: expr}
	if typed && expr == nil {
		if v, ok := literal(text); ok {
			o.Value = v
		}
	}
	return o, nil
}

// fallback reads what follows a comma: another source (more is true), or a literal that ends the variable.
func (p *parser) fallback() (src Source, more bool, err error) {
	c := p.skip()
	at := p.i
	switch {
	case c == 0:
		return src, false, p.unterminated()
	case c == '"' || c == '\'':
		v, err := p.quoted()
		if err != nil {
			return src, false, err
		}
		if p.skip() != '}' {
			return src, false, p.unexpected(`"}": a text is the last fallback`)
		}
		p.i++
		return Source{Literal: v, Offset: at}, false, nil
	case !isWord(c):
		return src, false, p.unexpected("another source, or a value in quotes")
	}
	for p.i < len(p.s) && (isWord(p.s[p.i]) || p.s[p.i] == ' ') {
		p.i++
	}
	name := strings.TrimRight(p.s[at:p.i], " ")
	if p.i == len(p.s) {
		return src, false, p.unterminated()
	}
	switch p.s[p.i] {
	case ':', '(':
		if strings.Contains(name, " ") || name[0] < 'a' || name[0] > 'z' {
			return src, false, p.errorf(at, "%q is not the name of a source", name)
		}
		return Source{Type: name, Offset: at}, true, nil
	case '}':
		p.i++
		v, ok := literal(name)
		if !ok {
			return src, false, p.errorf(at, "%q is neither a source nor a number, true, false or null: put it into quotes", name)
		}
		return Source{Literal: v, Offset: at}, false, nil
	}
	return src, false, p.unexpected(`":", "(" or "}"`)
}

// quoted reads a string in single quotes, which is taken as it stands, or in double quotes, which is JSON.
func (p *parser) quoted() (*template.Value, error) {
	start, q := p.i, p.s[p.i]
	for p.i++; p.i < len(p.s) && p.s[p.i] != q; p.i++ {
		if q == '"' && p.s[p.i] == '\\' {
			p.i++
		}
	}
	if p.i >= len(p.s) {
		return nil, p.errorf(start, "the quote that opens here is never closed")
	}
	p.i++
	text := p.s[start:p.i]
	if q == '\'' {
		return template.New(template.Pos{}, text[1:len(text)-1]), nil
	}
	var s string
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, p.errorf(start, "invalid text %s: %v", text, err)
	}
	return template.New(template.Pos{}, s), nil
}

// skip passes over spaces and returns the character there, or 0 at the end.
func (p *parser) skip() byte {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *parser) unexpected(want string) error {
	if p.i >= len(p.s) {
		return p.unterminated()
	}
	return p.errorf(p.i, "unexpected %q in a variable, where %s should stand", p.s[p.i:p.i+1], want)
}

func (p *parser) unterminated() error {
	return p.errorf(max(0, min(p.i, len(p.s)-1)), "a variable is not closed: %q is missing", "}")
}

// isWord reports whether c may be part of the name of a source or of a literal.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}

// literal reads true, false, null and numbers.
func literal(text string) (*template.Value, bool) {
	switch text {
	case "":
		return nil, false
	case "true", "false":
		return template.New(template.Pos{}, text == "true"), true
	case "null":
		return template.New(template.Pos{}, nil), true
	}
	v := template.Plain(template.Pos{}, text)
	if v.Kind != template.Number {
		return nil, false
	}
	f, ok := v.AsFloat()
	if !ok {
		return nil, false
	}
	return template.New(template.Pos{}, f), true
}
