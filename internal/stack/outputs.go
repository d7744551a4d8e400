package stack

import (
	"errors"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/template"
)

// Export is a value that a stack exports.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
type Export struct {
	Name, Value string
	StackID     string
}

// conflict is an error about exports, found while committing. It is the
// operation that fails, not the commit.
type conflict struct {
	reason string
	export string   // that is in use
	users  []string // by whom
}

func (c *conflict) Error() string { return c.reason }

// listed lists names as a sentence does: a, b and c.
func listed(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// evaluate returns the outputs of a model, with what attribute yields.
func (m *model) evaluate(attribute func(string, string) (*template.Value, bool, error)) ([]Output, template.Diagnostics) {
	var out []Output
	var all template.Diagnostics
	for _, o := range m.outputs {
		v, ds := m.resolve("Outputs", o.value, attribute)
		all = append(all, ds...)
		if ds.HasErrors() {
			continue
		}
		if !v.IsScalar() {
			all = append(all, template.Errorf(o.decl.Pos, "Template format error: The Value field of every Outputs member must evaluate to a String."))
			continue
		}
		x := Output{Key: o.decl.Name, Value: v.Text, Description: o.decl.Description}
		if o.export != nil {
			x.Export = o.export.Text
		}
		out = append(out, x)
	}
	return out, all
}

// exports makes the exported values of a stack those of outputs. old are those
// that it exports so far.
func (l layout) exports(tx *kv.Tx, id string, old, outputs []Output) error {
	next := map[string]string{}
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		if _, twice := next[o.Export]; twice {
			return &conflict{reason: "Export with name " + o.Export + " is declared more than once in the template"}
		}
		next[o.Export] = o.Value
	}
	for _, o := range old {
		if o.Export == "" {
			continue
		}
		value, kept := next[o.Export]
		if kept && value == o.Value {
			continue
		}
		users, err := l.importers(tx, o.Export)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			verb := "deleted"
			if kept {
				verb = "updated"
			}
			return &conflict{export: o.Export, users: users, reason: "Export " + o.Export + " cannot be " + verb + " as it is in use by " + listed(users)}
		}
		if have, ok, err := get[Export](tx, l.export(o.Export)); err != nil {
			return err
		} else if ok && have.StackID == id && !kept {
			tx.Delete(l.export(o.Export))
		}
	}
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		have, ok, err := get[Export](tx, l.export(o.Export))
		if err != nil {
			return err
		}
		if ok && have.StackID != id {
			owner, err := l.find(tx, have.StackID)
			if err != nil {
				return err
			}
			return &conflict{reason: "Export with name " + o.Export + " is already exported by stack " + owner.Name}
		}
		write(tx, put(l.export(o.Export), &Export{Name: o.Export, Value: o.Value, StackID: id}))
	}
	return nil
}

// importers returns the names of the stacks that import an export.
func (l layout) importers(r reader, name string) ([]string, error) {
	var users []string
	for p, err := range r.Scan(l.prefix("import", name), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return nil, err
		}
		id, err := lastOf(l, p.Key)
		if err != nil {
			return nil, err
		}
		s, err := l.find(r, id)
		if errors.Is(err, errNoStack) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, s.Name)
	}
	return users, nil
}

// imports makes the registered imports of a stack those of next; old are those
// registered so far. An export that is gone is an error.
func (l layout) imports(tx *kv.Tx, id string, old, next []string) error {
	for _, name := range old {
		if !slices.Contains(next, name) {
			tx.Delete(l.importer(name, id))
		}
	}
	for _, name := range next {
		v, err := tx.Get(l.export(name))
		if err != nil {
			return err
		}
		if v == nil {
			return missingExport(name)
		}
		tx.Set(l.importer(name, id), nil)
	}
	return nil
}
