package pattern

// expression reads an alternative such as {"prefix": "a"}, whose opening brace
// has been read.
func (c *compiler) expression(t *term) error {
	op, more, err := c.name(true)
	if err != nil {
		return err
	}
	if !more {
		return c.failHere("Match expression name not found")
	}
	if err := c.next(); err != nil {
		return err
	}
	var m matcher
	switch op {
	case "exactly":
		var text string
		if text, err = c.textOf("exact"); err == nil {
			t.addText(text)
		}
	case "prefix", "suffix":
		m, err = c.affix(op)
	case "equals-ignore-case":
		var text string
		if text, err = c.textOf(op); err == nil {
			m = folded(fold(text))
		}
	case "wildcard":
		m, err = c.wildcard()
	case "numeric":
		if c.kind != arrayStart {
			return c.failHere("Value of numeric must be an array.")
		}
		m, err = c.numeric()
	case "anything-but":
		m, err = c.anythingBut()
	case "exists":
		switch c.kind {
		case yes:
			t.present = true
		case no:
			t.absent = true
		default:
			return c.failHere("exists match pattern must be either true or false.")
		}
	case "cidr":
		m, err = c.cidr()
	default:
		return c.failHere("Unrecognized match type %s", op)
	}
	if err != nil {
		return err
	}
	if m != nil {
		t.others = append(t.others, m)
	}
	if op == "numeric" || op == "anything-but" {
		return c.close("Too many elements in numeric expression")
	}
	return c.close("Only one key allowed in match expression")
}

// close reads the end of an object that must not have another member.
func (c *compiler) close(otherwise string) error {
	_, more, err := c.name(false)
	if err != nil || !more {
		return err
	}
	if err := c.next(); err != nil {
		return err
	}
	return c.failHere("%s", otherwise)
}

// textOf is the token's text, which must be a string's.
func (c *compiler) textOf(what string) (string, error) {
	if c.kind != str {
		return "", c.failHere("%s match pattern must be a string", what)
	}
	return c.text()
}

// affix reads the value of prefix or suffix: a string, or one whose case does
// not matter.
func (c *compiler) affix(op string) (matcher, error) {
	text, ignoreCase := "", false
	var err error
	if c.kind == objectStart {
		text, err = c.ignoreCase(op)
		ignoreCase = true
	} else {
		text, err = c.textOf(op)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case op == "prefix" && ignoreCase:
		return foldedPrefix(fold(text)), nil
	case op == "prefix":
		return prefix(text), nil
	case ignoreCase:
		return foldedSuffix(fold(text)), nil
	}
	return suffix(text), nil
}

// ignoreCase reads {"equals-ignore-case": text}, whose opening brace has been
// read.
func (c *compiler) ignoreCase(op string) (string, error) {
	inner, more, err := c.name(true)
	if err != nil {
		return "", err
	}
	if !more {
		return "", c.failHere("Match expression name not found")
	}
	if err := c.next(); err != nil {
		return "", err
	}
	if inner != "equals-ignore-case" {
		return "", c.failHere("Unsupported %s pattern: %s", op, inner)
	}
	text, err := c.textOf("equals-ignore-case")
	if err != nil {
		return "", err
	}
	return text, c.close("Only one key allowed in match expression")
}

// anythingBut reads the value of anything-but, whose first token has been read.
func (c *compiler) anythingBut() (matcher, error) {
	switch c.kind {
	case str, number:
		m, err := c.notValue()
		return anythingBut{m}, err
	case arrayStart:
		return c.notValues()
	case objectStart:
		return c.notExpression()
	}
	return nil, c.failHere("Value of anything-but must be an array or single string/number value.")
}

func (c *compiler) notValue() (matcher, error) {
	text, err := c.text()
	if err != nil {
		return nil, err
	}
	if c.kind == number {
		m := newExact(number, text)
		if !m.(exact).inRange {
			return nil, c.failAfter("%s", outOfRange)
		}
		return m, nil
	}
	return newExact(str, text), nil
}

// again adds the place once more, as AWS's parser does for what is wrong inside
// of a list.
func (c *compiler) again(err error) error {
	return c.failHere("%s", err.Error())
}

func (c *compiler) notValues() (matcher, error) {
	var out anythingBut
	texts, numbers := false, false
	for first := true; ; first = false {
		more, err := c.item(first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		switch c.kind {
		case str:
			texts = true
		case number:
			numbers = true
		default:
			return nil, c.again(c.failHere("Inside anything but list, start|null|boolean is not supported."))
		}
		m, err := c.notValue()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if texts == numbers {
		return nil, c.failHere("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return out, nil
}

// notExpression reads the operators that anything-but may be applied to.
func (c *compiler) notExpression() (matcher, error) {
	op, more, err := c.name(true)
	if err != nil {
		return nil, err
	}
	if !more {
		return nil, c.failHere("Anything-But expression name not found")
	}
	if err := c.next(); err != nil {
		return nil, err
	}
	switch op {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
	default:
		return nil, c.failHere("Unsupported anything-but pattern: %s", op)
	}
	var out anythingBut
	switch c.kind {
	case objectStart:
		return nil, c.failHere("Value of anything-but must be an array or single string/number value.")
	case arrayStart:
		for first := true; ; first = false {
			more, err := c.item(first)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			m, err := c.notAffix(op)
			if err != nil {
				return nil, c.again(err)
			}
			out = append(out, m)
		}
		if len(out) == 0 {
			return nil, c.failHere("Empty arrays are not allowed")
		}
	default:
		m, err := c.notAffix(op)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, c.close("Only one key allowed in match expression")
}

// notAffix reads one string that an operator below anything-but takes.
func (c *compiler) notAffix(op string) (matcher, error) {
	if c.kind != str {
		switch op {
		case "equals-ignore-case":
			return nil, c.failHere("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case "wildcard":
			return nil, c.failHere("wildcard match pattern must be a string")
		}
		return nil, c.failHere("prefix/suffix match pattern must be a string")
	}
	if op == "wildcard" {
		return c.wildcard()
	}
	text, err := c.text()
	switch {
	case err != nil:
		return nil, err
	case op == "equals-ignore-case":
		return folded(fold(text)), nil
	case text == "":
		return nil, c.failAfter("Null prefix/suffix not allowed")
	case op == "prefix":
		return prefix(text), nil
	}
	return suffix(text), nil
}
