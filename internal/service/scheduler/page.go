package scheduler

import (
	"encoding/base64"
	"strings"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// pageSize is how many rows a list has when nobody says how many.
const pageSize = 100

// page is where a list goes on, and how long it may be.
type page struct {
	after kv.Key
	limit int
}

func pageOf(token *string, limit *int32) (page, error) {
	p := page{limit: pageSize}
	if limit != nil {
		p.limit = int(*limit)
	}
	if token == nil {
		return p, nil
	}
	b, err := base64.URLEncoding.DecodeString(*token)
	if err != nil || len(b) == 0 {
		return p, badToken()
	}
	p.after = b
	return p, nil
}

// badToken is the answer to what is no token, or that of another list.
func badToken() *fault.Error { return invalid("Invalid NextToken.") }

// list goes over rows whose keys end with some names, the last of which begins
// with a prefix, and calls take for each, which reports whether it has taken it.
// It returns the token of the rest.
func (p page) list(snap *kv.Snap, sp space, rows kv.Range, n int, prefix string, take func(names []string, row kv.Pair) (bool, error)) (*string, error) {
	if p.after != nil {
		if !rows.Contains(p.after) {
			return nil, badToken()
		}
		rows.Start = kv.Next(p.after)
	}
	taken, last := 0, kv.Key(nil)
	for row, err := range snap.Scan(rows, kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		d := sp.Decode(row.Key)
		d.Str()
		names := make([]string, n)
		for i := range names {
			names[i] = d.Str()
		}
		if err := d.Done(); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(names[n-1], prefix) {
			continue
		}
		if taken == p.limit {
			return ptr(base64.URLEncoding.EncodeToString(last)), nil
		}
		ok, err := take(names, row)
		if err != nil {
			return nil, err
		}
		if ok {
			taken, last = taken+1, row.Key
		}
	}
	return nil, nil
}
