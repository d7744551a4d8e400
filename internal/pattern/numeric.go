package pattern

import (
	"math"
	"strconv"
)

// maxNumber is the largest number that is compared as one.
const maxNumber = 5e9

const outOfRange = "Value must be between -5.0E9 and 5.0E9, inclusive"

// toNumber is the number that a text says, if it is one that can be compared.
func toNumber(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && f >= -maxNumber && f <= maxNumber
}

// numberRange accepts numbers between two bounds.
type numberRange struct {
	low, high         float64
	openLow, openHigh bool // the bound itself is not in it
}

func (r numberRange) match(v *value) bool {
	if v.kind != number {
		return false
	}
	f, ok := toNumber(v.text)
	return ok && (f > r.low || f == r.low && !r.openLow) && (f < r.high || f == r.high && !r.openHigh)
}

// numeric reads the comparisons of a numeric expression, whose opening bracket
// has been read, and its end.
func (c *compiler) numeric() (matcher, error) {
	if err := c.next(); err != nil {
		return nil, err
	}
	if c.kind != str {
		return nil, c.failAfter("Invalid member in numeric match: %s", c.src[c.from:c.pos])
	}
	op, err := c.text()
	if err != nil {
		return nil, err
	}
	known := op == "=" || op == "<" || op == "<=" || op == ">" || op == ">="
	more, err := c.item(false)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, c.failHere("Unrecognized numeric range operator: %s", op)
	case !more || c.kind != number:
		name := op
		if op == "=" {
			name = "equals"
		}
		return nil, c.failHere("Value of %s must be numeric", name)
	}
	n, ok := toNumber(string(c.src[c.from:c.pos]))
	if !ok {
		return nil, c.failHere("%s", outOfRange)
	}
	if more, err = c.item(false); err != nil {
		return nil, err
	}
	r := numberRange{low: math.Inf(-1), high: math.Inf(1)}
	switch op {
	case "=":
		r.low, r.high = n, n
	case "<", "<=":
		r.high, r.openHigh = n, op == "<"
	default:
		r.low, r.openLow = n, op == ">"
		if more {
			return c.upper(r)
		}
	}
	if more {
		return nil, c.failHere("Too many elements in numeric expression")
	}
	return r, nil
}

// upper reads the upper bound of a range, whose operator is the token.
func (c *compiler) upper(r numberRange) (matcher, error) {
	if c.kind != str {
		return nil, c.failHere("Bad value in numeric range: %s", c.src[c.from:c.pos])
	}
	op, err := c.text()
	switch {
	case err != nil:
		return nil, err
	case op != "<" && op != "<=":
		return nil, c.failAfter("Bad numeric range operator: %s", op)
	}
	more, err := c.item(false)
	switch {
	case err != nil:
		return nil, err
	case !more || c.kind != number:
		return nil, c.failHere("Value of %s must be numeric", op)
	}
	n, ok := toNumber(string(c.src[c.from:c.pos]))
	if !ok {
		return nil, c.failHere("%s", outOfRange)
	}
	r.high, r.openHigh = n, op == "<"
	if more, err = c.item(false); err != nil {
		return nil, err
	}
	switch {
	case more:
		return nil, c.failHere("Too many terms in numeric range expression")
	case r.low >= r.high:
		return nil, c.failHere("Bottom must be less than top")
	}
	return r, nil
}
