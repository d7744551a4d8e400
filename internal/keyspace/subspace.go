package keyspace

import "strconv"

// Cell is an account in a region: what has one commit order.
type Cell struct{ Account, Region string }

// Subspace is the keys that begin with the same elements.
type Subspace struct{ prefix []byte }

// Of returns the subspace of a cell.
func Of(c Cell) Subspace {
	b := append(make([]byte, 0, 32), Format)
	b = appendAccount(b, c.Account)
	return sealed(AppendString(b, c.Region))
}

// Service returns the subspace of one generation of a service's things in a
// cell. By convention generation 0 holds what names the others.
func Service(c Cell, service string, generation uint64) Subspace {
	b := AppendString(append(make([]byte, 0, 48), Of(c).prefix...), service)
	return sealed(AppendUint(b, generation))
}

// appendAccount appends an account id: a number if it has the twelve digits of
// one, which takes half the bytes.
func appendAccount(dst []byte, account string) []byte {
	if len(account) == 12 {
		if n, err := strconv.ParseUint(account, 10, 64); err == nil {
			return AppendUint(dst, n)
		}
	}
	return AppendString(dst, account)
}

// sealed returns the subspace of prefix, which nobody can append to in place.
func sealed(prefix []byte) Subspace { return Subspace{prefix[:len(prefix):len(prefix)]} }

// Sub returns the subspace of s whose next elements are these strings.
func (s Subspace) Sub(elems ...string) Subspace {
	b := s.Key()
	for _, e := range elems {
		b.Str(e)
	}
	return b.Subspace()
}

// Prefix returns the bytes that all keys of s begin with.
func (s Subspace) Prefix() Key { return s.prefix }

// Range returns the range of all keys of s.
func (s Subspace) Range() Range { return PrefixRange(s.prefix) }

// PrefixRange returns the range of all keys that begin with the elements that p
// encodes, p included.
func PrefixRange(p Key) Range {
	end := make(Key, len(p)+1)
	copy(end, p)
	end[len(p)] = maxTag
	return Range{Start: p, End: end}
}

// Key begins a key of s.
func (s Subspace) Key() *Builder {
	// One allocation for most keys.
	return &Builder{append(make([]byte, 0, len(s.prefix)+64), s.prefix...)}
}

// Decode begins the decoding of a key of s: of the elements after its prefix.
func (s Subspace) Decode(k Key) *Decoder {
	if len(k) < len(s.prefix) || string(k[:len(s.prefix)]) != string(s.prefix) {
		return &Decoder{err: errorf(k, "not in the subspace %s", Key(s.prefix))}
	}
	return &Decoder{key: k, rest: k[len(s.prefix):]}
}

// Builder builds one key. Its methods append an element and return the same
// builder; end with Done, Range or Subspace, and do not use it after that.
type Builder struct{ b []byte }

// Str appends a string.
func (b *Builder) Str(s string) *Builder { b.b = AppendString(b.b, s); return b }

// Bytes appends bytes.
func (b *Builder) Bytes(p []byte) *Builder { b.b = AppendBytes(b.b, p); return b }

// Int appends an integer.
func (b *Builder) Int(n int64) *Builder { b.b = AppendInt(b.b, n); return b }

// Uint appends an integer.
func (b *Builder) Uint(n uint64) *Builder { b.b = AppendUint(b.b, n); return b }

// Stamp appends a stamp.
func (b *Builder) Stamp(s Stamp) *Builder { b.b = AppendStamp(b.b, s); return b }

// ID appends an id.
func (b *Builder) ID(id ID) *Builder { b.b = AppendID(b.b, id); return b }

// Done returns the key.
func (b *Builder) Done() Key { return b.b[:len(b.b):len(b.b)] }

// Stamped returns the prefix of keys whose next element is the stamp of their
// commit, for kv's Append; [Suffix] begins what follows the stamp.
func (b *Builder) Stamped() Key { b.b = append(b.b, tagStamp); return b.Done() }

// Range returns the range of keys that begin with the elements so far.
func (b *Builder) Range() Range { return PrefixRange(b.Done()) }

// Subspace returns the subspace of keys that begin with the elements so far.
func (b *Builder) Subspace() Subspace { return sealed(b.b) }

// Suffix begins the elements after the stamp of an append.
func Suffix() *Builder { return &Builder{} }
