package events

import (
	"encoding/base64"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// pageSize is how many rows a list has when nobody says how many.
const pageSize = 100

// page is where a list goes on, and how long it may be.
type page struct {
	after string
	limit int
}

// pageOf reads a request's NextToken and Limit.
func pageOf(token *string, limit *int32) (page, error) {
	p := page{limit: pageSize}
	if limit != nil {
		p.limit = int(*limit)
	}
	if value(token) == "" {
		return p, nil
	}
	b, err := base64.URLEncoding.DecodeString(*token)
	if err != nil || len(b) == 0 {
		return p, invalid("Parameter NextToken is not valid.")
	}
	p.after = string(b)
	return p, nil
}

// next is the token of a list that goes on after a name.
func (p page) next(last string) *string {
	return ptr(base64.URLEncoding.EncodeToString([]byte(last)))
}

// list goes over rows whose keys end with a name, from where the page begins,
// and calls take for each, which reports whether it has taken the row. It returns
// the token of the rest.
func (p page) list(r reader, sub keyspace.Subspace, rows kv.Range, strings int, prefix string, take func(name string, row kv.Pair) (bool, error)) (*string, error) {
	n, last := 0, ""
	for row, err := range r.Scan(rows, kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		d := sub.Decode(row.Key)
		for range strings {
			d.Str()
		}
		name := d.Str()
		if err := d.Done(); err != nil {
			return nil, err
		}
		if name <= p.after && p.after != "" || len(name) < len(prefix) || name[:len(prefix)] != prefix {
			continue
		}
		if n == p.limit {
			return p.next(last), nil
		}
		took, err := take(name, row)
		if err != nil {
			return nil, err
		}
		if took {
			n, last = n+1, name
		}
	}
	return nil, nil
}
