package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/expr/attr"
)

// Bindings are a request's ExpressionAttributeNames and ExpressionAttributeValues, and the record of which of them its
// expressions use. One Bindings serves all expressions of a request.
type Bindings struct {
	names  map[string]string
	values attr.Item
	used   []string
}

// Limits of placeholders and of the names behind them.
const (
	maxPlaceholder = 255
	maxName        = 65535
)

// NewBindings checks names and values by themselves. A nil map and an absent item mean that the request has none.
func NewBindings(names map[string]string, values attr.Item) (*Bindings, error) {
	b := &Bindings{names: names, values: values}
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	if err := b.checkValues(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Bindings) checkNames() error {
	const param = "ExpressionAttributeNames"
	if b.names == nil {
		return nil
	}
	if len(b.names) == 0 {
		return attr.Error(param + " must not be empty")
	}
	var (
		first string
		err   error
	)
	for key, name := range b.names { // of several errors, the same one each time
		if e := checkName(key, name); e != "" && (err == nil || key < first) {
			first, err = key, attr.Error(param+" contains invalid "+e)
		}
	}
	return err
}

func checkName(key, name string) string {
	switch {
	case len(key) > 1+maxPlaceholder:
		return "key: The expression attribute map contains a key that is too long; size of key: " + strconv.Itoa(len(key))
	case !isPlaceholder(key, '#'):
		return `key: Syntax error; key: "` + key + `"`
	case name == "":
		return "value: Empty attribute name for key " + key
	case len(name) > maxName:
		return "value: Attribute name is too large, must be less than 65536 bytes for key " + key
	}
	return ""
}

func (b *Bindings) checkValues() error {
	const param = "ExpressionAttributeValues"
	if b.values.IsZero() {
		return nil
	}
	n := 0
	for key := range b.values.All() {
		n++
		switch {
		case len(key) > 1+maxPlaceholder:
			return attr.Error(param + " contains invalid key: The expression attribute map contains a key that is too long; size of key: " + strconv.Itoa(len(key)))
		case !isPlaceholder(key, ':'):
			return attr.Error(param + ` contains invalid key: Syntax error; key: "` + key + `"`)
		}
	}
	if n == 0 {
		return attr.Error(param + " must not be empty")
	}
	if key, err := b.values.Err(); err != nil {
		return attr.Error(param + " contains invalid value: " + err.Error() + " for key " + key)
	}
	return nil
}

func isPlaceholder(s string, first byte) bool {
	if len(s) < 2 || s[0] != first {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

// Unused is the error about names or values that no expression has used, to be asked when all are bound.
func (b *Bindings) Unused() error {
	var unused []string
	for key := range b.names {
		if !slices.Contains(b.used, key) {
			unused = append(unused, key)
		}
	}
	if err := unusedError("ExpressionAttributeNames", unused); err != nil {
		return err
	}
	for key := range b.values.All() {
		if !slices.Contains(b.used, key) {
			unused = append(unused, key)
		}
	}
	return unusedError("ExpressionAttributeValues", unused)
}

func unusedError(param string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	return attr.Error("Value provided in " + param + " unused in expressions: keys: {" + strings.Join(keys, ", ") + "}")
}

// parsed is what all parsed expressions have: their parameter and their placeholders by slot.
type parsed struct {
	param  string
	names  []string
	values []string
}

// env is the request's names and values by slot. A name that the request does not define is "", a value absent.
type env struct {
	names  []string
	values []attr.Value
}

func (p *parsed) resolve(b *Bindings) env {
	var e env
	if len(p.names) > 0 {
		e.names = make([]string, len(p.names))
		for i, key := range p.names {
			e.names[i] = b.names[key]
		}
	}
	if len(p.values) > 0 {
		e.values = make([]attr.Value, len(p.values))
		for i, key := range p.values {
			e.values[i] = b.values.Get(key)
		}
	}
	b.used = append(append(b.used, p.names...), p.values...)
	return e
}

// undefinedName and undefinedValue are the first placeholder of the tree, in the order of the text, that the request does
// not define.
func (p *parsed) undefinedName(e env, n *node) error {
	if err := p.undefinedInPath(e, n.path); err != nil {
		return err
	}
	for _, arg := range n.args {
		if err := p.undefinedName(e, arg); err != nil {
			return err
		}
	}
	return nil
}

func (p *parsed) undefinedInPath(e env, path path) error {
	for _, s := range path {
		if s.slot > 0 && e.names[s.slot-1] == "" {
			return attr.Error("An expression attribute name used in the document path is not defined; attribute name: " + p.names[s.slot-1])
		}
	}
	return nil
}

func (p *parsed) undefinedValue(e env, n *node) error {
	if n.op == opValue && e.values[n.slot].IsZero() {
		return attr.Error("An expression attribute value used in expression is not defined; attribute value: " + p.values[n.slot])
	}
	for _, arg := range n.args {
		if err := p.undefinedValue(e, arg); err != nil {
			return err
		}
	}
	return nil
}

// undefined is the first placeholder of either kind that is not defined.
func (p *parsed) undefined(e env, n *node) error {
	if err := p.undefinedInPath(e, n.path); err != nil {
		return err
	}
	if n.op == opValue {
		return p.undefinedValue(e, n)
	}
	for _, arg := range n.args {
		if err := p.undefined(e, arg); err != nil {
			return err
		}
	}
	return nil
}

func (e env) name(s step) string {
	if s.slot > 0 {
		return e.names[s.slot-1]
	}
	return s.name
}

// path resolves a path's names.
func (e env) path(p path) Path {
	out := make(Path, len(p))
	for i, s := range p {
		if s.list {
			out[i] = Step{Index: s.index, List: true}
		} else {
			out[i] = Step{Name: e.name(s)}
		}
	}
	return out
}

func (e env) samePath(p, q path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i].list != q[i].list || p[i].index != q[i].index || !p[i].list && e.name(p[i]) != e.name(q[i]) {
			return false
		}
	}
	return true
}

// lookup is the value at a path, absent when there is none.
func (e env) lookup(p path, item attr.Item) attr.Value {
	v := item.Get(e.name(p[0]))
	for _, s := range p[1:] {
		if v.IsZero() {
			break
		}
		if s.list {
			v = v.Index(s.index)
		} else {
			v = v.Get(e.name(s))
		}
	}
	return v
}
