package vtl

import (
	"fmt"
	"math"
	"strconv"
)

// call is v.name(args).
func (in *interp) call(v any, name string, args []any) (any, error) {
	c := &callArgs{in: in, name: name, args: args}
	var out any
	known := true
	switch o := v.(type) {
	case string:
		out, known = c.ofString(o)
	case *List:
		out, known = c.ofList(o)
	case *Map:
		out, known = c.ofMap(o)
	case int64, float64:
		out, known = c.ofNumber(o)
	case bool:
		known = false
	case Object:
		var err error
		if out, err = o.Call(name, args); err != nil {
			return nil, err
		}
		if s, ok := out.(string); ok {
			return out, in.made(len(s))
		}
		return out, nil
	default:
		known = false
	}
	if !known { // what every object of Java has
		switch c.signature() {
		case "toString/0":
			out, known = c.value(in.text(v))
		case "equals/1":
			out, known = c.value(in.equal(v, args[0]))
			if kind(v) != kind(args[0]) {
				out = false
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("%s has no method %s with %d arguments", kind(v), name, len(args))
	}
	return out, c.err
}

// callArgs are a call's arguments. The first that is of a wrong type is the
// call's error.
type callArgs struct {
	in   *interp
	name string
	args []any
	err  error
}

func (c *callArgs) signature() string { return c.name + "/" + strconv.Itoa(len(c.args)) }

// value keeps the error of a method's result.
func (c *callArgs) value(v any, err error) (any, bool) {
	if err != nil && c.err == nil {
		c.err = err
	}
	return v, true
}

// made counts a string that a method has made.
func (c *callArgs) made(s string) (any, bool) { return c.value(s, c.in.made(len(s))) }

// text is an argument's text.
func (c *callArgs) text(i int) string {
	s, err := c.in.text(c.args[i])
	if c.args[i] == nil {
		err = fmt.Errorf("argument %d of %s is null", i+1, c.name)
	}
	c.value(nil, err)
	return s
}

// int is an argument that is an integer.
func (c *callArgs) int(i int) int {
	n, ok := c.args[i].(int64)
	if !ok || n > math.MaxInt32 || n < math.MinInt32 {
		c.value(nil, fmt.Errorf("argument %d of %s is not an integer", i+1, c.name))
	}
	return int(n)
}

// ofNumber: $Integer.parseInt works on every integer, as static methods do in
// Velocity.
func (c *callArgs) ofNumber(v any) (any, bool) {
	f, _ := number(v)
	switch c.signature() {
	case "intValue/0", "longValue/0":
		if n, ok := v.(int64); ok {
			return n, true
		}
		return int64(f), true
	case "doubleValue/0", "floatValue/0":
		return f, true
	case "parseInt/1", "parseLong/1", "valueOf/1":
		n, err := strconv.ParseInt(c.text(0), 10, 64)
		if err != nil {
			return c.value(nil, fmt.Errorf("%s of what is no integer: %q", c.name, c.text(0)))
		}
		return n, true
	case "parseDouble/1":
		n, err := strconv.ParseFloat(c.text(0), 64)
		if err != nil {
			return c.value(nil, fmt.Errorf("%s of what is no number: %q", c.name, c.text(0)))
		}
		return n, true
	}
	return nil, false
}
