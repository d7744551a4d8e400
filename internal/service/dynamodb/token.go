package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// tokenValid is how long a client token makes a transaction the same one.
const tokenValid = 10 * time.Minute

// once makes a transaction with a client token happen once. Tokens are kept by period, a period being as long as a token
// is valid: a token is looked for in the present period and the one before, and older periods are cleared whole. A nil
// once belongs to a transaction without a token.
type once struct {
	s      *Service
	cell   keyspace.Cell
	token  string
	now    instant
	period uint64
	digest [sha256.Size]byte
}

func (s *Service) once(ctx context.Context, token string, digest func() [sha256.Size]byte) *once {
	if token == "" {
		return nil
	}
	now := s.clock.Now()
	return &once{s: s, cell: cell(ctx), token: token, now: now, period: uint64(now)/uint64(tokenValid) + 1, digest: digest()}
}

// check reports whether the transaction has taken place already. A token that was used for another one is an error.
func (o *once) check(tx *kv.Tx) (repeated bool, err error) {
	if o == nil {
		return false, nil
	}
	c := catalogOf(o.cell)
	found, err := tx.GetAll(c.token(o.period, o.token), c.token(o.period-1, o.token))
	if err != nil {
		return false, err
	}
	for _, v := range found {
		if len(v) != 8+sha256.Size {
			continue
		}
		at := instant(binary.BigEndian.Uint64(v))
		if o.now.Sub(at) >= tokenValid {
			continue
		}
		if [sha256.Size]byte(v[8:]) != o.digest {
			return false, fault.New("IdempotentParameterMismatchException",
				"The provided client token corresponds to a request with different parameters")
		}
		return true, nil
	}
	return false, nil
}

// done notes, in the transaction's own commit, that it has taken place.
func (o *once) done(tx *kv.Tx) {
	if o == nil {
		return
	}
	c := catalogOf(o.cell)
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), uint64(o.now))
	tx.Set(c.token(o.period, o.token), append(v, o.digest[:]...))
	if o.s.clearedBefore(o.cell) < o.period-1 {
		tx.DeleteRange(c.tokensBefore(o.period - 1))
	}
}

// committed remembers which periods have been cleared.
func (o *once) committed() {
	if o == nil {
		return
	}
	o.s.tokensMu.Lock()
	defer o.s.tokensMu.Unlock()
	o.s.cleared[o.cell] = max(o.s.cleared[o.cell], o.period-1)
}

func (s *Service) clearedBefore(c keyspace.Cell) uint64 {
	s.tokensMu.Lock()
	defer s.tokensMu.Unlock()
	return s.cleared[c]
}

// digest identifies a transaction by its parts.
func digest(in *shapes.TransactWriteItemsInput) [sha256.Size]byte {
	d := digester{sha256.New()}
	for i := range in.TransactItems {
		it := &in.TransactItems[i]
		if x := it.ConditionCheck; x != nil {
			d.part("check", x.TableName, x.Key, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues)
		}
		if x := it.Put; x != nil {
			d.part("put", x.TableName, x.Item, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues)
		}
		if x := it.Delete; x != nil {
			d.part("delete", x.TableName, x.Key, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues)
		}
		if x := it.Update; x != nil {
			d.part("update", x.TableName, x.Key, x.UpdateExpression, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues)
		}
	}
	return [sha256.Size]byte(d.Sum(nil))
}

type digester struct{ hash.Hash }

func (d digester) text(s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	d.Write(n[:])
	d.Write([]byte(s))
}

func (d digester) part(verb string, table *string, item attr.Item, update, condition *string, names map[string]string, values attr.Item) {
	for _, s := range [...]string{verb, value(table), item.Encoding(), value(update), value(condition), values.Encoding()} {
		d.text(s)
	}
	for _, key := range sortedKeys(names) {
		d.text(key)
		d.text(names[key])
	}
}
