package template

// Kind is the kind of a [Value].
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// String returns the name of the kind as diagnostics use it.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case List:
		return "list"
	case Map:
		return "map"
	}
	return "null"
}

// Value is one node of a document. Use it as immutable: readers share values.
type Value struct {
	Kind   Kind
	Plain  bool     // a scalar written without quotes, whose Text a reader may take for another kind
	Text   string   // scalars: the text as written, without quotes: 0123, yes, ~
	Items  []*Value // lists
	Fields []Field  // maps, in the order written
	Pos    Pos      // where the value begins
}

// Field is one entry of a map.
type Field struct {
	Key   string
	Pos   Pos // where the key begins
	Value *Value
}

// Field returns the entry with a key.
func (v *Value) Field(key string) (Field, bool) {
	if v != nil {
		for _, f := range v.Fields {
			if f.Key == key {
				return f, true
			}
		}
	}
	return Field{}, false
}

// Get follows keys through nested maps and returns the value there, or nil.
//
// It is called at five hundred places, in each of which the compiler would put a
// copy of it.
//
//go:noinline
func (v *Value) Get(keys ...string) *Value {
	for _, k := range keys {
		f, ok := v.Field(k)
		if !ok {
			return nil
		}
		v = f.Value
	}
	return v
}

// Has reports whether v is a map with the key.
func (v *Value) Has(key string) bool {
	_, ok := v.Field(key)
	return ok
}

// Keys returns the keys of a map in the order written.
func (v *Value) Keys() []string {
	if v == nil {
		return nil
	}
	keys := make([]string, len(v.Fields))
	for i, f := range v.Fields {
		keys[i] = f.Key
	}
	return keys
}

// IsNull reports whether v is absent or null.
func (v *Value) IsNull() bool { return v == nil || v.Kind == Null }

// IsScalar reports whether v is a boolean, a number or a string.
func (v *Value) IsScalar() bool {
	return v != nil && (v.Kind == Bool || v.Kind == Number || v.Kind == String)
}

// At returns the place of v, or nowhere when v is nil.
func (v *Value) At() Pos {
	if v == nil {
		return Pos{}
	}
	return v.Pos
}

// With returns a copy of the map v in which key holds value: replaced where it stood, or added at the end.
func (v *Value) With(key string, value *Value) *Value {
	out := &Value{Kind: Map, Pos: v.At()}
	if v != nil {
		out.Fields = make([]Field, len(v.Fields), len(v.Fields)+1)
		copy(out.Fields, v.Fields)
	}
	for i := range out.Fields {
		if out.Fields[i].Key == key {
			out.Fields[i].Value = value
			return out
		}
	}
	out.Fields = append(out.Fields, Field{Key: key, Pos: value.At(), Value: value})
	return out
}

// Without returns a copy of the map v that lacks the given keys.
func (v *Value) Without(keys ...string) *Value {
	out := &Value{Kind: Map, Pos: v.At()}
	if v == nil {
		return out
	}
next:
	for _, f := range v.Fields {
		for _, k := range keys {
			if f.Key == k {
				continue next
			}
		}
		out.Fields = append(out.Fields, f)
	}
	return out
}

// Equal reports whether two values mean the same JSON: order of map keys, spelling of numbers and positions do not count.
func Equal(a, b *Value) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case List:
		if len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case Map:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for _, f := range a.Fields {
			g, ok := b.Field(f.Key)
			if !ok || !Equal(f.Value, g.Value) {
				return false
			}
		}
		return true
	case String:
		return a.Text == b.Text
	}
	return a.canonical() == b.canonical()
}
