package expr

import "github.com/nube-run/nube/internal/expr/attr"

// enter bounds the nesting of literals and conditions.
func (p *statementParser) enter() (leave func(), err error) {
	const maxDepth = 200
	if p.depth++; p.depth > maxDepth {
		return nil, attr.Error("Statement is nested too deeply")
	}
	return func() { p.depth-- }, nil
}

// isValue reports whether a literal or a parameter begins here.
func (p *statementParser) isValue() bool {
	switch p.token.kind {
	case stString, stNumber:
		return true
	case stSymbol:
		switch p.token.text {
		case "?", "[", "{", "<<", "-", "+":
			return true
		}
	}
	return p.keyword("TRUE") || p.keyword("FALSE") || p.keyword("NULL")
}

// value reads a literal or a parameter.
func (p *statementParser) value() (attr.Value, error) {
	leave, err := p.enter()
	if err != nil {
		return attr.Value{}, err
	}
	defer leave()
	switch t := p.token; {
	case t.kind == stString:
		return attr.String(t.text), p.next()
	case t.kind == stNumber, p.is("-"), p.is("+"):
		return p.number()
	case p.keyword("TRUE"), p.keyword("FALSE"):
		return attr.Bool(p.keyword("TRUE")), p.next()
	case p.keyword("NULL"):
		return attr.Null(), p.next()
	case p.is("?"):
		p.used++
		if p.used > len(p.parameters) {
			return attr.Null(), p.next() // reported once the statement is known to be well formed
		}
		v := p.parameters[p.used-1]
		if err := v.Err(); err != nil {
			return v, err
		}
		return v, p.next()
	case p.is("["):
		elems, err := p.elements("]")
		return attr.List(elems...), err
	case p.is("<<"):
		return p.setLiteral()
	case p.is("{"):
		return p.mapLiteral()
	}
	return attr.Value{}, p.malformed()
}

func (p *statementParser) number() (attr.Value, error) {
	sign := ""
	if p.is("-") || p.is("+") {
		sign = p.token.text
		if err := p.next(); err != nil {
			return attr.Value{}, err
		}
	}
	if p.token.kind != stNumber {
		return attr.Value{}, p.malformed()
	}
	n, err := attr.ParseNumber(sign + p.token.text)
	if err != nil {
		return attr.Value{}, err
	}
	return attr.NumberOf(n), p.next()
}

// elements reads values up to a closing symbol; the current token is the opening one.
func (p *statementParser) elements(closing string) ([]attr.Value, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	var out []attr.Value
	for !p.is(closing) {
		if len(out) > 0 {
			if err := p.symbol(","); err != nil {
				return nil, err
			}
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, p.next()
}

// setLiteral reads <<'a', 'b'>>.
func (p *statementParser) setLiteral() (attr.Value, error) {
	elems, err := p.elements(">>")
	if err != nil {
		return attr.Value{}, err
	}
	if len(elems) == 0 {
		return attr.Value{}, attr.Error("One or more parameter values were invalid: An string set  may not be empty")
	}
	kind := elems[0].Kind()
	var members []string
	for _, e := range elems {
		if e.Kind() != kind || !kind.IsKey() {
			return attr.Value{}, attr.Error("One or more parameter values were invalid: the elements of a set must be strings, numbers or binary values of one type")
		}
		members = append(members, e.Key())
	}
	of := attr.NS
	switch kind {
	case attr.S:
		of = attr.SS
	case attr.B:
		of = attr.BS
	}
	v := attr.Set(of, members...)
	if v.Len() != len(elems) {
		return attr.Value{}, attr.Error("Input collection contains duplicates")
	}
	return v, nil
}

// mapLiteral reads {'k': 1}.
func (p *statementParser) mapLiteral() (attr.Value, error) {
	if err := p.next(); err != nil {
		return attr.Value{}, err
	}
	var entries []attr.Entry
	for !p.is("}") {
		if len(entries) > 0 {
			if err := p.symbol(","); err != nil {
				return attr.Value{}, err
			}
		}
		if p.token.kind != stString && p.token.kind != stQuoted {
			return attr.Value{}, p.malformed()
		}
		name := p.token.text
		if err := p.next(); err != nil {
			return attr.Value{}, err
		}
		if err := p.symbol(":"); err != nil {
			return attr.Value{}, err
		}
		v, err := p.value()
		if err != nil {
			return attr.Value{}, err
		}
		entries = append(entries, attr.Entry{Name: name, Value: v})
	}
	return attr.NewItem(entries...).Value(), p.next()
}
