package timer

import (
	"fmt"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Cells returns the cells in which a service has anything in its generation 0.
// It looks once into each cell of the store.
func Cells(s *kv.Snap, service string) ([]keyspace.Cell, error) {
	var cells []keyspace.Cell
	at := kv.Key{keyspace.Format}
	end := kv.Key{keyspace.Format + 1}
	for {
		k, err := first(s, kv.Range{Start: at, End: end})
		if err != nil {
			return nil, fmt.Errorf("cells of %s: %w", service, err)
		}
		if k == nil {
			return cells, nil
		}
		c, err := cellOf(k)
		if err != nil {
			return nil, fmt.Errorf("cells of %s: %w", service, err)
		}
		k, err = first(s, keyspace.Service(c, service, 0).Range())
		if err != nil {
			return nil, fmt.Errorf("cells of %s: %w", service, err)
		}
		if k != nil {
			cells = append(cells, c)
		}
		at = keyspace.Of(c).Range().End
	}
}

// first returns the first key of a range, nil if there is none.
func first(s *kv.Snap, r kv.Range) (kv.Key, error) {
	for p, err := range s.Scan(r, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		return p.Key, err
	}
	return nil, nil
}

// cellOf reads the cell that a key begins with. An account of twelve digits is
// a number in keys.
func cellOf(k kv.Key) (keyspace.Cell, error) {
	d := keyspace.Decode(k)
	account := fmt.Sprintf("%012d", d.Uint())
	if d.Err() != nil {
		d = keyspace.Decode(k)
		account = d.Str()
	}
	c := keyspace.Cell{Account: account, Region: d.Str()}
	return c, d.Err()
}
