package expr

import "github.com/nube-run/nube/internal/expr/attr"

// changes reads the assignments of one SET, or the path of one REMOVE.
func (p *statementParser) changes(set bool) error {
	for {
		target, err := p.path()
		if err != nil {
			return err
		}
		c := change{action: actionRemove, path: target}
		if set {
			if err := p.symbol("="); err != nil {
				return err
			}
			if c, err = p.assignment(target); err != nil {
				return err
			}
		}
		p.set.changes = append(p.set.changes, c)
		if !p.is(",") {
			return nil
		}
		if err := p.next(); err != nil {
			return err
		}
	}
}

// assignment reads the right side of a SET.
func (p *statementParser) assignment(target path) (change, error) {
	if p.token.kind == stWord && p.opens() {
		switch fn := lower(p.token.text); fn {
		case "set_add", "set_delete":
			return p.setFunction(fn, target)
		}
	}
	left, err := p.assigned()
	if err != nil {
		return change{}, err
	}
	o := opPlus
	if p.is("-") {
		o = opMinus
	} else if !p.is("+") {
		return change{action: actionSet, path: target, value: left}, nil
	}
	n := &node{op: o, text: p.token.text}
	if err := p.next(); err != nil {
		return change{}, err
	}
	right, err := p.assigned()
	n.args = []*node{left, right}
	return change{action: actionSet, path: target, value: n}, err
}

// setFunction reads set_add(path, <<…>>) or set_delete(path, <<…>>); the path must be the one that is assigned to.
func (p *statementParser) setFunction(fn string, target path) (change, error) {
	c := change{action: actionAdd, path: target}
	if fn == "set_delete" {
		c.action = actionDelete
	}
	args, err := p.arguments()
	if err != nil {
		return c, err
	}
	if len(args) != 2 || args[0].op != opPath || args[1].op != opValue || !(env{}).samePath(args[0].path, target) {
		return c, attr.Error("The function " + fn + " needs the path that it is assigned to and a set")
	}
	c.value = args[1]
	return c, nil
}

// arguments reads the operands of a function, from its name on.
func (p *statementParser) arguments() (args []*node, err error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	for first := true; first || p.is(","); first = false {
		if err := p.next(); err != nil {
			return nil, err
		}
		arg, err := p.assigned()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, p.symbol(")")
}

// assigned reads an operand of an assignment.
func (p *statementParser) assigned() (*node, error) {
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if p.isValue() {
		v, err := p.value()
		p.set.values = append(p.set.values, v)
		return &node{op: opValue, slot: len(p.set.values) - 1}, err
	}
	if p.token.kind == stWord && updateArity(lower(p.token.text)) > 0 && p.opens() {
		n := &node{op: opCall, text: lower(p.token.text)}
		n.args, err = p.arguments()
		return n, err
	}
	steps, err := p.path()
	return &node{op: opPath, path: steps}, err
}
