package ses

import (
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// The layout, below account and region, in generation 0:
//
//	"mail" stamp            → [Mail]: what is shown of a message, in the order in which they came
//	"id" id stamp           → two bytes: the number of the mail's append in the commit of that stamp
//	"raw" id n              → the nth piece of the message's text
//	"out" id address        → [Recipient]: what became of the way to the mail server, once it was tried
//	"identity" name         → identity
//	"template" name         → template
//	"set" name              → configuration set
//	"suppressed" address    → suppressed
//	"count" quarter what    → counter: of what in the fifteen minutes that begin then
//	"account"               → account
//
// Values are JSON but for pieces, and counters of package kv.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "ses", 0)} }

// newMail is the prefix of mails, newID of the rows that find them, for Append.
func (s space) newMail() kv.Key          { return s.Key().Str("mail").Stamped() }
func (s space) newID(id string) kv.Key   { return s.Key().Str("id").Str(id).Stamped() }
func (s space) mail(at kv.Stamp) kv.Key  { return s.Key().Str("mail").Stamp(at).Done() }
func (s space) mails() kv.Range          { return s.Key().Str("mail").Range() }
func (s space) id(id string) kv.Range    { return s.Key().Str("id").Str(id).Range() }
func (s space) ids() kv.Range            { return s.Key().Str("id").Range() }
func (s space) raw(id string) kv.Range   { return s.Key().Str("raw").Str(id).Range() }
func (s space) raws() kv.Range           { return s.Key().Str("raw").Range() }
func (s space) out(id string) kv.Range   { return s.Key().Str("out").Str(id).Range() }
func (s space) outs() kv.Range           { return s.Key().Str("out").Range() }
func (s space) identity(n string) kv.Key { return s.Key().Str("identity").Str(n).Done() }
func (s space) identities() kv.Range     { return s.Key().Str("identity").Range() }
func (s space) template(n string) kv.Key { return s.Key().Str("template").Str(n).Done() }
func (s space) templates() kv.Range      { return s.Key().Str("template").Range() }
func (s space) set(n string) kv.Key      { return s.Key().Str("set").Str(n).Done() }
func (s space) sets() kv.Range           { return s.Key().Str("set").Range() }
func (s space) suppressed(a string) kv.Key {
	return s.Key().Str("suppressed").Str(a).Done()
}
func (s space) suppressions() kv.Range { return s.Key().Str("suppressed").Range() }
func (s space) account() kv.Key        { return s.Key().Str("account").Done() }

func (s space) piece(id string, n int) kv.Key {
	return s.Key().Str("raw").Str(id).Uint(uint64(n)).Done()
}
func (s space) recipient(id, address string) kv.Key {
	return s.Key().Str("out").Str(id).Str(address).Done()
}
func (s space) count(quarter clock.Instant, what string) kv.Key {
	return s.Key().Str("count").Int(quarter.Unix()).Str(what).Done()
}

// countsSince is the counters of the fifteen minutes that begin at from or
// later.
func (s space) countsSince(from clock.Instant) kv.Range {
	r := s.Key().Str("count").Range()
	r.Start = s.Key().Str("count").Int(from.Unix()).Range().Start
	return r
}

// arrived is the topic that is signalled with each mail.
func (s space) arrived() kv.Key { return s.Key().Str("arrived").Done() }
