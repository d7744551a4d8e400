package expr

import "github.com/nube-run/nube/internal/expr/attr"

// Update is an update that can be applied to items.
type Update struct {
	env
	changes []change
	paths   []Path // of the changes
	legacy  bool   // from AttributeUpdates, which also adds to lists and words its error differently
}

// Bind resolves the update's placeholders and checks its paths and operands.
func (u *ParsedUpdate) Bind(b *Bindings) (*Update, error) {
	e := u.resolve(b)
	out := &Update{env: e, changes: u.changes, paths: make([]Path, len(u.changes))}
	if err := u.check(out); err != nil {
		return nil, paramError(u.param, err.Error())
	}
	return out, nil
}

func (u *ParsedUpdate) check(out *Update) error {
	e := out.env
	for i, c := range u.changes {
		if err := u.undefinedInPath(e, c.path); err != nil {
			return err
		}
		if c.value != nil {
			if err := u.undefinedName(e, c.value); err != nil {
				return err
			}
		}
		out.paths[i] = e.path(c.path)
	}
	for _, c := range u.changes {
		if c.value != nil {
			if err := u.undefinedValue(e, c.value); err != nil {
				return err
			}
		}
	}
	if err := checkOverlap(out.paths); err != nil {
		return err
	}
	for _, c := range u.changes {
		if err := e.checkOperand(c); err != nil {
			return err
		}
	}
	for _, c := range u.changes {
		if c.value != nil {
			if err := e.checkUpdateCall(c.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOverlap refuses two paths of which one is the beginning of the other, and, when there are none, two paths that
// take the same part of the document once for a map and once for a list.
func checkOverlap(paths []Path) error {
	var conflict error
	for i, q := range paths {
		for _, p := range paths[:i] {
			switch relate(p, q) {
			case pathsOverlap:
				return pathPair("overlap", p, q)
			case pathsConflict:
				if conflict == nil {
					conflict = pathPair("conflict", p, q)
				}
			}
		}
	}
	return conflict
}

func pathPair(verb string, p, q Path) error {
	return attr.Error("Two document paths " + verb + " with each other; must remove or rewrite one of these paths; path one: " +
		p.String() + ", path two: " + q.String())
}

type relation uint8

const (
	pathsDiffer relation = iota
	pathsOverlap
	pathsConflict
)

func relate(p, q Path) relation {
	for i := range min(len(p), len(q)) {
		if p[i].List != q[i].List {
			return pathsConflict
		}
		if p[i] != q[i] {
			return pathsDiffer
		}
	}
	return pathsOverlap
}

// checkOperand checks the values of ADD and DELETE.
func (e env) checkOperand(c change) error {
	if c.action != actionAdd && c.action != actionDelete {
		return nil
	}
	k := e.values[c.value.slot].Kind()
	if k.IsSet() || k == attr.N && c.action == actionAdd {
		return nil
	}
	return attr.Error("Incorrect operand type for operator or function; operator: " + c.action.String() + ", operand type: " + longName(k) +
		", typeSet: ALLOWED_FOR_" + c.action.String() + "_OPERAND")
}

// longName is a type as the messages about ADD and DELETE call it.
func longName(k attr.Kind) string {
	switch k {
	case attr.S:
		return "STRING"
	case attr.N:
		return "NUMBER"
	case attr.B:
		return "BINARY"
	case attr.BOOL:
		return "BOOLEAN"
	case attr.L:
		return "LIST"
	case attr.M:
		return "MAP"
	}
	return k.String()
}

func (e env) checkUpdateCall(n *node) error {
	if n.op == opCall && len(n.args) != updateArity(n.text) {
		return operandCount(n)
	}
	for _, arg := range n.args {
		if err := e.checkUpdateCall(arg); err != nil {
			return err
		}
	}
	want := attr.N
	switch {
	case n.op == opPlus, n.op == opMinus:
	case n.op == opCall && n.text == "list_append":
		want = attr.L
	case n.op == opCall:
		if n.args[0].op != opPath {
			return pathRequired(n)
		}
		return nil
	default:
		return nil
	}
	for _, arg := range n.args {
		if arg.op != opValue {
			continue
		}
		if k := e.values[arg.slot].Kind(); k != want {
			return operandType(n, k)
		}
	}
	return nil
}

// Paths are the paths that the update changes.
func (u *Update) Paths() []Path { return u.paths }

// SetValues yields the value that each SET of a whole attribute to a value of the request assigns, and each ADD to one, for
// the service to compare with the types of index keys before it reads the item.
func (u *Update) SetValues(yield func(name string, v attr.Value) bool) {
	for i, c := range u.changes {
		if len(u.paths[i]) == 1 && c.value != nil && c.value.op == opValue && c.action != actionDelete {
			if !yield(u.paths[i][0].Name, u.values[c.value.slot]) {
				return
			}
		}
	}
}
