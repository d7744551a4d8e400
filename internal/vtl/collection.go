package vtl

import (
	"fmt"
	"slices"
)

// ofList is a call of a method of Java's lists.
// https://docs.oracle.com/javase/8/docs/api/java/util/List.html
func (c *callArgs) ofList(l *List) (any, bool) {
	switch c.signature() {
	case "size/0":
		return int64(len(l.Items)), true
	case "isEmpty/0":
		return len(l.Items) == 0, true
	case "get/1":
		i := c.int(0)
		if c.err != nil || c.within(l, i) != nil {
			return nil, true
		}
		return l.Items[i], true
	case "set/2":
		i := c.int(0)
		if c.err != nil || c.within(l, i) != nil {
			return nil, true
		}
		before := l.Items[i]
		l.Items[i] = c.args[1]
		return before, true
	case "add/1":
		return c.value(true, c.grow(l, c.args[0]))
	case "addAll/1":
		more, err := elements(c.args[0])
		if err == nil {
			err = c.grow(l, more...)
		}
		return c.value(len(more) > 0, err)
	case "remove/1":
		i, ok := c.args[0].(int64)
		if !ok {
			at := c.index(l, c.args[0])
			if at >= 0 {
				l.Items = slices.Delete(l.Items, at, at+1)
			}
			return at >= 0, true
		}
		if c.within(l, int(i)) != nil {
			return nil, true
		}
		before := l.Items[i]
		l.Items = slices.Delete(slices.Clone(l.Items), int(i), int(i)+1)
		return before, true
	case "contains/1":
		return c.index(l, c.args[0]) >= 0, true
	case "indexOf/1":
		return int64(c.index(l, c.args[0])), true
	case "clear/0":
		l.Items = nil
		return "", true
	}
	return nil, false
}

func (c *callArgs) within(l *List, i int) error {
	if i < 0 || i >= len(l.Items) {
		c.value(nil, fmt.Errorf("the list has no element %d: it has %d", i, len(l.Items)))
	}
	return c.err
}

func (c *callArgs) grow(l *List, more ...any) error {
	if len(l.Items)+len(more) > maxItems {
		return fmt.Errorf("a list of more than %d elements", maxItems)
	}
	l.Items = append(l.Items, more...)
	return c.in.made(16 * len(more))
}

// index is where a list has a value; -1 when it has not.
func (c *callArgs) index(l *List, v any) int {
	for i, item := range l.Items {
		same, err := c.in.equal(item, v)
		if err == nil {
			err = c.in.step()
		}
		if err != nil {
			c.value(nil, err)
			return -1
		}
		if same && kind(item) == kind(v) {
			return i
		}
	}
	return -1
}

// ofMap is a call of a method of Java's maps.
// https://docs.oracle.com/javase/8/docs/api/java/util/Map.html
func (c *callArgs) ofMap(m *Map) (any, bool) {
	switch c.signature() {
	case "size/0":
		return int64(len(m.keys)), true
	case "isEmpty/0":
		return len(m.keys) == 0, true
	case "get/1":
		return m.values[c.text(0)], true
	case "getOrDefault/2":
		if v, ok := m.values[c.text(0)]; ok {
			return v, true
		}
		return c.args[1], true
	case "containsKey/1", "contains/1":
		_, ok := m.values[c.text(0)]
		return ok, true
	case "containsValue/1":
		return c.index(m.list(), c.args[0]) >= 0, true
	case "put/2":
		key := c.text(0)
		if c.err == nil && len(m.keys) >= maxItems {
			return c.value(nil, fmt.Errorf("a map of more than %d keys", maxItems))
		}
		before := m.values[key]
		if c.err == nil {
			m.Put(key, c.args[1])
		}
		return quietly(before), true
	case "putAll/1":
		from, ok := c.args[0].(*Map)
		if !ok {
			return c.value(nil, fmt.Errorf("putAll needs a map, not %s", kind(c.args[0])))
		}
		if len(m.keys)+len(from.keys) > maxItems {
			return c.value(nil, fmt.Errorf("a map of more than %d keys", maxItems))
		}
		for _, k := range slices.Clone(from.keys) {
			m.Put(k, from.values[k])
		}
		return c.value("", c.in.made(16*len(from.keys)))
	case "remove/1":
		return quietly(m.remove(c.text(0))), true
	case "keySet/0":
		l := &List{Items: make([]any, 0, len(m.keys))}
		for _, k := range m.keys {
			l.Items = append(l.Items, k)
		}
		return c.value(l, c.in.made(16*len(m.keys)))
	case "values/0":
		return c.value(m.list(), c.in.made(16*len(m.keys)))
	case "entrySet/0":
		l := &List{Items: make([]any, 0, len(m.keys))}
		for _, k := range m.keys {
			e := &entry{k, m.values[k]}
			l.Items = append(l.Items, e)
		}
		return c.value(l, c.in.made(32*len(m.keys)))
	}
	return nil, false
}

// quietly prints nothing for nothing: what put and remove return is there to be
// thrown away.
func quietly(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// entry is a key and its value.
type entry struct {
	key   string
	value any
}

// Get is a property of an entry.
func (e *entry) Get(name string) (any, bool) {
	switch name {
	case "key":
		return e.key, true
	case "value":
		return e.value, true
	}
	return nil, false
}

// Call is a method of an entry.
func (e *entry) Call(name string, args []any) (any, error) {
	switch {
	case len(args) > 0:
	case name == "getKey":
		return e.key, nil
	case name == "getValue":
		return e.value, nil
	}
	return nil, fmt.Errorf("an entry has no method %s with %d arguments", name, len(args))
}
