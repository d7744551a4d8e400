package policy

import (
	"strings"
)

// A condition is one line of a Condition element: an operator, a context key,
// and the values to compare it with. All lines of a statement must hold.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	operator string // as written, for people
	name     string // the key as written
	key      string // in lower case
	over     quantifier
	negated  bool
	ifExists bool
	null     bool      // the Null operator: values are in wantNull
	wantNull [2]bool   // [false] and [true] occur among the values
	values   []operand // any of them may match
	texts    []string  // as written, for people
}

// A quantifier says how a multivalued key is compared.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
type quantifier uint8

const (
	single quantifier = iota
	forAllValues
	forAnyValue
)

// An operand is a value of a policy, compiled for its operator.
type operand interface {
	// matches reports whether the request's value v satisfies the operand.
	// Unresolved means that the operand holds a variable without a value.
	matches(v string, r *Request) (ok, unresolved bool)
}

// An operator compiles the values that it is written with.
type operator struct {
	negated bool
	null    bool
	compile func(s string, vars bool) (operand, error)
}

// operatorNamed returns the operator with a base name: without prefix and
// IfExists.
func operatorNamed(name string) (operator, bool) {
	o := operator{}
	switch name {
	case "StringEquals", "StringNotEquals":
		o.compile = compileString
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		o.compile = compileStringFold
	case "StringLike", "StringNotLike":
		o.compile = compileStringLike
	case "NumericEquals", "NumericNotEquals":
		o.compile = compileNumeric(equal)
	case "NumericLessThan":
		o.compile = compileNumeric(less)
	case "NumericLessThanEquals":
		o.compile = compileNumeric(lessOrEqual)
	case "NumericGreaterThan":
		o.compile = compileNumeric(greater)
	case "NumericGreaterThanEquals":
		o.compile = compileNumeric(greaterOrEqual)
	case "DateEquals", "DateNotEquals":
		o.compile = compileDate(equal)
	case "DateLessThan":
		o.compile = compileDate(less)
	case "DateLessThanEquals":
		o.compile = compileDate(lessOrEqual)
	case "DateGreaterThan":
		o.compile = compileDate(greater)
	case "DateGreaterThanEquals":
		o.compile = compileDate(greaterOrEqual)
	case "Bool":
		o.compile = compileBool
	case "BinaryEquals":
		o.compile = compileBinary
	case "IpAddress", "NotIpAddress":
		o.compile = compileIP
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		o.compile = compileARN
	case "Null":
		o.null = true
	default:
		return o, false
	}
	o.negated = strings.Contains(name, "Not")
	return o, true
}

// splitOperator cuts an operator into its quantifier, its base name and
// whether it has the suffix IfExists.
func splitOperator(s string) (over quantifier, base string, ifExists bool) {
	if rest, ok := strings.CutPrefix(s, "ForAllValues:"); ok {
		over, s = forAllValues, rest
	} else if rest, ok := strings.CutPrefix(s, "ForAnyValue:"); ok {
		over, s = forAnyValue, rest
	}
	base, ifExists = strings.CutSuffix(s, "IfExists")
	return over, base, ifExists
}

// newCondition compiles one line. A nil condition without an error means that
// the operator is unknown.
func newCondition(op, key string, values []string, vars bool) (*condition, error) {
	c := &condition{operator: op, name: key, key: strings.ToLower(key), texts: values}
	var base string
	c.over, base, c.ifExists = splitOperator(op)
	o, ok := operatorNamed(base)
	if !ok || o.null && c.ifExists {
		return nil, nil
	}
	c.negated, c.null = o.negated, o.null
	for _, v := range values {
		if c.null {
			b, err := parseBool(v)
			if err != nil {
				return nil, err
			}
			if b {
				c.wantNull[1] = true
			} else {
				c.wantNull[0] = true
			}
			continue
		}
		operand, err := o.compile(v, vars)
		if err != nil {
			return nil, err
		}
		c.values = append(c.values, operand)
	}
	return c, nil
}

// holds reports whether the request satisfies the condition.
//
// A key that is absent satisfies a negated operator, one with IfExists, and
// ForAllValues, and no other. An unresolved variable satisfies nothing: AWS
// documents that it makes the statement invalid.
func (c *condition) holds(r *Request) bool {
	v, ok := r.key(c.key)
	if c.null {
		absent := !ok || v.len() == 0
		return absent && c.wantNull[1] || !absent && c.wantNull[0]
	}
	switch {
	case !ok || v.len() == 0 || c.over != single && v.blank():
		switch {
		case c.ifExists && (!ok || v.len() == 0), c.over == forAllValues:
			return true
		case c.over == forAnyValue:
			return false
		}
		return c.negated
	case c.over == forAllValues:
		for i := range v.len() {
			if matched, void := c.any(v.at(i), r); void || matched == c.negated {
				return false
			}
		}
		return true
	case c.over == forAnyValue:
		for i := range v.len() {
			if matched, void := c.any(v.at(i), r); !void && matched != c.negated {
				return true
			}
		}
		return false
	}
	for i := range v.len() {
		matched, void := c.any(v.at(i), r)
		if matched || void {
			return matched && !c.negated
		}
	}
	return c.negated
}

// any reports whether one of the operands matches v. Void means that none did
// but that one could not be resolved.
func (c *condition) any(v string, r *Request) (matched, void bool) {
	for _, o := range c.values {
		ok, unresolved := o.matches(v, r)
		if ok {
			return true, false
		}
		void = void || unresolved
	}
	return false, void
}
