package sqs

import (
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// service is the name under which keys and timers stand.
const service = "sqs"

// millis is an instant in milliseconds, which is as fine as SQS tells time.
type millis int64

// catalog makes the keys of what names the queues of a cell; see the package's
// documentation.
type catalog struct{ keyspace.Subspace }

func catalogOf(c keyspace.Cell) catalog { return catalog{keyspace.Service(c, service, 0)} }

func (c catalog) queue(name string) kv.Key { return c.Key().Str("queue").Str(name).Done() }
func (c catalog) queues() kv.Range         { return c.Key().Str("queue").Range() }
func (c catalog) next() kv.Key             { return c.Key().Str("next").Done() }
func (c catalog) due(at millis, name string) kv.Key {
	return c.Key().Str("due").Int(int64(at)).Str(name).Done()
}
func (c catalog) dues() kv.Range { return c.Key().Str("due").Range() }
func (c catalog) move(started millis, task string) kv.Key {
	return c.Key().Str("move").Int(int64(started)).Str(task).Done()
}
func (c catalog) moves() kv.Range { return c.Key().Str("move").Range() }

// space makes the keys of one queue's messages.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell, id uint64) space { return space{keyspace.Service(c, service, id)} }

func (s space) bodies() kv.Range         { return s.Key().Str("m").Range() }
func (s space) bodyPrefix() kv.Key       { return s.Key().Str("m").Stamped() }
func (s space) body(at kv.Stamp) kv.Key  { return s.Key().Str("m").Stamp(at).Done() }
func (s space) state(at kv.Stamp) kv.Key { return s.Key().Str("s").Stamp(at).Done() }

func (s space) logPrefix(group string) kv.Key { return s.Key().Str("f").Str(group).Stamped() }
func (s space) entry(group string, at kv.Stamp) kv.Key {
	return s.Key().Str("f").Str(group).Stamp(at).Done()
}
func (s space) group(group string) kv.Key { return s.Key().Str("g").Str(group).Done() }
func (s space) groups() kv.Range          { return s.Key().Str("g").Range() }
func (s space) alive(group string) kv.Key { return s.Key().Str("x").Str(group).Done() }

// logAfter is the messages of a group after one of them.
func (s space) logAfter(group string, at kv.Stamp) kv.Range {
	return kv.Range{Start: kv.Next(s.entry(group, at)), End: s.Key().Str("f").Str(group).Range().End}
}

func (s space) cursor(l lane) kv.Key { return s.Key().Str("c").Uint(uint64(l)).Done() }
func (s space) count() kv.Key        { return s.Key().Str("n").Done() }
func (s space) sweep() kv.Key        { return s.Key().Str("z").Done() }
func (s space) dataKey() kv.Key      { return s.Key().Str("k").Done() }

// topic is signalled by commits that make a message visible, now or later.
func (s space) topic() kv.Key { return s.Key().Str("v").Done() }

func (s space) indexPrefix(l lane, at millis) kv.Key {
	return s.Key().Str("v").Uint(uint64(l)).Int(int64(at)).Stamped()
}

// since is where the rows of a lane begin that are visible at an instant or later.
func (s space) since(l lane, at millis) kv.Key {
	return s.Key().Str("v").Uint(uint64(l)).Int(int64(at)).Done()
}

// indexed is the row of a standard queue's message in the index.
func (s space) indexed(l lane, at millis, stamp kv.Stamp) kv.Key {
	return s.Key().Str("v").Uint(uint64(l)).Int(int64(at)).Stamp(stamp.At(stamp.Op() + 1)).Done()
}

// grouped is the row of a FIFO queue's group in the index.
func (s space) grouped(l lane, at millis, group string) kv.Key {
	return s.Key().Str("v").Uint(uint64(l)).Int(int64(at)).Str(group).Done()
}

// rows is a lane of the index.
func (s space) rows(l lane) kv.Range { return s.Key().Str("v").Uint(uint64(l)).Range() }

// bucket is the five minutes in which deduplication looks for something first, and
// then in those before.
const bucket = millis(5 * 60 * 1000)

func (s space) dedupPrefix(at millis, scope, id string) kv.Key {
	return s.Key().Str("d").Int(int64(at / bucket)).Str(scope).Str(id).Stamped()
}
func (s space) dedup(at millis, scope, id string) kv.Range {
	return s.Key().Str("d").Int(int64(at / bucket)).Str(scope).Str(id).Range()
}
func (s space) attempt(at millis, id string) kv.Key {
	return s.Key().Str("a").Int(int64(at / bucket)).Str(id).Done()
}

// before is the rows of a kind, "d" or "a", that are older than the bucket before
// that of an instant.
func (s space) before(kind string, at millis) kv.Range {
	r := s.Key().Str(kind).Range()
	return kv.Range{Start: r.Start, End: s.Key().Str(kind).Int(int64(at/bucket) - 1).Done()}
}
