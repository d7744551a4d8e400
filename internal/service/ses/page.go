package ses

import (
	"context"
	"encoding/base64"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// list is how rows are listed by their names, which are the last elements of
// their keys.
type list[T any] struct {
	rows  kv.Range
	key   func(name string) kv.Key
	limit int
	want  func(name string, row *T) bool // nil: all
}

// page gives the rows of a page, which begins where token says, to take.
func (l *list[T]) page(ctx context.Context, s *Service, token *string, take func(name string, row *T)) (next *string, err error) {
	r := l.rows
	if token != nil {
		name, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(name) == 0 {
			return nil, fault.New(invalidToken, "The specified next token is not valid.")
		}
		r.Start = kv.Next(l.key(string(name)))
	}
	sp := spaceOf(cell(ctx))
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		taken, last := 0, ""
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			name := d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			var row T
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if l.want != nil && !l.want(name, &row) {
				continue
			}
			if taken == l.limit {
				next = ptr(base64.RawURLEncoding.EncodeToString([]byte(last)))
				return nil
			}
			take(name, &row)
			taken, last = taken+1, name
		}
		return nil
	})
	return next, err
}

// limitOf is the size of a page: what was asked for, within what is allowed.
func limitOf(asked *int32, usual, most int) int {
	if asked == nil || *asked <= 0 {
		return usual
	}
	return min(int(*asked), most)
}
