package dynamodb

import (
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
)

// Limits of keys and items.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxHashKey  = 2048
	maxSortKey  = 1024
	maxItemSize = 400 << 10
)

const (
	errHashKeySize = attr.Error("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	errSortKeySize = attr.Error("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	errKeySchema   = attr.Error("The provided key element does not match the schema")
	errItemSize    = attr.Error("Item size has exceeded the maximum allowed size")
	errUpdateSize  = attr.Error("Item size to update has exceeded the maximum allowed size")
)

// emptyKey is the error about an empty key attribute. It is a coded error, because a transaction is refused with it as a
// whole and not cancelled.
func emptyKey(v attr.Value, name string) *fault.Error {
	return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
		emptyName(v), name)
}

// emptyName is what messages call an empty value of the type.
func emptyName(v attr.Value) string {
	if v.Kind() == attr.B {
		return "binary"
	}
	return "string"
}

// isEmpty reports whether a string or binary value has no bytes.
func isEmpty(v attr.Value) bool {
	k := v.Kind()
	return (k == attr.S || k == attr.B) && v.Len() == 0
}

// checkKeySize checks the sizes of a key's attributes; numbers are always small enough.
func (k *keySchema) checkKeySize(key attr.Item) error {
	switch {
	case k.hashKind != attr.N && key.Get(k.hash).Len() > maxHashKey:
		return errHashKeySize
	case k.sort != "" && k.sortKind != attr.N && key.Get(k.sort).Len() > maxSortKey:
		return errSortKeySize
	}
	return nil
}

// checkKey checks a parameter that is a whole primary key and nothing else.
func (t *table) checkKey(key attr.Item) error {
	if key.Len() != len(t.keys.names()) {
		return errKeySchema
	}
	for name, kind := range t.keys.attributes {
		v := key.Get(name)
		if v.Kind() != kind {
			return errKeySchema
		}
		if isEmpty(v) {
			return emptyKey(v, name)
		}
	}
	return t.keys.checkKeySize(key)
}

// checkItem checks the attributes of an item that are keys of the table or of an index.
func (t *table) checkItem(item attr.Item) error {
	for name, kind := range t.keys.attributes {
		v := item.Get(name)
		switch {
		case v.IsZero():
			return attr.Error("One or more parameter values were invalid: Missing the key " + name + " in the item")
		case v.Kind() != kind:
			return attr.Error("One or more parameter values were invalid: Type mismatch for key " + name +
				" expected: " + kind.String() + " actual: " + v.Kind().String())
		case isEmpty(v):
			return emptyKey(v, name)
		}
	}
	if err := t.keys.checkKeySize(item); err != nil {
		return err
	}
	for i := range t.Indexes {
		x := &t.Indexes[i]
		for name, kind := range x.keys.attributes {
			v := item.Get(name)
			if v.IsZero() {
				continue
			}
			if v.Kind() != kind {
				return indexMismatch(x, name, kind, v)
			}
			if isEmpty(v) {
				return validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyName(v), x.Name, name)
			}
		}
		if err := x.keys.checkIndexKeySize(item); err != nil {
			return err
		}
	}
	return nil
}

func (k *keySchema) checkIndexKeySize(item attr.Item) error {
	if item.Get(k.hash).IsZero() || k.sort != "" && item.Get(k.sort).IsZero() {
		return nil // the item is not in the index
	}
	return k.checkKeySize(item)
}

func indexMismatch(x *index, name string, want attr.Kind, got attr.Value) error {
	return attr.Error("One or more parameter values were invalid: Type mismatch for Index Key " + name +
		" Expected: " + want.String() + " Actual: " + got.Kind().String() + " IndexName: " + x.Name)
}

// checkUpdate checks an update against the table before it is applied: key attributes stay, and index keys get values of
// their type.
func (t *table) checkUpdate(u *expr.Update) error {
	for _, p := range u.Paths() {
		if t.keys.has(p[0].Name) {
			return attr.Error("One or more parameter values were invalid: Cannot update attribute " + p[0].Name + ". This attribute is part of the key")
		}
	}
	for name, v := range u.SetValues {
		for i := range t.Indexes {
			x := &t.Indexes[i]
			for key, kind := range x.keys.attributes {
				if key != name {
					continue
				}
				if v.Kind() != kind {
					return indexMismatch(x, name, kind, v)
				}
				if isEmpty(v) {
					return validation("One or more parameter values are not valid. The update expression attempted to update a secondary index key "+
						"to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", emptyName(v))
				}
			}
		}
	}
	return t.checkPaths(u.Paths())
}

// checkUpdated checks an item that an update made: index keys may have got values from other attributes.
func (t *table) checkUpdated(before, item attr.Item) error {
	for i := range t.Indexes {
		x := &t.Indexes[i]
		for name, kind := range x.keys.attributes {
			v := item.Get(name)
			switch {
			case v.IsZero(), v == before.Get(name):
			case v.Kind() != kind:
				return attr.Error("The update expression attempted to update the secondary index key to unsupported type")
			case isEmpty(v):
				return validation("One or more parameter values are not valid. The update expression attempted to update a secondary index key "+
					"to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", emptyName(v))
			}
		}
		if err := x.keys.checkIndexKeySize(item); err != nil {
			return err
		}
	}
	return nil
}

// checkPaths refuses paths into attributes that are keys, which are scalars.
func (t *table) checkPaths(paths []expr.Path) error {
	for _, p := range paths {
		if len(p) == 1 {
			continue
		}
		const msg = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
		if t.keys.has(p[0].Name) {
			return attr.Error(msg + "Key: " + p[0].Name)
		}
		for i := range t.Indexes {
			if t.Indexes[i].keys.has(p[0].Name) {
				return attr.Error(msg + "IndexKey: " + p[0].Name)
			}
		}
	}
	return nil
}
