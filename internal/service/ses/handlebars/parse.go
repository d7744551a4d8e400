package handlebars

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Template is a template that was parsed.
type Template struct{ nodes []node }

// depthMax bounds how deep blocks may lie in blocks, and partials may call
// partials.
const depthMax = 100

// Parse reads a template. Its errors are of type *[SyntaxError].
func Parse(src string) (*Template, error) {
	l := &lexer{src: src}
	chunks, err := l.chunks()
	if err != nil {
		return nil, err
	}
	p := &parser{lexer: l, chunks: chunks}
	nodes, end, err := p.nodes(0)
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, l.fail(p.chunks[p.next-1].pos, "{{%s}} ends no block", end)
	}
	return &Template{nodes}, nil
}

type parser struct {
	*lexer
	chunks []chunk
	next   int
}

// nodes reads up to what ends a block, {{/…}} or {{else …}}, which it returns.
func (p *parser) nodes(depth int) (out []node, end string, err error) {
	for p.next < len(p.chunks) {
		c := p.chunks[p.next]
		p.next++
		if !c.is {
			out = append(out, literal(c.text))
			continue
		}
		first, _, _ := strings.Cut(c.tag, " ")
		if strings.HasPrefix(c.tag, "/") || first == "else" || c.tag == "^" {
			return out, c.tag, nil
		}
		n, err := p.node(c, depth)
		if err != nil {
			return nil, "", err
		}
		out = append(out, n)
	}
	return out, "", nil
}

// node reads what begins with an expression.
func (p *parser) node(c chunk, depth int) (node, error) {
	if depth >= depthMax {
		return nil, p.fail(c.pos, "blocks lie more than %d deep in each other", depthMax)
	}
	if c.tag == "" {
		return nil, p.fail(c.pos, "the expression is empty")
	}
	rest := strings.TrimSpace(c.tag[1:])
	switch c.tag[0] {
	case '>':
		return p.call(c, rest)
	case '^':
		b, err := p.block(c, rest, section, depth)
		if b != nil {
			b.body, b.inverse = b.inverse, b.body
		}
		return b, err
	case '#':
		if name, ok := strings.CutPrefix(rest, "*"); ok {
			return p.declare(c, strings.TrimSpace(name), depth)
		}
		return p.blockNamed(c, rest, depth)
	case '&':
		c.tag = rest
	}
	words, err := p.words(c, c.tag)
	if err != nil {
		return nil, err
	}
	e, err := p.expression(c, words)
	if err != nil {
		return nil, err
	}
	return output{e}, nil
}

// blockNamed reads a block whose opening expression is text.
func (p *parser) blockNamed(c chunk, text string, depth int) (node, error) {
	helper, rest, _ := strings.Cut(text, " ")
	kind := section
	switch helper {
	case "if":
		kind = ifBlock
	case "unless":
		kind = unlessBlock
	case "each":
		kind = eachBlock
	case "with":
		kind = withBlock
	default:
		rest = text
	}
	return p.block(c, rest, kind, depth)
}

// block reads a block's value, body and end.
func (p *parser) block(c chunk, text string, kind blockKind, depth int) (*block, error) {
	b := &block{kind: kind}
	words, err := p.words(c, text)
	if err != nil {
		return nil, err
	}
	if i := index(words, "as"); i > 0 && i+1 < len(words) && strings.HasPrefix(words[i+1], "|") {
		names := strings.Trim(strings.Join(words[i+1:], " "), "|")
		words, b.names = words[:i], strings.Fields(names)
	}
	if b.value, err = p.expression(c, words); err != nil {
		return nil, err
	}
	name := ""
	if kind == section {
		name = b.value.String()
	} else {
		name = [...]string{"if", "unless", "each", "with"}[kind]
	}
	return b, p.rest(c, b, name, depth)
}

// rest reads the body of a block, its else branches and its end.
func (p *parser) rest(c chunk, b *block, name string, depth int) error {
	var end string
	var err error
	if b.body, end, err = p.nodes(depth + 1); err != nil {
		return err
	}
	if end == "" {
		return p.fail(c.pos, "the block %s does not end with {{/%s}}", name, name)
	}
	closer := p.chunks[p.next-1]
	switch {
	case end == "else" || end == "^":
		if b.inverse, end, err = p.nodes(depth + 1); err != nil {
			return err
		}
	case strings.HasPrefix(end, "else "):
		// {{else if x}} is a block of its own in the inverse, which ends where
		// this one does.
		words := strings.TrimSpace(strings.TrimPrefix(end, "else "))
		helper, _, _ := strings.Cut(words, " ")
		if helper != "if" && helper != "unless" && helper != "each" && helper != "with" {
			return p.fail(closer.pos, "{{%s}}: after else only if, unless, each and with are known", end)
		}
		if depth >= depthMax {
			return p.fail(closer.pos, "blocks lie more than %d deep in each other", depthMax)
		}
		inner, err := p.elseBlock(closer, words, name, depth+1)
		if err != nil {
			return err
		}
		b.inverse = []node{inner}
		return nil
	}
	if end == "" {
		return p.fail(c.pos, "the block %s does not end with {{/%s}}", name, name)
	}
	if got := strings.TrimSpace(strings.TrimPrefix(end, "/")); !strings.HasPrefix(end, "/") || got != name {
		return p.fail(p.chunks[p.next-1].pos, "{{%s}} does not end the block %s", end, name)
	}
	return nil
}

// elseBlock reads {{else if x}} and what follows, up to the end of the block to
// which it belongs.
func (p *parser) elseBlock(c chunk, text, end string, depth int) (node, error) {
	helper, rest, _ := strings.Cut(text, " ")
	b := &block{kind: map[string]blockKind{"if": ifBlock, "unless": unlessBlock, "each": eachBlock, "with": withBlock}[helper]}
	words, err := p.words(c, rest)
	if err != nil {
		return nil, err
	}
	if b.value, err = p.expression(c, words); err != nil {
		return nil, err
	}
	return b, p.rest(c, b, end, depth)
}

// declare reads an inline partial.
func (p *parser) declare(c chunk, text string, depth int) (node, error) {
	words, err := p.words(c, text)
	if err != nil {
		return nil, err
	}
	if len(words) != 2 || words[0] != "inline" {
		return nil, p.fail(c.pos, "{{#* %s}} is not {{#* inline \"name\"}}", text)
	}
	d := declare{name: unquote(words[1])}
	var end string
	if d.body, end, err = p.nodes(depth + 1); err != nil {
		return nil, err
	}
	if strings.TrimSpace(strings.TrimPrefix(end, "/")) != "inline" || !strings.HasPrefix(end, "/") {
		return nil, p.fail(c.pos, "the partial %s does not end with {{/inline}}", d.name)
	}
	return d, nil
}

// call reads {{> name context key=value}}.
func (p *parser) call(c chunk, text string) (node, error) {
	words, err := p.words(c, text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, p.fail(c.pos, "{{>}} names no partial")
	}
	n := call{name: unquote(words[0])}
	for _, w := range words[1:] {
		if name, value, ok := strings.Cut(w, "="); ok && isName(name) {
			e, err := p.expression(c, []string{value})
			if err != nil {
				return nil, err
			}
			n.hash = append(n.hash, pair{name, e})
			continue
		}
		if n.context != nil || n.hash != nil {
			return nil, p.fail(c.pos, "a partial takes one context, and then names with values")
		}
		if n.context, err = p.expression(c, []string{w}); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// words splits an expression at its spaces: not in strings, brackets and
// parentheses.
func (p *parser) words(c chunk, text string) ([]string, error) {
	var out []string
	var quote byte
	deep, begin := 0, -1
	for i := range len(text) {
		ch := text[i]
		space := ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'
		if begin < 0 && !space {
			begin = i
		}
		switch {
		case quote != 0:
			if ch == quote && text[i-1] != '\\' {
				quote = 0
			}
		case ch == '"' || ch == '\'':
			quote = ch
		case ch == '(' || ch == '[':
			deep++
		case ch == ')' || ch == ']':
			deep--
		case space && deep == 0 && begin >= 0:
			out = append(out, text[begin:i])
			begin = -1
		}
	}
	if quote != 0 || deep != 0 {
		return nil, p.fail(c.pos, "a string or a parenthesis does not end")
	}
	if begin >= 0 {
		out = append(out, text[begin:])
	}
	return out, nil
}

// expression reads a value, or lookup with its arguments.
func (p *parser) expression(c chunk, words []string) (expression, error) {
	switch {
	case len(words) == 0:
		return nil, p.fail(c.pos, "a value is missing")
	case words[0] == "lookup" && len(words) == 3:
		value, err := p.expression(c, words[1:2])
		if err != nil {
			return nil, err
		}
		key, err := p.expression(c, words[2:])
		return lookup{value, key}, err
	case len(words) > 1:
		return nil, p.fail(c.pos, "there is no helper %s; there are if, unless, each, with and lookup", words[0])
	}
	w := words[0]
	if strings.HasPrefix(w, "(") && strings.HasSuffix(w, ")") {
		inner, err := p.words(c, w[1:len(w)-1])
		if err != nil {
			return nil, err
		}
		return p.expression(c, inner)
	}
	switch {
	case w == "true" || w == "false":
		return constant{w == "true", w}, nil
	case w == "null" || w == "undefined":
		return constant{nil, w}, nil
	case w[0] == '"' || w[0] == '\'':
		if len(w) < 2 || w[len(w)-1] != w[0] {
			return nil, p.fail(c.pos, "%s is no string", w)
		}
		return constant{unquote(w), w}, nil
	case w[0] >= '0' && w[0] <= '9' || w[0] == '-':
		if !json.Valid([]byte(w)) {
			return nil, p.fail(c.pos, "%s is no number", w)
		}
		return constant{json.Number(w), w}, nil
	}
	return p.path(c, w)
}

// path reads the name of a value.
func (p *parser) path(c chunk, text string) (expression, error) {
	out := path{text: text}
	rest := text
	for {
		after, ok := strings.CutPrefix(rest, "..")
		if !ok {
			break
		}
		out.up++
		if rest = strings.TrimPrefix(after, "/"); rest == "" {
			return out, nil
		}
	}
	if after, ok := strings.CutPrefix(rest, "@"); ok {
		out.variable, rest = true, after
	}
	if !out.variable && (rest == "." || rest == "this") {
		out.this = true
		return out, nil
	}
	for _, prefix := range []string{"./", "this.", "this/"} {
		if after, ok := strings.CutPrefix(rest, prefix); ok && !out.variable {
			out.this, rest = true, after
			break
		}
	}
	for rest != "" {
		var name string
		if after, ok := strings.CutPrefix(rest, "["); ok {
			if name, rest, ok = strings.Cut(after, "]"); !ok {
				return nil, p.fail(c.pos, "%s: a bracket does not end", text)
			}
			if rest != "" && rest[0] != '.' && rest[0] != '/' {
				return nil, p.fail(c.pos, "%s is no path", text)
			}
			rest = strings.TrimLeft(rest, "./")
		} else {
			end := strings.IndexAny(rest, "./")
			if end < 0 {
				end = len(rest)
			}
			name, rest = rest[:end], rest[min(end+1, len(rest)):]
			if !isName(name) {
				return nil, p.fail(c.pos, "%s is no path: %q is no name", text, name)
			}
		}
		out.names = append(out.names, name)
	}
	if len(out.names) == 0 {
		return nil, p.fail(c.pos, "%s is no path", text)
	}
	return out, nil
}

// isName reports whether a word may stand in a path without brackets.
//
// https://handlebarsjs.com/guide/expressions.html#literal-segments
func isName(s string) bool {
	return s != "" && !strings.ContainsAny(s, " \t\r\n!\"#%&'()*+,./;<=>@[\\]^`{|}~")
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		q := s[:1]
		return strings.ReplaceAll(s[1:len(s)-1], `\`+q, q)
	}
	return s
}

func index(words []string, w string) int {
	for i, have := range words {
		if have == w {
			return i
		}
	}
	return -1
}

func (c constant) String() string { return c.text }
func (p path) String() string     { return p.text }
func (l lookup) String() string   { return fmt.Sprintf("lookup %s %s", l.value, l.key) }
