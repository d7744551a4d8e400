package compile

import "github.com/nube-run/nube/internal/template"

// entry is a resource or an output under construction.
type entry struct {
	id   string
	pos  template.Pos
	body *template.Value
}

// entries keep the order in which they were first made.
type entries struct {
	list []*entry
	at   map[string]*entry
}

// put makes an entry, or replaces the one with the same id.
func (es *entries) put(id string, pos template.Pos, body obj) *entry {
	v := template.New(pos, body)
	if e := es.at[id]; e != nil {
		e.pos, e.body = pos, v
		return e
	}
	e := &entry{id: id, pos: pos, body: v}
	if es.at == nil {
		es.at = map[string]*entry{}
	}
	es.at[id] = e
	es.list = append(es.list, e)
	return e
}

func (es *entries) has(id string) bool { return es.at[id] != nil }

// set sets an attribute.
func (e *entry) set(key string, v any) { e.body = e.body.With(key, template.New(e.pos, v)) }

// property sets a property.
func (e *entry) property(key string, v any) {
	e.set("Properties", e.body.Get("Properties").With(key, template.New(e.pos, v)))
}

// value returns all entries as a map.
func (es *entries) value(pos template.Pos) *template.Value {
	v := &template.Value{Kind: template.Map, Pos: pos}
	for _, e := range es.list {
		v.Fields = append(v.Fields, template.Field{Key: e.id, Pos: e.pos, Value: e.body})
	}
	return v
}
