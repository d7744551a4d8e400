package vtl

import (
	"fmt"
	"strings"
)

// parser reads src[pos:end]. Strings with references in them are read by the
// same parser with narrower bounds, so that places are always those of src.
type parser struct {
	src      string
	pos, end int
	depth    int
	loops    int
}

func (p *parser) errorf(at int, format string, args ...any) *Error {
	return errorAt(p.src, at, fmt.Sprintf(format, args...))
}

func (p *parser) rest() string { return p.src[p.pos:p.end] }

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.rest(), prefix) }

func (p *parser) take(prefix string) bool {
	if !p.has(prefix) {
		return false
	}
	p.pos += len(prefix)
	return true
}

// peek is the byte n places on; 0 after the end.
func (p *parser) peek(n int) byte {
	if p.pos+n >= p.end {
		return 0
	}
	return p.src[p.pos+n]
}

// enter counts how deep things stand within each other.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.errorf(p.pos, "more than %d directives and expressions within each other", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// closer is the directive that ends a block.
type closer struct {
	name string // else, elseif, end; empty at the end of the text
	at   int
}

// block reads up to the directive that ends it.
func (p *parser) block() ([]node, closer, error) {
	if err := p.enter(); err != nil {
		return nil, closer{}, err
	}
	defer p.leave()
	var nodes []node
	start := p.pos
	flush := func(end int) {
		if end > start {
			nodes = append(nodes, textNode(p.src[start:end]))
		}
	}
	for p.pos < p.end {
		at := p.pos
		switch c := p.src[at]; {
		case c == '$' || c == '\\':
			n, err := p.dollar()
			if err != nil {
				return nil, closer{}, err
			}
			if n != nil {
				flush(at)
				nodes, start = append(nodes, n), p.pos
			}
		case c == '#':
			if p.comment() {
				flush(at)
				start = p.pos
				continue
			}
			if text, ok, err := p.unparsed(); err != nil {
				return nil, closer{}, err
			} else if ok {
				flush(at)
				nodes, start = append(nodes, textNode(text)), p.pos
				continue
			}
			name, after := p.directiveName()
			switch name {
			case "end", "else", "elseif":
				flush(at)
				p.pos = after
				if name != "elseif" {
					p.newline()
				}
				return nodes, closer{name, at}, nil
			case "":
				p.pos++
				continue
			}
			end := at
			if name == "set" { // Velocity takes away the blanks before it
				for end > start && (p.src[end-1] == ' ' || p.src[end-1] == '\t') {
					end--
				}
			}
			flush(end)
			p.pos = after
			n, err := p.directive(name, at)
			if err != nil {
				return nil, closer{}, err
			}
			nodes, start = append(nodes, n), p.pos
		default:
			p.pos++
		}
	}
	flush(p.end)
	return nodes, closer{at: p.end}, nil
}

// dollar reads a reference, with the backslashes before it. nil is text.
func (p *parser) dollar() (node, error) {
	start, escapes := p.pos, 0
	for p.peek(0) == '\\' {
		p.pos++
		escapes++
	}
	if escapes > 0 && p.peek(0) == '#' {
		if name, after := p.directiveName(); name != "" {
			p.pos = after // \#if is the text #if
			return textNode(p.src[start+(escapes+1)/2 : after]), nil
		}
	}
	if p.peek(0) != '$' {
		if escapes == 0 {
			p.pos++
		}
		return nil, nil
	}
	r, err := p.reference()
	if err != nil {
		return nil, err
	}
	if r == nil {
		p.pos++
		return nil, nil
	}
	return &refNode{r, escapes}, nil
}

// comment skips ## to the end of the line, and #* to *#.
func (p *parser) comment() bool {
	switch p.peek(1) {
	case '#':
		if i := strings.IndexByte(p.rest(), '\n'); i >= 0 {
			p.pos += i + 1
		} else {
			p.pos = p.end
		}
		return true
	case '*':
		if i := strings.Index(p.rest()[2:], "*#"); i >= 0 {
			p.pos += i + 4
		} else {
			p.pos = p.end
		}
		return true
	}
	return false
}

// unparsed reads #[[text]]#.
func (p *parser) unparsed() (string, bool, error) {
	if !p.has("#[[") {
		return "", false, nil
	}
	i := strings.Index(p.rest(), "]]#")
	if i < 0 {
		return "", false, p.errorf(p.pos, "#[[ without ]]#")
	}
	text := p.rest()[3:i]
	p.pos += i + 3
	return text, true, nil
}

// directiveName is the directive at pos, which may be in braces, and where it
// ends; empty for anything else after a "#", which is text.
func (p *parser) directiveName() (string, int) {
	at := p.pos + 1
	braces := at < p.end && p.src[at] == '{'
	if braces {
		at++
	}
	end := at
	for end < p.end && (isLetter(p.src[end]) || isDigit(p.src[end]) || p.src[end] == '_') {
		end++
	}
	name := p.src[at:end]
	switch name {
	case "set", "if", "elseif", "else", "end", "foreach", "define", "break", "stop", "macro", "parse", "include", "evaluate":
	default:
		return "", 0
	}
	if braces {
		if end >= p.end || p.src[end] != '}' {
			return "", 0
		}
		end++
	}
	return name, end
}

// newline skips blanks and the end of the line, if there is nothing else on it.
func (p *parser) newline() {
	i := p.pos
	for i < p.end && (p.src[i] == ' ' || p.src[i] == '\t') {
		i++
	}
	if strings.HasPrefix(p.src[i:p.end], "\r\n") {
		p.pos = i + 2
	} else if i < p.end && (p.src[i] == '\n' || p.src[i] == '\r') {
		p.pos = i + 1
	}
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
