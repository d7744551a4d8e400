package vtl

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// truth: null and false are false, all else is true.
func truth(v any) bool {
	b, ok := v.(bool)
	return ok && b || !ok && v != nil
}

func (u *unary) eval(in *interp) (any, error) {
	v, err := u.operand.eval(in)
	if err != nil {
		return nil, err
	}
	if u.op == "!" {
		return !truth(v), nil
	}
	switch n := v.(type) {
	case int64:
		return -n, nil
	case float64:
		return -n, nil
	}
	return nil, errorAt(in.src, u.at, "- needs a number, not "+kind(v))
}

func (b *binary) eval(in *interp) (any, error) {
	if err := in.step(); err != nil {
		return nil, place(in.src, b.at, err)
	}
	left, err := b.left.eval(in)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "&&", "||":
		if truth(left) == (b.op == "||") {
			return truth(left), nil
		}
		right, err := b.right.eval(in)
		return truth(right), err
	}
	right, err := b.right.eval(in)
	if err != nil {
		return nil, err
	}
	v, err := in.operate(b.op, left, right)
	return v, place(in.src, b.at, err)
}

func (in *interp) operate(op string, left, right any) (any, error) {
	switch op {
	case "==":
		return in.equal(left, right)
	case "!=":
		same, err := in.equal(left, right)
		return !same, err
	case "<", ">", "<=", ">=":
		return compare(op, left, right)
	}
	_, leftNumber := number(left)
	_, rightNumber := number(right)
	if op == "+" && !(leftNumber && rightNumber) && left != nil && right != nil {
		l, err := in.text(left)
		if err != nil {
			return nil, err
		}
		r, err := in.text(right)
		if err != nil {
			return nil, err
		}
		return l + r, in.made(len(l) + len(r))
	}
	return calculate(op, left, right)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// calculate is arithmetic: of integers when both are. What Velocity answers
// with null, such as a division by zero, is an error here.
func calculate(op string, left, right any) (any, error) {
	a, aInt := left.(int64)
	b, bInt := right.(int64)
	x, ok := number(left)
	y, also := number(right)
	if !ok || !also {
		return nil, fmt.Errorf("%s needs two numbers, not %s and %s", op, kind(left), kind(right))
	}
	if (op == "/" || op == "%") && y == 0 {
		return nil, errors.New("a division by zero")
	}
	ints := aInt && bInt
	switch op {
	case "+":
		if ints {
			return a + b, nil
		}
		return x + y, nil
	case "-":
		if ints {
			return a - b, nil
		}
		return x - y, nil
	case "*":
		if ints {
			return a * b, nil
		}
		return x * y, nil
	case "/":
		if ints {
			return a / b, nil
		}
		return x / y, nil
	}
	if ints {
		return a % b, nil
	}
	return math.Mod(x, y), nil
}

func compare(op string, left, right any) (any, error) {
	x, ok := number(left)
	y, also := number(right)
	if !ok || !also {
		return nil, fmt.Errorf("%s needs two numbers, not %s and %s", op, kind(left), kind(right))
	}
	c := 0
	if a, ok := left.(int64); ok {
		if b, ok := right.(int64); ok {
			return ordered(op, a < b, a > b), nil
		}
	}
	switch {
	case x < y:
		c = -1
	case x > y:
		c = 1
	}
	return ordered(op, c < 0, c > 0), nil
}

func ordered(op string, less, more bool) bool {
	switch op {
	case "<":
		return less
	case ">":
		return more
	case "<=":
		return !more
	}
	return !less
}

// equal compares numbers as numbers, and values of different kinds by what
// they print, as Velocity does.
func (in *interp) equal(left, right any) (bool, error) {
	if left == nil || right == nil {
		return left == nil && right == nil, nil
	}
	if x, ok := number(left); ok {
		if y, ok := number(right); ok {
			return x == y, nil
		}
	}
	if same, ok := identical(left, right); ok {
		return same, nil
	}
	l, err := in.text(left)
	if err != nil {
		return false, err
	}
	r, err := in.text(right)
	return strings.Compare(l, r) == 0, err
}

// identical compares what needs no text.
func identical(left, right any) (same, ok bool) {
	switch l := left.(type) {
	case bool:
		r, ok := right.(bool)
		return l == r, ok
	case string:
		r, ok := right.(string)
		return l == r, ok
	case *List:
		return true, left == right
	case *Map:
		return true, left == right
	}
	return false, false
}
