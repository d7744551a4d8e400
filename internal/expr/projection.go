package expr

import (
	"slices"

	"github.com/nube-run/nube/internal/expr/attr"
)

// ParsedProjection is a list of paths whose placeholders are open.
type ParsedProjection struct {
	parsed
	paths []path
}

// Projection picks parts out of items.
type Projection struct {
	paths []Path
	names []string // of the attributes, when each path is one
}

// ParseProjection parses a ProjectionExpression.
func ParseProjection(text string) (*ParsedProjection, error) {
	const param = "ProjectionExpression"
	p, err := newParser(param, text)
	if err != nil {
		return nil, err
	}
	out := &ParsedProjection{}
	for {
		steps, err := p.readPath()
		if err != nil {
			return nil, p.error(err)
		}
		out.paths = append(out.paths, steps)
		if !p.is(",") {
			break
		}
		p.next()
	}
	if p.token.kind != tokenEOF {
		return nil, p.error(p.syntaxError())
	}
	err = p.limits()
	if err == nil {
		err = p.firstStatic(reservedWord)
	}
	if err != nil {
		return nil, p.error(err)
	}
	out.parsed = parsed{param, p.names, nil}
	return out, nil
}

// Bind resolves the placeholders and checks that the paths are distinct.
func (p *ParsedProjection) Bind(b *Bindings) (*Projection, error) {
	e := p.resolve(b)
	paths := make([]Path, len(p.paths))
	for i, steps := range p.paths {
		if err := p.undefinedInPath(e, steps); err != nil {
			return nil, paramError(p.param, err.Error())
		}
		paths[i] = e.path(steps)
	}
	if err := checkOverlap(paths); err != nil {
		return nil, paramError(p.param, err.Error())
	}
	return project(paths), nil
}

// ProjectAttributes picks whole attributes, as the legacy parameter AttributesToGet does.
func ProjectAttributes(names []string) *Projection {
	paths := make([]Path, len(names))
	for i, name := range names {
		paths[i] = Path{{Name: name}}
	}
	return project(paths)
}

func project(paths []Path) *Projection {
	p := &Projection{paths: paths}
	for _, path := range paths {
		if len(path) > 1 {
			p.names = nil
			return p
		}
		p.names = append(p.names, path[0].Name)
	}
	return p
}

// Paths are the paths that are picked.
func (p *Projection) Paths() []Path { return p.paths }

// Apply is the part of the item at the paths. Paths that the item does not have are left out; elements of a list close up.
func (p *Projection) Apply(item attr.Item) attr.Item {
	if p.names != nil {
		return item.Pick(p.names...)
	}
	return pick(item.Value(), p.paths).Item()
}

// Touched is the part of an item that the update changes, before it or after it: the answer to ReturnValues UPDATED_OLD
// and UPDATED_NEW.
func (u *Update) Touched(item attr.Item) attr.Item {
	if item.IsZero() {
		return attr.Item{}
	}
	return project(u.paths).Apply(item)
}

// pick is the part of a map or list at the paths. A map is returned even when it is empty, for the item; a nested map or
// list only when it has a part.
func pick(v attr.Value, paths []Path) attr.Value {
	if v.Kind() == attr.L {
		var elems []attr.Value
		i := 0
		for e := range v.Elems() {
			if got := pickPart(e, Step{Index: i, List: true}, paths); !got.IsZero() {
				elems = append(elems, got)
			}
			i++
		}
		return attr.List(elems...)
	}
	var entries []attr.Entry
	for name, e := range v.Entries() {
		if got := pickPart(e, Step{Name: name}, paths); !got.IsZero() {
			entries = append(entries, attr.Entry{Name: name, Value: got})
		}
	}
	return attr.NewItem(entries...).Value()
}

// pickPart is what the paths want of the part v at step s.
func pickPart(v attr.Value, s Step, paths []Path) attr.Value {
	var deeper []Path
	for _, p := range paths {
		switch {
		case p[0] != s:
		case len(p) == 1:
			return v
		default:
			deeper = append(deeper, p[1:])
		}
	}
	if k := v.Kind(); len(deeper) == 0 || k != attr.L && k != attr.M {
		return attr.Value{}
	}
	if got := pick(v, deeper); got.Len() > 0 {
		return got
	}
	return attr.Value{}
}

// Attributes are the distinct names of the attributes in which the paths begin, sorted.
func Attributes(paths []Path) []string {
	names := make([]string, 0, len(paths))
	for _, p := range paths {
		names = append(names, p[0].Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
