package ses

import (
	"context"
	"encoding/base64"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// page reads rows that are listed by their names, the last element of their
// keys: at most limit for which take returns true, from where token says. key
// makes the key of a name.
func page[T any](ctx context.Context, s *Service, r kv.Range, key func(name string) kv.Key, token *string, limit int, take func(name string, row *T) bool) (next *string, err error) {
	if token != nil {
		name, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(name) == 0 {
			return nil, fault.New(invalidToken, "The specified next token is not valid.")
		}
		r.Start = kv.Next(key(string(name)))
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
			if taken == limit {
				next = ptr(base64.RawURLEncoding.EncodeToString([]byte(last)))
				return nil
			}
			var row T
			if err := decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if last = name; take(name, &row) {
				taken++
			}
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
