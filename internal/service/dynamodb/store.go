package dynamodb

import (
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// The layout of generation 0, which names the others:
//
//	"table" name           → 16 bytes of id and revision, then the table's description in JSON
//	"next"                 → counter: the last table id given out
//	"gone" id              → a deleted table whose keys are still to be cleared
//	"token" period token   → what a transaction with that client token was; periods are cleared whole
//	"stream" name label    → 16 bytes of id and trimming time, then the stream's description in JSON (feed.go)
//	"ttl" id               → name of a table whose items expire
//
// The layout of a table's own generation, its id:
//
//	0 bucket hash [sort]                   → the item
//	n bucket hash [sort] table's key       → an item's entry in the index with id n ≥ 1
//	"count" n, "bytes" n                   → counters: the entries of index n and their size; the items with n = 0
//	"filled" n                             → the last item key that the backfill of index n has done; of the expiry for n = 0
//	"expiry" seconds tail                  → an item that expires: the item's key is the prefix of the table and this tail
//
// The layout of a stream's generation, its id, which outlives the table:
//
//	"log" stamp                            → a stream record (stream.go)
//	"horizon"                              → the stamp of the last record that was trimmed
//
// Key attributes are strings of their order-preserving bytes (attr.Value.Key). The bucket is a hash of the partition key
// in 0…65535: it spreads a scan's segments, as DynamoDB's own hash does, and keeps each partition together.
//
// History: version 2, this one; testdata/layout.golden holds the keys to it. In version 1, in which nothing could read them,
// stream records were with the table's keys, and nothing expired; a table that had a stream or a time to live then has none
// now, and can be given one again.

const service = "dynamodb"

// catalog is the layout of generation 0.
type catalog struct{ keyspace.Subspace }

func catalogOf(c keyspace.Cell) catalog { return catalog{keyspace.Service(c, service, 0)} }

func (c catalog) table(name string) kv.Key { return c.Key().Str("table").Str(name).Done() }
func (c catalog) tables() kv.Range         { return c.Key().Str("table").Range() }
func (c catalog) next() kv.Key             { return c.Key().Str("next").Done() }
func (c catalog) gone(id uint64) kv.Key    { return c.Key().Str("gone").Uint(id).Done() }
func (c catalog) allGone() kv.Range        { return c.Key().Str("gone").Range() }
func (c catalog) stream(table, label string) kv.Key {
	return c.Key().Str("stream").Str(table).Str(label).Done()
}
func (c catalog) streams() kv.Range           { return c.Key().Str("stream").Range() }
func (c catalog) streamsOf(t string) kv.Range { return c.Key().Str("stream").Str(t).Range() }
func (c catalog) expiring(id uint64) kv.Key   { return c.Key().Str("ttl").Uint(id).Done() }
func (c catalog) allExpiring() kv.Range       { return c.Key().Str("ttl").Range() }
func (c catalog) token(period uint64, token string) kv.Key {
	return c.Key().Str("token").Uint(period).Str(token).Done()
}

// tokensBefore are the tokens of periods before this one.
func (c catalog) tokensBefore(period uint64) kv.Range {
	return kv.Range{Start: c.Key().Str("token").Range().Start, End: c.Key().Str("token").Uint(period).Done()}
}

// layout is the layout of one table.
type layout struct{ space keyspace.Subspace }

func layoutOf(c keyspace.Cell, id uint64) layout { return layout{keyspace.Service(c, service, id)} }

func (l layout) all() kv.Range { return l.space.Range() }

func (l layout) count(index uint64) kv.Key { return l.space.Key().Str("count").Uint(index).Done() }
func (l layout) bytes(index uint64) kv.Key { return l.space.Key().Str("bytes").Uint(index).Done() }

func (l layout) filled(index uint64) kv.Key { return l.space.Key().Str("filled").Uint(index).Done() }

// expiry is where the item with this key stands among those that expire.
func (l layout) expiry(seconds int64, item kv.Key) kv.Key {
	return l.space.Key().Str("expiry").Int(seconds).Bytes(item[len(l.space.Prefix()):]).Done()
}

func (l layout) expiries() kv.Range { return l.space.Key().Str("expiry").Range() }

// expired are the items that have expired by then.
func (l layout) expired(seconds int64) kv.Range {
	r := l.expiries()
	r.End = l.space.Key().Str("expiry").Int(seconds).Range().End
	return r
}

// expiring reads a key of expiry: when the item expires, and the item's own key.
func (l layout) expiring(k kv.Key) (seconds int64, item kv.Key, err error) {
	d := l.space.Decode(k)
	d.Str()
	seconds = d.Int()
	tail := d.Bytes()
	return seconds, append(append(kv.Key(nil), l.space.Prefix()...), tail...), d.Done()
}

// log is the prefix of a stream's records, and the topic that is signalled when there is a new one.
func (l layout) log() kv.Key { return l.space.Key().Str("log").Stamped() }

func (l layout) horizon() kv.Key { return l.space.Key().Str("horizon").Done() }

// index is all entries of an index; the items are those of index 0.
func (l layout) index(id uint64) kv.Range { return l.space.Key().Uint(id).Range() }

// buckets is how many buckets there are.
const buckets = 1 << 16

// bucket is the FNV-1a hash of a partition key, folded to 16 bits.
func bucket(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h ^= uint64(key[i])
		h *= 1099511628211
	}
	return (h ^ h>>16 ^ h>>32 ^ h>>48) & (buckets - 1)
}

// partition is the beginning of the keys of index id with the partition key hash.
func (l layout) partition(id uint64, hash string) []byte {
	prefix := l.space.Prefix()
	b := append(make([]byte, 0, len(prefix)+len(hash)+48), prefix...)
	b = keyspace.AppendUint(b, id)
	b = keyspace.AppendUint(b, bucket(hash))
	return keyspace.AppendString(b, hash)
}

// segment is the keys of index id in segment i of n.
func (l layout) segment(id uint64, i, n int) kv.Range {
	bound := func(i int) kv.Key {
		at := (uint64(i)*buckets + uint64(n) - 1) / uint64(n)
		if at >= buckets {
			return l.index(id).End
		}
		return l.space.Key().Uint(id).Uint(at).Done()
	}
	return kv.Range{Start: bound(i), End: bound(i + 1)}
}

// itemKey is where the item with this key is stored. The key has been checked.
func (t *table) itemKey(key attr.Item) kv.Key {
	b := t.layout.partition(0, key.Get(t.keys.hash).Key())
	if t.keys.sort != "" {
		b = keyspace.AppendString(b, key.Get(t.keys.sort).Key())
	}
	return b
}

// holds reports whether the item is in the index: it has the key attributes, and they can be keys. Items that are older
// than the index may have others.
func (x *index) holds(item attr.Item) bool {
	for name, kind := range x.keys.attributes {
		if v := item.Get(name); v.Kind() != kind || isEmpty(v) {
			return false
		}
	}
	return x.keys.checkKeySize(item) == nil
}

// entryKey is where the index keeps its entry of an item that it holds.
func (t *table) entryKey(x *index, item attr.Item) kv.Key {
	b := t.layout.partition(x.ID, item.Get(x.keys.hash).Key())
	if x.keys.sort != "" {
		b = keyspace.AppendString(b, item.Get(x.keys.sort).Key())
	}
	b = keyspace.AppendString(b, item.Get(t.keys.hash).Key())
	if t.keys.sort != "" {
		b = keyspace.AppendString(b, item.Get(t.keys.sort).Key())
	}
	return b
}

// entry is what the index keeps of an item.
func (x *index) entry(item attr.Item) attr.Item {
	if x.projectsAll() {
		return item
	}
	return item.Pick(x.picked...)
}
