package expr

import (
	"slices"
	"strconv"

	"github.com/nube-run/nube/internal/expr/attr"
)

// Limits of expressions.
const (
	maxText      = 4096
	maxOperators = 300
	maxPathDepth = 32
	maxIn        = 100
)

// parser reads all kinds of expressions. Errors that do not depend on the request's names and values are gathered while
// it reads, because DynamoDB reports syntax errors before them and ranks them.
type parser struct {
	*lexer
	param string
	names []string // #placeholders by slot
	value []string // :placeholders by slot

	operators int
	depth     error // a path that is too deep, or an index that is too high
	in        error // too many operands of IN
	parens    bool
	static    []staticError // reserved words and functions out of place, in the order of the text
}

type staticError struct {
	kind staticKind
	err  error
}

type staticKind uint8

const (
	reservedWord staticKind = iota
	unknownFunction
	misusedFunction
)

func newParser(param, text string) (*parser, error) {
	switch {
	case text == "":
		return nil, paramError(param, "The expression can not be empty;")
	case len(text) > maxText:
		return nil, paramError(param, "Expression size has exceeded the maximum allowed size;")
	}
	return &parser{lexer: newLexer(text), param: param}, nil
}

// paramError prefixes a message with the parameter that it is about.
func paramError(param, msg string) error { return attr.Error("Invalid " + param + ": " + msg) }

func (p *parser) error(err error) error {
	if err == nil {
		return nil
	}
	return paramError(p.param, err.Error())
}

func (p *parser) note(kind staticKind, msg string) {
	p.static = append(p.static, staticError{kind, attr.Error(msg)})
}

// firstStatic is the first error of the given kinds.
func (p *parser) firstStatic(kinds ...staticKind) error {
	for _, s := range p.static {
		if slices.Contains(kinds, s.kind) {
			return s.err
		}
	}
	return nil
}

// limits are the errors that DynamoDB finds before it looks at meanings.
func (p *parser) limits() error {
	switch {
	case p.depth != nil:
		return p.depth
	case p.in != nil:
		return p.in
	case p.operators > maxOperators:
		return attr.Error("The expression contains too many operators; operator count: " + strconv.Itoa(maxOperators+1))
	case p.parens:
		return attr.Error("The expression has redundant parentheses;")
	}
	return nil
}

// expect consumes a symbol.
func (p *parser) expect(symbol string) error {
	if !p.is(symbol) {
		return p.syntaxError()
	}
	p.next()
	return nil
}

func slot(slots *[]string, name string) int {
	if i := slices.Index(*slots, name); i >= 0 {
		return i
	}
	*slots = append(*slots, name)
	return len(*slots) - 1
}

// readPath reads a document path.
func (p *parser) readPath() (path, error) {
	var steps path
	for {
		s, err := p.readName()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		for p.is("[") {
			p.next()
			if p.token.kind != tokenNumber {
				return nil, p.syntaxError()
			}
			s := step{list: true}
			index, err := strconv.ParseInt(p.current(), 10, 32)
			if err != nil && p.depth == nil {
				p.depth = attr.Error("List index is not within the allowable range; index: [" + p.current() + "]")
			}
			s.index = int(index)
			p.next()
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			steps = append(steps, s)
		}
		if !p.is(".") {
			break
		}
		p.next()
	}
	if len(steps) > maxPathDepth && p.depth == nil {
		p.depth = attr.Error("The document path has too many nesting levels; nesting levels: " + strconv.Itoa(len(steps)))
	}
	return steps, nil
}

func (p *parser) readName() (step, error) {
	var s step
	switch p.token.kind {
	case tokenWord:
		s.name = p.current()
		if isReserved(s.name) {
			p.note(reservedWord, "Attribute name is a reserved keyword; reserved keyword: "+s.name)
		}
	case tokenName:
		s.slot = 1 + slot(&p.names, p.current())
	default:
		return s, p.syntaxError()
	}
	p.next()
	return s, nil
}

// readOperand reads a path, a value or a function call, or one of them in parentheses.
func (p *parser) readOperand() (*node, error) {
	switch {
	case p.token.kind == tokenValue:
		n := &node{op: opValue, slot: slot(&p.value, p.current())}
		p.next()
		return n, nil
	case p.token.kind == tokenWord:
		if next := p.peek(); next.kind == tokenSymbol && p.text[next.start] == '(' {
			return p.readCall()
		}
	case p.is("("):
		p.next()
		n, err := p.readOperand()
		if err != nil {
			return nil, err
		}
		return p.closeParens(n)
	}
	steps, err := p.readPath()
	if err != nil {
		return nil, err
	}
	return &node{op: opPath, path: steps}, nil
}

// closeParens reads the parenthesis after n and marks n.
func (p *parser) closeParens(n *node) (*node, error) {
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if n.parens {
		p.parens = true
	}
	n.parens = true
	return n, nil
}

func (p *parser) readCall() (*node, error) {
	n := &node{op: opCall, text: p.current()}
	p.operators++
	p.next()
	p.next()
	for {
		arg, err := p.readOperand()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if p.is(",") {
			p.next()
			continue
		}
		return n, p.expect(")")
	}
}
