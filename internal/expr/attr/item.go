package attr

import (
	"iter"
	"slices"
	"strings"
)

// Item is a set of named values: an item, a key, the parts of either, or a request's expression values. Items are equal
// exactly when they are ==.
type Item struct{ enc string }

// Entry is a name and its value.
type Entry struct {
	Name  string
	Value Value
}

// NewItem makes an item of entries in any order; of entries with the same name the last one counts, and absent values are
// left out.
func NewItem(entries ...Entry) Item {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	b, at := openContainer(nil, M)
	for i, e := range entries {
		if e.Value.IsZero() || i+1 < len(entries) && entries[i+1].Name == e.Name {
			continue
		}
		b = appendBytes(b, e.Name)
		b = append(b, e.Value.enc...)
	}
	return Item{string(closeContainer(b, at))}
}

// IsZero reports whether the item is absent; an item without attributes is not.
func (it Item) IsZero() bool { return it.enc == "" }

// Absent is [Item.IsZero] under the name that the generated shapes know.
func (it Item) Absent() bool { return it.IsZero() }

// Value is the item as an M value, the zero Value for an absent item.
func (it Item) Value() Value { return Value(it) }

// Item is a map as an item; absent for another kind.
func (v Value) Item() Item {
	if v.Kind() != M {
		return Item{}
	}
	return Item(v)
}

// Encoding is the item as it is stored; [DecodeItem] reads it.
func (it Item) Encoding() string { return it.enc }

// Len is the number of attributes.
func (it Item) Len() int { return it.Value().Len() }

// Get is the attribute with that name, absent when there is none.
func (it Item) Get(name string) Value { return Value(it).Get(name) }

// All are the attributes in the order of their names.
func (it Item) All() iter.Seq2[string, Value] { return Value(it).Entries() }

// Err is the first attribute that DynamoDB refuses, with its message; nil when there is none.
func (it Item) Err() (name string, err error) {
	for name, v := range it.All() {
		if err := v.Err(); err != nil {
			return name, err
		}
	}
	return "", nil
}

// With is the item with one attribute set; an absent value removes it.
func (it Item) With(name string, v Value) Item {
	entries := make([]Entry, 0, it.Len()+1)
	for n, w := range it.All() {
		if n != name {
			entries = append(entries, Entry{n, w})
		}
	}
	return NewItem(append(entries, Entry{name, v})...)
}

// Pick is the part of the item that has these names.
func (it Item) Pick(names ...string) Item {
	b, at := openContainer(make([]byte, 0, 256), M)
	for name, v := range it.All() {
		if slices.Contains(names, name) {
			b = appendBytes(b, name)
			b = append(b, v.enc...)
		}
	}
	return Item{string(closeContainer(b, at))}
}
