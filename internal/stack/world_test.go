package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/stack/schema"
	"github.com/nube-run/nube/internal/template"
	"github.com/nube-run/nube/internal/work"
)

// testTable has a type whose resources have names, and one whose service gives
// the ids.
var testTable = schema.Table{
	Shapes: []schema.Shape{
		0: {Kind: schema.String},
		1: {Kind: schema.Integer},
		2: {Kind: schema.Boolean},
		3: {Kind: schema.List, Elem: 0},
		4: {Kind: schema.Map, Elem: 0},
		5: {Kind: schema.JSON},
		6: {Name: "Tag", Kind: schema.Object, Properties: []schema.Property{{Name: "Key", Required: true}, {Name: "Value", Required: true}}},
		7: {Kind: schema.List, Elem: 6},
		8: {Name: "Box", Kind: schema.Object, Properties: []schema.Property{{Name: "Color"}, {Name: "Shape", CreateOnly: true}}},
	},
	Types: []schema.Type{
		{Name: "Test::Item", PrimaryID: []string{"Id"}, Attributes: []string{"Id", "Text"}, Properties: []schema.Property{
			{Name: "Box", Shape: 8}, {Name: "Fixed", CreateOnly: true}, {Name: "Text"},
		}},
		{Name: "Test::Thing", PrimaryID: []string{"Name"}, Attributes: []string{"Arn", "Size"}, Tags: "Tags", Properties: []schema.Property{
			{Name: "Doc", Shape: 5}, {Name: "Fixed", CreateOnly: true}, {Name: "List", Shape: 3}, {Name: "Map", Shape: 4},
			{Name: "Name", CreateOnly: true}, {Name: "On", Shape: 2}, {Name: "Size", Shape: 1}, {Name: "Tags", Shape: 7}, {Name: "Text"},
		}},
	},
}

var testScope = arn.In("eu-central-1", "123456789012")

// world is the services behind the types of the tests: what exists, and what
// was asked of it.
type world struct {
	t      testing.TB
	mu     sync.Mutex
	tokens map[string]bool
	items  map[string]string // JSON of the properties by physical id
	owner  map[string]string // who made it
	next   int
	calls  []string
	fails  map[string]string // "create Logical", or "create Logical/text" when a property has the text: why it fails
	// before and after, when set, are called around each effect.
	before, after func(call string)
	block         func(ctx context.Context, call string) error // may wait, and fail the call
	dead          func() bool                                  // the process is gone: no effect takes place any more
	order         func(call string, r Request)                 // told of each successful call
}

func newWorld(t testing.TB) *world {
	return &world{t: t, tokens: map[string]bool{}, items: map[string]string{}, owner: map[string]string{}, fails: map[string]string{}}
}

// types returns the types that act on w.
func (w *world) types() Types {
	return NewTypes(
		&Type{Schema: &testTable.Types[0], Table: &testTable, Provider: &fake{w: w}},
		&Type{
			Schema: &testTable.Types[1], Table: &testTable, Provider: &fake{w: w, named: true}, NameProperty: "Name", Name: NameRule{Max: 64},
			Refused: []string{"Map"},
			Replaces: func(old, new *template.Value, changed []string) bool {
				a, _ := old.Get("Size").AsInt()
				b, _ := new.Get("Size").AsInt()
				return b < a // cannot shrink in place
			},
		},
	)
}

// ids returns what exists, sorted.
func (w *world) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.items))
}

// fake is a provider over a world. A creation that is asked for again finds
// what it made by the token.
type fake struct {
	w     *world
	named bool
}

func (f *fake) enter(ctx context.Context, call string, r Request) error {
	line := call + " " + r.LogicalID
	if f.w.block != nil {
		if err := f.w.block(ctx, line); err != nil {
			return err
		}
	}
	if f.w.before != nil {
		f.w.before(line)
	}
	if f.w.dead != nil && f.w.dead() {
		return errDead
	}
	f.w.mu.Lock()
	if f.w.tokens[r.Token] && !r.Again {
		f.w.t.Errorf("%s is called a second time as if it were the first", line)
	}
	f.w.tokens[r.Token] = true
	again := ""
	if r.Again && call != "delete" {
		again = " again"
	}
	f.w.calls = append(f.w.calls, fmt.Sprintf("%s %s%s %s", line, r.PhysicalID, again, r.Properties.AppendJSON(nil)))
	for what, why := range f.w.fails {
		step, text, _ := strings.Cut(what, "/")
		if step == line && strings.Contains(string(r.Properties.AppendJSON(nil)), text) {
			f.w.mu.Unlock()
			return fault.New("ValidationException", "%s", why)
		}
	}
	return nil // locked
}

func (f *fake) leave(call string, r Request) {
	if f.w.order != nil {
		f.w.order(call, r)
	}
	f.w.mu.Unlock()
	if f.w.after != nil {
		f.w.after(call + " " + r.LogicalID)
	}
}

func (f *fake) attrs(id string, props *template.Value) Attrs {
	size, _ := props.Get("Size").AsInt()
	text, _ := props.Get("Text").AsString()
	return Attrs{"Arn": "arn:test:" + id, "Id": id, "Size": size, "Text": text}
}

func (f *fake) Create(ctx context.Context, r Request) (Progress, error) {
	if err := f.enter(ctx, "create", r); err != nil {
		return Progress{}, err
	}
	defer f.leave("create", r)
	id := r.PhysicalID
	if !f.named {
		for have, owner := range f.w.owner {
			if r.Again && owner == r.Token {
				id = have
			}
		}
		if id == "" {
			f.w.next++
			id = fmt.Sprintf("item-%d", f.w.next)
		}
	} else if _, there := f.w.items[id]; there && !r.Again {
		return Progress{}, fault.New("ResourceInUseException", "%s exists", id)
	}
	f.w.items[id] = string(r.Properties.AppendJSON(nil))
	f.w.owner[id] = r.Token
	return Progress{PhysicalID: id, Attrs: f.attrs(id, r.Properties)}, nil
}

func (f *fake) Update(ctx context.Context, r Request) (Progress, error) {
	if err := f.enter(ctx, "update", r); err != nil {
		return Progress{}, err
	}
	defer f.leave("update", r)
	if _, ok := f.w.items[r.PhysicalID]; !ok {
		return Progress{}, fault.New("ResourceNotFoundException", "%s does not exist", r.PhysicalID)
	}
	f.w.items[r.PhysicalID] = string(r.Properties.AppendJSON(nil))
	return Progress{PhysicalID: r.PhysicalID, Attrs: f.attrs(r.PhysicalID, r.Properties)}, nil
}

func (f *fake) Delete(ctx context.Context, r Request) (Progress, error) {
	if err := f.enter(ctx, "delete", r); err != nil {
		return Progress{}, err
	}
	defer f.leave("delete", r)
	delete(f.w.items, r.PhysicalID)
	delete(f.w.owner, r.PhysicalID)
	return Progress{}, nil
}

func (f *fake) Read(ctx context.Context, r Request) (Attrs, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if f.w.dead != nil && f.w.dead() {
		return nil, errDead
	}
	if _, ok := f.w.items[r.PhysicalID]; !ok {
		return nil, ErrNotFound
	}
	return Attrs{}, nil
}

// bench is an engine over a world, with ids and a clock that do not vary.
type rig struct {
	t      testing.TB
	w      *world
	db     *kv.DB
	model  *clock.Model
	ledger *work.Ledger
	e      *Engine
	ids    int
	idsMu  sync.Mutex
}

func newRig(t testing.TB, w *world, parallel int) *rig {
	t.Helper()
	return newRigOver(t, w, parallel, memkv.New())
}

func newRigOver(t testing.TB, w *world, parallel int, over driver.Engine) *rig {
	t.Helper()
	r := &rig{t: t, w: w, db: kv.Open(over), model: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_700_000_000, 0)}), ledger: work.NewLedger()}
	r.e = New(Options{DB: r.db, Types: w.types(), Model: r.model, Ledger: r.ledger, Log: slog.New(slog.DiscardHandler), Parallel: parallel, NewID: r.id})
	return r
}

func (r *rig) id() (id [16]byte) {
	r.idsMu.Lock()
	defer r.idsMu.Unlock()
	r.ids++
	id[14], id[15] = byte(r.ids>>8), byte(r.ids)
	return id
}

func (r *rig) close() {
	r.e.Close()
	if err := r.db.Close(); err != nil && !errors.Is(err, kv.ErrClosed) {
		r.t.Errorf("close: %v", err)
	}
}

// deploy parses a template for a stack called app.
func deploy(t testing.TB, body string, params ...string) Deploy {
	t.Helper()
	tmpl, ds := template.Parse(&template.File{Name: "template.yaml", Text: []byte(body)})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	d := Deploy{Scope: testScope, Name: "app", Template: tmpl, Body: body, Parameters: map[string]string{}}
	for _, p := range params {
		k, v, _ := strings.Cut(p, "=")
		d.Parameters[k] = v
	}
	return d
}
