package sources

import (
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// service is the name under which rows are kept and shards are owned.
const service = "sources"

// layout is the keys of a cell's mappings:
//
//	"m" id            → mapping, JSON
//	"l" id shard lane → where a lane of a mapping's shard is (row.go); of a queue,
//	                    whose shard and lane are empty, how its batches went
//
// History: version 1; version 2 of lanes, which have a window that is open.
// testdata/layout.golden holds keys and rows to them.
type layout struct{ keyspace.Subspace }

func layoutOf(c keyspace.Cell) layout { return layout{keyspace.Service(c, service, 0)} }

func (l layout) mapping(id string) kv.Key { return l.Key().Str("m").Str(id).Done() }
func (l layout) mappings() kv.Range       { return l.Key().Str("m").Range() }
func (l layout) lane(id, shard string, n int) kv.Key {
	return l.Key().Str("l").Str(id).Str(shard).Int(int64(n)).Done()
}
func (l layout) lanes(id string) kv.Range { return l.Key().Str("l").Str(id).Range() }
func (l layout) lanesOf(id, shard string) kv.Range {
	return l.Key().Str("l").Str(id).Str(shard).Range()
}

// decodeLane reads the shard and number of a lane from its key.
func (l layout) decodeLane(k kv.Key) (shard string, n int, err error) {
	d := l.Decode(k)
	d.Str()
	d.Str()
	shard, n = d.Str(), int(d.Int())
	return shard, n, d.Done()
}

// changed is the topic of changes of mappings.
func changed() kv.Key {
	return keyspace.Service(keyspace.Cell{}, service, 0).Key().Str("changed").Done()
}
