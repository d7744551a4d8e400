package vtl

// reference reads $name, $!name or ${name} with the properties, calls and
// indexes that follow. nil is a "$" that starts no reference.
func (p *parser) reference() (*reference, error) {
	r := &reference{at: p.pos}
	i := p.pos + 1
	if i < p.end && p.src[i] == '!' {
		r.quiet = true
		i++
	}
	braces := i < p.end && p.src[i] == '{'
	if braces {
		i++
	}
	if i >= p.end || !startsName(p.src[i]) {
		return nil, nil
	}
	p.pos = i
	r.name = p.name()
	for {
		at := p.pos
		switch {
		case p.peek(0) == '.' && startsName(p.peek(1)):
			p.pos++
			pt := part{at: p.pos}
			pt.name = p.name()
			if p.peek(0) == '(' {
				p.pos++
				args, err := p.list(')')
				if err != nil {
					return nil, err
				}
				pt.call, pt.args = true, args
			}
			r.parts = append(r.parts, pt)
			continue
		case p.peek(0) == '[':
			index, err := p.index()
			if err != nil {
				return nil, err
			}
			r.parts = append(r.parts, part{at: at, index: index})
			continue
		}
		break
	}
	if braces && !p.take("}") {
		return nil, p.errorf(p.pos, "${%s needs a }, not %s", r.name, p.found())
	}
	r.end = p.pos
	return r, nil
}

func (p *parser) index() (expr, error) {
	p.pos++
	index, err := p.expression()
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take("]") {
		return nil, p.errorf(p.pos, "an index needs a ], not %s", p.found())
	}
	return index, nil
}

func startsName(c byte) bool { return isLetter(c) || c == '_' }

// name reads an identifier. Hyphens are part of one: headers are properties.
func (p *parser) name() string {
	start := p.pos
	for c := p.peek(0); startsName(c) || isDigit(c) || c == '-'; c = p.peek(0) {
		p.pos++
	}
	return p.src[start:p.pos]
}
