package template

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// maxNodes bounds what a document may grow to when its aliases are followed, so that nine lines of "billion laughs" do
// not eat the machine. A template body is at most 1 MB; an honest one has far fewer nodes.
const maxNodes = 1_000_000

// Read parses a file as JSON when its name ends in .json, else as YAML, of which JSON is a part.
func Read(f *File) (*Value, Diagnostics) {
	if path.Ext(f.Name) == ".json" {
		return ReadJSON(f)
	}
	return ReadYAML(f)
}

// ReadYAML parses a file with one YAML document. CloudFormation's short tags (!Ref, !GetAtt a.b, !Sub [...]) become their
// long forms, aliases and merge keys are expanded, duplicate keys and further documents are errors. An empty file is null.
func ReadYAML(f *File) (*Value, Diagnostics) {
	if d := textProblem(f); d != nil {
		return nil, Diagnostics{*d}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(f.Text), yaml.WithV4Defaults())
	if err != nil {
		return nil, Diagnostics{Errorf(Pos{File: f}, "%v", err)}
	}
	var doc yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		return &Value{Kind: Null, Plain: true, Pos: Pos{File: f, Line: 1, Column: 1}}, nil
	} else if err != nil {
		return nil, Diagnostics{syntaxError(f, err)}
	}
	var next yaml.Node
	if err := loader.Load(&next); err == nil {
		return nil, Diagnostics{Errorf(Pos{File: f, Line: next.Line, Column: next.Column},
			"the file holds more than one YAML document").WithHint("remove the second '---' and what follows it, or put it into a file of its own")}
	} else if !errors.Is(err, io.EOF) {
		return nil, Diagnostics{syntaxError(f, err)}
	}
	w := walker{file: f, active: map[*yaml.Node]bool{}}
	v := w.value(&doc)
	if w.diags.HasErrors() {
		return nil, w.diags
	}
	return v, w.diags
}

// textProblem finds what the parser would report without a place: a text that is not UTF-8.
func textProblem(f *File) *Diagnostic {
	utf16 := bytes.HasPrefix(f.Text, []byte{0xff, 0xfe}) || bytes.HasPrefix(f.Text, []byte{0xfe, 0xff})
	if i := bytes.IndexByte(f.Text, 0); i >= 0 && !utf16 {
		d := Errorf(f.at(i), "the file contains a zero byte: it is not a text file")
		return &d
	}
	return nil
}

// syntaxError turns a parser's error into a diagnostic.
func syntaxError(f *File, err error) Diagnostic {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return Errorf(Pos{File: f}, "not valid YAML: %v", err)
	}
	pos := Pos{File: f, Line: le.Mark.Line, Column: le.Mark.Column}
	d := Errorf(pos, "not valid YAML: %s", le.Message)
	if le.ContextMsg != "" {
		if c := le.ContextMark; c.Line > 0 && c != le.Mark {
			d = d.WithNote(Pos{File: f, Line: c.Line, Column: c.Column}, "%s that begins here", le.ContextMsg)
		} else {
			d.Message += ", " + le.ContextMsg
		}
	}
	if text, ok := f.line(pos.Line); ok && strings.HasPrefix(strings.TrimLeft(text, " "), "\t") {
		return d.WithHint("YAML does not allow tabs for indentation: use spaces")
	}
	if strings.Contains(le.Message, "cannot start any token") {
		return d.WithHint("put the value into quotes")
	}
	return d
}

// walker turns nodes of the YAML library into values.
type walker struct {
	file   *File
	diags  Diagnostics
	nodes  int                 // values made so far, aliases included
	active map[*yaml.Node]bool // anchors whose alias is being expanded
}

func (w *walker) pos(n *yaml.Node) Pos { return Pos{File: w.file, Line: n.Line, Column: n.Column} }

// maxErrors is how many errors are reported about one document.
const maxErrors = 50

func (w *walker) fail(d Diagnostic) *Value {
	if len(w.diags) < maxErrors {
		w.diags = append(w.diags, d)
	}
	return &Value{Pos: d.Pos}
}

// value converts a node with its tag.
func (w *walker) value(n *yaml.Node) *Value {
	if w.nodes++; w.nodes > maxNodes {
		if w.nodes == maxNodes+1 {
			return w.fail(Errorf(w.pos(n), "the document grows beyond %d values when its aliases are expanded", maxNodes))
		}
		return &Value{Pos: w.pos(n)}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return &Value{Kind: Null, Plain: true, Pos: w.pos(n)}
		}
		return w.value(n.Content[0])
	case yaml.AliasNode:
		return w.alias(n)
	}
	fn, custom := w.tag(n)
	v := w.untagged(n, custom)
	if fn != "" {
		return intrinsic(fn, v, w.pos(n))
	}
	return v
}

// alias expands a reference to an anchor. The copies keep the positions of the anchored text.
func (w *walker) alias(n *yaml.Node) *Value {
	if n.Alias == nil {
		return w.fail(Errorf(w.pos(n), "unknown alias *%s", n.Value))
	}
	if w.active[n.Alias] {
		return w.fail(Errorf(w.pos(n), "the alias *%s contains itself", n.Value).WithNote(w.pos(n.Alias), "&%s is defined here", n.Value))
	}
	w.active[n.Alias] = true
	defer delete(w.active, n.Alias)
	return w.value(n.Alias)
}

// untagged converts the content of a node. asText keeps a plain scalar a string, which is what an argument of a short tag
// is: !Ref 123 names something.
func (w *walker) untagged(n *yaml.Node, asText bool) *Value {
	v := &Value{Pos: w.pos(n)}
	switch n.Kind {
	case yaml.ScalarNode:
		w.scalar(v, n, asText)
	case yaml.SequenceNode:
		v.Kind = List
		v.Items = make([]*Value, len(n.Content))
		for i, c := range n.Content {
			v.Items[i] = w.value(c)
		}
	case yaml.MappingNode:
		v.Kind = Map
		w.fields(v, n)
	default:
		return w.fail(Errorf(w.pos(n), "unexpected YAML node"))
	}
	return v
}

// scalar fills in a scalar: quoted and block scalars are strings, plain ones are what the core schema makes of them.
func (w *walker) scalar(v *Value, n *yaml.Node, asText bool) {
	v.Text = n.Value
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	v.Kind = String
	if n.Style&yaml.TaggedStyle != 0 && !asText {
		w.explicit(v, n)
		return
	}
	if n.Style&quoted == 0 {
		v.Plain = true
		if !asText {
			v.Kind = resolve(n.Value)
		}
	}
}

// explicit applies one of YAML's own tags.
func (w *walker) explicit(v *Value, n *yaml.Node) {
	want := map[string]Kind{"!!null": Null, "!!bool": Bool, "!!int": Number, "!!float": Number}
	kind, known := want[n.ShortTag()]
	if !known {
		return // !!str, !!timestamp and !!binary: the text as it stands
	}
	if resolve(n.Value) != kind {
		w.fail(Errorf(w.pos(n), "%q is not a %s, which its tag %s says", n.Value, kind, n.ShortTag()))
		return
	}
	v.Kind = kind
}

// fields fills in a map: merge keys first give way to the map's own keys, and duplicate keys are reported.
func (w *walker) fields(v *Value, n *yaml.Node) {
	seen := make(map[string]int, len(n.Content)/2)
	var merged []Field
	for i := 0; i+1 < len(n.Content); i += 2 {
		kn, vn := n.Content[i], n.Content[i+1]
		if isMerge(kn) {
			merged = append(merged, w.merge(vn)...)
			continue
		}
		key, ok := w.key(kn)
		if !ok {
			continue
		}
		if at, dup := seen[key]; dup {
			w.fail(Errorf(w.pos(kn), "duplicate key %q", key).WithNote(v.Fields[at].Pos, "it is already set here"))
			continue
		}
		seen[key] = len(v.Fields)
		v.Fields = append(v.Fields, Field{Key: key, Pos: w.pos(kn), Value: w.value(vn)})
	}
	for _, f := range merged {
		if _, own := seen[f.Key]; !own {
			seen[f.Key] = len(v.Fields)
			v.Fields = append(v.Fields, f)
		}
	}
}

// isMerge reports whether a key is the merge key, https://yaml.org/type/merge.html.
func isMerge(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && (n.ShortTag() == "!!merge" || n.Style == 0)
}

// merge returns the fields that a merge key brings, earlier maps of a list first.
func (w *walker) merge(n *yaml.Node) []Field {
	v := w.value(n)
	sources := []*Value{v}
	if v.Kind == List {
		sources = v.Items
	}
	var fields []Field
	for _, s := range sources {
		if s.Kind != Map {
			w.fail(Errorf(w.pos(n), "<< merges maps, and this is a %s", s.Kind))
			return nil
		}
		fields = append(fields, s.Fields...)
	}
	return fields
}

// key returns the text of a map key.
func (w *walker) key(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		w.fail(Errorf(w.pos(n), "a map key must be a scalar"))
		return "", false
	}
	return n.Value, true
}
