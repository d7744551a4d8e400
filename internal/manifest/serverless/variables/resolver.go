package variables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Config is what the variables of a manifest may refer to. Everything that a source reads comes through it.
type Config struct {
	Dir        string                             // the directory of the manifest: ${file} paths are relative to it
	Stage      string                             // --stage, or empty
	Region     string                             // --region, or empty
	Params     map[string]string                  // --param
	Options    map[string]string                  // further options of the command line, for ${opt}
	Env        func(name string) (string, bool)   // the environment
	Account    string                             // ${aws:accountId}
	InstanceID string                             // ${sls:instanceId}
	Cloud      Cloud                              // nil when no cloud is running
	Read       func(path string) ([]byte, error)  // reads a file; os.ReadFile, or one that remembers what it read
	Name       func(path string) (display string) // how a file is named in diagnostics
}

// Resolver evaluates the variables of one manifest.
type Resolver struct {
	cfg   Config
	root  *node
	files map[string]*file
	stack []*node                 // the nodes whose shallow value is under way, outermost first
	sizes map[*template.Value]int // of resolved values that hold no variable: how many values they are made of
	diags template.Diagnostics

	// MissingEnv are the environment variables that were asked for and not there.
	MissingEnv []string
}

// New returns a resolver for a manifest, as it was read.
func New(manifest *template.Value, cfg Config) *Resolver {
	return &Resolver{cfg: cfg, root: &node{raw: manifest}, files: map[string]*file{}, sizes: map[*template.Value]int{}}
}

// errReported stops the evaluation of whatever depends on a value whose problem is among the diagnostics already.
var errReported = errors.New("already reported")

// maxSize bounds how many values the manifest may grow to, so that ten lines that refer to each other ten times each do not
// eat the machine.
const maxSize = 1_000_000

// maxRounds bounds how often a value that holds variables may yield a value that holds variables.
const maxRounds = 10

// All evaluates the whole manifest. The value is complete when there are no errors.
func (r *Resolver) All(ctx context.Context) (*template.Value, template.Diagnostics) {
	v, err := r.deep(ctx, r.root)
	r.note(err, template.Pos{})
	return v, r.diags
}

// Lookup evaluates the value at a path of keys, nil when there is none. Problems are among the diagnostics of [Resolver.All].
func (r *Resolver) Lookup(ctx context.Context, path ...string) *template.Value {
	n, err := r.find(ctx, path)
	if err != nil || n == nil {
		r.note(err, template.Pos{})
		return nil
	}
	v, err := r.deep(ctx, n)
	r.note(err, n.raw.Pos)
	return v
}

// SetEnv replaces the environment, for what is evaluated from now on.
func (r *Resolver) SetEnv(env func(string) (string, bool)) { r.cfg.Env = env }

// note records an error that no node has recorded.
func (r *Resolver) note(err error, pos template.Pos) {
	if err == nil || errors.Is(err, errReported) {
		return
	}
	r.diags = append(r.diags, diagnostic(err, pos))
}

// diagnostic returns err as a diagnostic, at pos when it does not know better.
func diagnostic(err error, pos template.Pos) template.Diagnostic {
	var d template.Diagnostic
	if errors.As(err, &d) {
		if d.Pos.File == nil {
			d.Pos = pos
		}
		return d
	}
	return template.Errorf(pos, "%v", err)
}

// find walks to the node at a path, evaluating only what lies on the way. It is nil when there is none.
func (r *Resolver) find(ctx context.Context, path []string) (*node, error) {
	n := r.root
	for _, key := range path {
		if err := r.shallow(ctx, n); err != nil {
			return nil, err
		}
		if n = n.child(key); n == nil {
			return nil, nil
		}
	}
	return n, nil
}

// shallow finds out what a node is.
func (r *Resolver) shallow(ctx context.Context, n *node) error {
	if n.failed {
		return errReported
	}
	if n.kind != nil {
		return nil
	}
	if n.active {
		return r.cycle(n)
	}
	n.active = true
	r.stack = append(r.stack, n)
	v, err := r.evaluate(ctx, n.raw, 0)
	if err == nil && n.nested >= maxRounds && v != n.raw {
		err = template.Errorf(n.raw.Pos, "%s: values that variables yield hold variables, deeper than %d levels", n.path(), maxRounds)
	}
	r.stack = r.stack[:len(r.stack)-1]
	n.active = false
	if err != nil {
		n.failed = true
		if !errors.Is(err, errReported) {
			r.diags = append(r.diags, diagnostic(err, n.raw.Pos))
		}
		return errReported
	}
	n.kind = v
	return nil
}

// deep resolves a node and everything below it. It goes on after a failure, to report them all.
func (r *Resolver) deep(ctx context.Context, n *node) (*template.Value, error) {
	if n.resolved != nil {
		return n.resolved, nil
	}
	if err := r.shallow(ctx, n); err != nil {
		return nil, err
	}
	if _, done := r.sizes[n.kind]; done {
		n.resolved = n.kind // another node's, which is shared
		return n.resolved, nil
	}
	var failed error
	for _, c := range n.children() {
		if r.isOtherStage(ctx, c) {
			c.resolved = c.raw
			continue
		}
		if _, err := r.deep(ctx, c); err != nil {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	v := n.rebuild()
	size, plain := r.measure(v)
	if size > maxSize {
		n.failed = true
		r.diags = append(r.diags, template.Errorf(n.raw.Pos, "%s grows beyond %d values", n.path(), maxSize))
		return nil, errReported
	}
	if plain {
		r.sizes[v] = size
	}
	n.resolved = v
	return v, nil
}

// measure returns how many values a resolved value is made of, and whether none of its texts would be taken for a variable.
func (r *Resolver) measure(v *template.Value) (size int, plain bool) {
	if size, ok := r.sizes[v]; ok {
		return size, true
	}
	size, plain = 1, !strings.Contains(v.Text, "${")
	below := func(x *template.Value) {
		n, p := r.measure(x)
		size, plain = size+n, plain && p
	}
	for _, item := range v.Items {
		below(item)
	}
	for _, f := range v.Fields {
		below(f.Value)
	}
	return size, plain
}

// isOtherStage reports whether a node is the params section of a stage that is not the one at hand, whose values need not
// be resolvable.
func (r *Resolver) isOtherStage(ctx context.Context, n *node) bool {
	if n.parent == nil || n.parent.key != "params" || n.parent.parent != r.root || n.key == "default" {
		return false
	}
	stage, err := r.stage(ctx)
	return err == nil && n.key != stage
}

// cycle describes how a node came to need itself.
func (r *Resolver) cycle(n *node) error {
	loop := r.stack[slices.Index(r.stack, n):]
	names := make([]string, 0, len(loop)+1)
	for _, m := range loop {
		names = append(names, m.path())
	}
	names = append(names, n.path())
	last := loop[len(loop)-1]
	d := template.Errorf(last.raw.Pos, "circular reference: %s", strings.Join(names, " → "))
	for i, m := range loop[:len(loop)-1] {
		d = d.WithNote(m.raw.Pos, "%s needs %s", m.path(), names[i+1])
	}
	return d
}

// evaluate returns the value of a value: itself, unless it is a string with variables. The maps and lists that it returns
// may hold further variables, the strings do not.
func (r *Resolver) evaluate(ctx context.Context, v *template.Value, round int) (*template.Value, error) {
	if v.Kind != template.String {
		return v, nil
	}
	expr, err := Parse(v.Text)
	if err != nil {
		return nil, syntax(v, err)
	}
	if len(expr) == 0 {
		return v, nil
	}
	if round == maxRounds {
		return nil, template.Errorf(v.Pos, "variables that yield variables are nested deeper than %d levels", maxRounds)
	}
	if expr.whole(len(v.Text)) {
		x, err := r.variable(ctx, v, expr[0].Variable)
		if err != nil {
			return nil, err
		}
		return r.evaluate(ctx, x, round+1)
	}
	var b strings.Builder
	last := 0
	for _, piece := range expr {
		b.WriteString(v.Text[last:piece.Start])
		last = piece.End
		if piece.Variable == nil {
			b.WriteString(piece.Text)
			continue
		}
		x, err := r.variable(ctx, v, piece.Variable)
		if err == nil {
			x, err = r.evaluate(ctx, x, round+1)
		}
		if err == nil && x.Kind == template.List {
			x, err = r.deep(ctx, &node{key: "list", raw: x, nested: maxRounds - 1})
		}
		if err != nil {
			return nil, err
		}
		s, ok := text(x)
		if !ok {
			at := Locate(v, piece.Variable.Sources[0].Offset-2)
			return nil, template.Errorf(at, "the variable yields a %s, which cannot be part of a text", x.Kind).
				WithHint("let it be the whole value, or refer to one of its fields")
		}
		b.WriteString(s)
	}
	b.WriteString(v.Text[last:])
	return template.New(v.Pos, b.String()), nil
}

// syntax places a syntax error.
func syntax(v *template.Value, err error) error {
	var se *SyntaxError
	if errors.As(err, &se) {
		return template.Errorf(Locate(v, se.Offset), "invalid variable: %s", se.Msg)
	}
	return template.Errorf(v.Pos, "invalid variable: %v", err)
}

// text returns what a value is inside a longer string, as JavaScript would make it: lists are joined with commas.
func text(v *template.Value) (string, bool) {
	if v.Kind == template.List {
		parts := make([]string, len(v.Items))
		for i, item := range v.Items {
			if item.Kind == template.Null {
				continue
			}
			s, ok := text(item)
			if !ok {
				return "", false
			}
			parts[i] = s
		}
		return strings.Join(parts, ","), true
	}
	return v.Literal()
}

// variable asks the sources of a variable one after the other.
func (r *Resolver) variable(ctx context.Context, in *template.Value, v *Variable) (*template.Value, error) {
	var none error
	for _, s := range v.Sources {
		if s.Type == "" {
			return moved(s.Literal, Locate(in, s.Offset)), nil
		}
		at := Locate(in, s.Offset)
		x, why, err := r.source(ctx, in, s, at)
		if err != nil {
			if !errors.Is(err, errReported) {
				err = diagnostic(err, at)
			}
			return nil, err
		}
		if !x.IsNull() {
			return x, nil
		}
		none = diagnostic(why, at)
	}
	return nil, none
}

// moved returns a copy of a scalar at another place.
func moved(v *template.Value, pos template.Pos) *template.Value {
	c := *v
	c.Pos = pos
	return &c
}

// operand evaluates a parameter or an address.
func (r *Resolver) operand(ctx context.Context, in *template.Value, o Operand) (*template.Value, error) {
	if o.Expr == nil {
		return o.Value, nil
	}
	v := moved(o.Value, in.Pos)
	return r.evaluate(ctx, v, 0)
}

// call is one question to a source.
type call struct {
	at      template.Pos // of the source's name
	name    string       // the source as written, for messages
	params  []*template.Value
	address string
}

// source answers one source: a value, or nil and the reason why there is none.
func (r *Resolver) source(ctx context.Context, in *template.Value, s Source, at template.Pos) (v *template.Value, why, err error) {
	c := call{at: at, name: s.Type}
	for _, p := range s.Params {
		x, err := r.operand(ctx, in, p)
		if err != nil {
			return nil, nil, err
		}
		c.params = append(c.params, x)
	}
	if s.Address != nil {
		x, err := r.operand(ctx, in, *s.Address)
		if err != nil {
			return nil, nil, err
		}
		address, ok := text(x)
		if !ok {
			return nil, nil, template.Errorf(at, "the address of ${%s:...} is a %s, and must be a text", s.Type, x.Kind)
		}
		c.address = address
	}
	return r.ask(ctx, c)
}

// needAddress complains about a source without an address.
func (c call) needAddress(example string) error {
	if c.address != "" {
		return nil
	}
	return template.Errorf(c.at, "the source %q needs an address", c.name).WithHint("like ${%s}", example)
}

// found wraps an optional text of a source.
func (c call) found(s string, ok bool, why string, args ...any) (*template.Value, error, error) {
	if ok {
		return template.New(c.at, s), nil, nil
	}
	return nil, fmt.Errorf(why, args...), nil
}
