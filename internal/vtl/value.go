package vtl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Object is a value of its caller's making, such as $util.
type Object interface {
	// Get is a property; false when there is none.
	Get(name string) (any, bool)
	// Call is a method's result. An error ends the execution.
	Call(name string, args []any) (any, error)
}

// List is a list, which templates may change.
type List struct {
	Items []any
	// JSON prints the list as JSON. Lists that a template makes print as Java's
	// do; those in a payload are of a kind that prints JSON.
	JSON bool
}

// Map is a map that keeps the order of its keys, as the maps of templates do.
type Map struct {
	keys   []string
	values map[string]any
	// Quiet makes references to what the map does not have print nothing. A
	// reference is as quiet as the variable it begins with.
	Quiet bool
}

// Put sets a key's value. A new key comes last.
func (m *Map) Put(key string, v any) {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	if m.values == nil {
		m.values = map[string]any{}
	}
	m.values[key] = v
}

// Get is a key's value.
func (m *Map) Get(key string) (any, bool) {
	v, ok := m.values[key]
	return v, ok
}

// Keys are the keys in their order. They are not the caller's to change.
func (m *Map) Keys() []string { return m.keys }

func (m *Map) remove(key string) any {
	v, ok := m.values[key]
	if ok {
		delete(m.values, key)
		for i, k := range m.keys {
			if k == key {
				m.keys = append(m.keys[:i:i], m.keys[i+1:]...)
				break
			}
		}
	}
	return v
}

// Text is what a value prints: numbers and maps as Java writes them. It fails
// on what is too large, such as a list within itself.
func Text(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	var b strings.Builder
	if err := write(&b, v, 0); err != nil {
		return "", err
	}
	return b.String(), nil
}

func write(b *strings.Builder, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("a value of more than %d lists and maps within each other", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.WriteString(v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(double(v))
	case *List:
		if v.JSON {
			return writeJSON(b, v, depth)
		}
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := write(b, item, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case *Map:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(k)
			b.WriteByte('=')
			if err := write(b, v.values[k], depth+1); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case fmt.Stringer:
		b.WriteString(v.String())
	case Object:
		return fmt.Errorf("an object that has no text")
	default:
		return fmt.Errorf("a value of type %T", v)
	}
	return sized(b)
}

func sized(b *strings.Builder) error {
	if b.Len() > maxOutput {
		return fmt.Errorf("a text of more than %d bytes", maxOutput)
	}
	return nil
}

// double writes a number as Java's Double.toString does.
// https://docs.oracle.com/javase/8/docs/api/java/lang/Double.html#toString-double-
func double(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+") + "inity"
	case a == 0 || a >= 1e-3 && a < 1e7:
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return mantissa
	}
	return mantissa + "E" + strconv.Itoa(n)
}
