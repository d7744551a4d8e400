package vtl

// directive reads what follows a directive's name.
func (p *parser) directive(name string, at int) (node, error) {
	switch name {
	case "set":
		return p.set()
	case "if":
		return p.conditional(at)
	case "foreach":
		return p.foreach(at)
	case "define":
		return p.define(at)
	case "stop":
		p.newline()
		return &leaveNode{at, errStop}, nil
	case "break":
		if p.loops == 0 {
			return nil, p.errorf(at, "#break outside of a #foreach")
		}
		p.newline()
		return &leaveNode{at, errBreak}, nil
	}
	return nil, p.errorf(at, "#%s is not supported", name)
}

// open and close read the parentheses of a directive.
func (p *parser) open(name string) error {
	p.space()
	if !p.take("(") {
		return p.errorf(p.pos, "#%s needs a (", name)
	}
	p.space()
	return nil
}

func (p *parser) close(name string) error {
	p.space()
	if !p.take(")") {
		return p.errorf(p.pos, "#%s needs a ), not %s", name, p.found())
	}
	p.newline()
	return nil
}

func (p *parser) set() (node, error) {
	if err := p.open("set"); err != nil {
		return nil, err
	}
	to, err := p.target("set")
	if err != nil {
		return nil, err
	}
	if n := len(to.parts); n > 0 && to.parts[n-1].call {
		return nil, p.errorf(to.at, "a method's result cannot be set")
	}
	p.space()
	if !p.take("=") {
		return nil, p.errorf(p.pos, "#set needs a =, not %s", p.found())
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &setNode{to, value}, p.close("set")
}

// target reads the reference that a directive gives a value.
func (p *parser) target(name string) (*reference, error) {
	at := p.pos
	if p.peek(0) != '$' {
		return nil, p.errorf(at, "#%s needs a reference, not %s", name, p.found())
	}
	r, err := p.reference()
	if err == nil && r == nil {
		return nil, p.errorf(at, "#%s needs a reference", name)
	}
	return r, err
}

func (p *parser) variable(name string) (string, error) {
	r, err := p.target(name)
	if err != nil {
		return "", err
	}
	if len(r.parts) > 0 {
		return "", p.errorf(r.at, "#%s needs a plain name", name)
	}
	return r.name, nil
}

func (p *parser) conditional(at int) (node, error) {
	n := &ifNode{at: at}
	name := "if"
	for {
		var b branch
		if name != "else" {
			if err := p.open(name); err != nil {
				return nil, err
			}
			var err error
			if b.when, err = p.expression(); err != nil {
				return nil, err
			}
			if err := p.close(name); err != nil {
				return nil, err
			}
		}
		body, end, err := p.block()
		if err != nil {
			return nil, err
		}
		b.body = body
		n.branches = append(n.branches, b)
		switch {
		case end.name == "":
			return nil, p.errorf(at, "#if without #end")
		case end.name == "end":
			return n, nil
		case name == "else":
			return nil, p.errorf(end.at, "#%s after #else", end.name)
		}
		name = end.name
	}
}

func (p *parser) foreach(at int) (node, error) {
	if err := p.open("foreach"); err != nil {
		return nil, err
	}
	name, err := p.variable("foreach")
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.word("in") {
		return nil, p.errorf(p.pos, "#foreach needs in, not %s", p.found())
	}
	over, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.close("foreach"); err != nil {
		return nil, err
	}
	p.loops++
	body, err := p.body("foreach", at)
	p.loops--
	if err != nil {
		return nil, err
	}
	return &foreachNode{at, name, over, body}, nil
}

func (p *parser) define(at int) (node, error) {
	if err := p.open("define"); err != nil {
		return nil, err
	}
	name, err := p.variable("define")
	if err != nil {
		return nil, err
	}
	if err := p.close("define"); err != nil {
		return nil, err
	}
	// The text is printed elsewhere: a loop around it here is not around it there.
	loops := p.loops
	p.loops = 0
	body, err := p.body("define", at)
	p.loops = loops
	if err != nil {
		return nil, err
	}
	return &defineNode{name, body}, nil
}

// body reads up to the #end of a directive that has no other branches.
func (p *parser) body(name string, at int) ([]node, error) {
	body, end, err := p.block()
	if err != nil {
		return nil, err
	}
	switch end.name {
	case "end":
		return body, nil
	case "":
		return nil, p.errorf(at, "#%s without #end", name)
	}
	return nil, p.errorf(end.at, "#%s in a #%s", end.name, name)
}
