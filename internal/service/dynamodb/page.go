package dynamodb

import (
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// maxPage is how many bytes of items a page of a query or scan reads at most.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const maxPage = 1 << 20

// pageRequest is a query or a scan of a table or of one of its indexes.
type pageRequest struct {
	index      string // "" for the table
	limit      int    // of items read; 0 for none
	consistent bool
	reverse    bool
	count      bool // only the numbers are wanted
	all        bool // whole items are wanted, also of an index that does not have them
	filter     *expr.Condition
	filterName string // of the parameter
	want       *expr.Projection
	start      attr.Item // ExclusiveStartKey
}

// page is what a query or a scan found.
type page struct {
	items   []attr.Item
	count   int
	scanned int
	last    attr.Item // LastEvaluatedKey, absent on the last page
	used    usage
}

// target is what is read: the table or an index of it.
type target struct {
	table *table
	index *index // nil for the table
	keys  *keySchema
	id    uint64
}

// target finds what a request reads.
func (t *table) target(name string, consistent bool) (target, error) {
	if name == "" {
		return target{table: t, keys: &t.keys}, nil
	}
	x := t.index(name)
	switch {
	case x == nil:
		return target{}, validation("The table does not have the specified index: %s", name)
	case x.Global && consistent:
		return target{}, validation("Consistent reads are not supported on global secondary indexes")
	case x.Backfilling:
		return target{}, validation("Cannot read from backfilling global secondary index: %s", name)
	}
	return target{table: t, index: x, keys: &x.keys, id: x.ID}, nil
}

// keyOf is where an item that has all key attributes stands in what is read.
func (g *target) keyOf(item attr.Item) kv.Key {
	if g.index == nil {
		return g.table.itemKey(item)
	}
	return g.table.entryKey(g.index, item)
}

// startNames are the attributes of a LastEvaluatedKey: of an index's key and of the table's.
func (g *target) startNames() []string {
	names := g.table.keys.names()
	if g.index != nil {
		for _, name := range g.keys.names() {
			if !g.table.keys.has(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// checkStart checks an ExclusiveStartKey.
func (g *target) checkStart(start attr.Item) *fault.Error {
	if start.IsZero() {
		return nil
	}
	names := g.startNames()
	if start.Len() != len(names) {
		return validation("The provided starting key is invalid")
	}
	for _, name := range names {
		v := start.Get(name)
		switch {
		case v.IsZero():
			return validation("The provided starting key is invalid")
		case v.Kind() != g.table.kindOf(name):
			return validation("The provided starting key is invalid: The provided key element does not match the schema")
		case isEmpty(v):
			return validation("The provided starting key is invalid: One or more parameter values were invalid: "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyName(v), name)
		}
	}
	return nil
}

// read reads one page of the ranges; the page that starts with a key starts in the first of them.
func (g *target) read(sn *kv.Snap, req *pageRequest, ranges ...kv.Range) (page, error) {
	if !req.start.IsZero() && len(ranges) > 0 {
		r, at := &ranges[0], g.keyOf(req.start)
		if req.reverse {
			r.End = at
		} else {
			r.Start = kv.Next(at)
		}
	}
	var (
		out     page
		size    int
		fetched int
		last    attr.Item
	)
	for _, r := range ranges {
		if string(r.Start) >= string(r.End) {
			continue
		}
		for pair, err := range sn.Scan(r, kv.ScanOptions{Reverse: req.reverse, Limit: req.limit}) {
			if err != nil {
				return page{}, err
			}
			item, err := decodeItem(pair.Value)
			if err != nil {
				return page{}, err
			}
			last = item
			size += item.Size()
			out.scanned++
			if req.all && g.index != nil && !g.index.projectsAll() {
				if item, err = g.fetch(sn, item); err != nil {
					return page{}, err
				}
				fetched += item.Size()
			}
			if req.filter == nil || req.filter.Match(item) {
				out.count++
				if !req.count {
					if req.want != nil {
						item = req.want.Apply(item)
					}
					out.items = append(out.items, item)
				}
			}
			if size+fetched >= maxPage || out.scanned == req.limit {
				out.last = last.Pick(g.startNames()...)
				break
			}
		}
		if !out.last.IsZero() {
			break
		}
	}
	out.used = g.usage(size, fetched, out.scanned, req.consistent)
	return out, nil
}

// fetch is the item of an index's entry.
func (g *target) fetch(sn *kv.Snap, entry attr.Item) (attr.Item, error) {
	row, err := sn.Get(g.table.itemKey(entry))
	if err != nil {
		return attr.Item{}, err
	}
	return decodeItem(row)
}

// usage is what reading a page costs. Fetching whole items for the entries of a local index costs reads of the table, one
// for each item.
func (g *target) usage(size, fetched, items int, consistent bool) usage {
	units := readUnits(size, consistent)
	if g.index == nil {
		return usage{read: units, reads: true}
	}
	u := usage{reads: true}
	g.index.used(&u, units)
	if fetched > 0 {
		u.read = max(readUnits(fetched, consistent), float64(items)*readUnits(1, consistent))
	}
	return u
}
