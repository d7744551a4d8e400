package awsapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
)

// The published protocol tests say what clients write and what they read. The
// server's side is their mirror: it must read every request of the input cases
// back into the parameters, and what it writes of an output case's result must
// be what the case's response says.

type suite struct {
	Description string
	Metadata    struct{ Protocol, JSONVersion, TargetPrefix, XMLNamespace string }
	Shapes      map[string]*testShape
	Cases       []testCase
}

type testShape struct {
	Type         string
	Members      json.RawMessage
	Member       *testRef
	Key, Value   *testRef
	Flattened    bool
	Payload      string
	LocationName string
	Streaming    bool
	XMLNamespace *struct{ URI string }
	Timestamp    string `json:"timestampFormat"`
	Location     string
}

type testRef struct {
	Shape, Location, LocationName string
	Flattened, XMLAttribute       bool
	JSONValue                     bool `json:"jsonvalue"`
	Streaming                     bool
	IdempotencyToken              bool
	XMLNamespace                  *struct{ URI string }
	Timestamp                     string `json:"timestampFormat"`
}

type testCase struct {
	Given struct {
		HTTP          struct{ Method, RequestURI string }
		Input, Output *struct {
			Shape, ResultWrapper, LocationName, Payload string
			XMLNamespace                                *struct{ URI string }
		}
		Name string
	}
	Params     map[string]any
	Result     map[string]any
	Serialized struct {
		Body    string
		URI     string
		Headers map[string]string
	}
	Response struct {
		StatusCode int `json:"status_code"`
		Headers    map[string]string
		Body       string
	}
}

// recursive is the one recursive structure of the tests; reflect cannot make
// recursive types.
type recursive struct {
	NoRecurse       *string
	RecursiveStruct *recursive
	RecursiveList   []recursive
	RecursiveMap    map[string]recursive
}

// built is a suite turned into a model and Go types.
type built struct {
	suite
	model schema.Model
	index map[string]schema.Ref
	order map[string][]string
	refs  map[string]map[string]testRef
	types map[string]reflect.Type
}

func build(t *testing.T, s suite) *built {
	b := &built{suite: s, index: map[string]schema.Ref{}, order: map[string][]string{}, refs: map[string]map[string]testRef{}, types: map[string]reflect.Type{}}
	var names []string
	for n := range s.Shapes {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		b.index[n] = schema.Ref(i)
		if sh := s.Shapes[n]; sh.Members != nil {
			refs := map[string]testRef{}
			if err := json.Unmarshal(sh.Members, &refs); err != nil {
				t.Fatal(err)
			}
			b.refs[n] = refs
			for m := range refs {
				b.order[n] = append(b.order[n], m)
			}
			sort.Strings(b.order[n])
			if _, ok := refs["RecursiveStruct"]; ok {
				b.order[n] = []string{"NoRecurse", "RecursiveStruct", "RecursiveList", "RecursiveMap"}
			}
		}
	}
	var shapes []schema.Shape
	for _, n := range names {
		shapes = append(shapes, b.shape(n))
	}
	b.model.Shapes = schema.NewTable(shapes)
	b.model.Namespace = s.Metadata.XMLNamespace
	for _, c := range s.Cases { // some suites name the payload on the operation
		if c.Given.Input != nil && c.Given.Input.Payload != "" {
			shapes[b.index[c.Given.Input.Shape]].Payload = 1 + slices.Index(b.order[c.Given.Input.Shape], c.Given.Input.Payload)
		}
	}
	return b
}

func timeOf(f string) schema.TimeFormat {
	return map[string]schema.TimeFormat{"": schema.ByProtocol, "iso8601": schema.ISO8601, "rfc822": schema.RFC822, "unixTimestamp": schema.EpochSeconds}[f]
}

func (b *built) shape(n string) schema.Shape {
	s := b.Shapes[n]
	out := schema.Shape{Name: n, Flattened: s.Flattened, XMLName: s.LocationName, Time: timeOf(s.Timestamp), Key: schema.None, Elem: schema.None}
	if s.XMLNamespace != nil {
		out.XMLNamespace = s.XMLNamespace.URI
	}
	out.Kind = map[string]schema.Kind{
		"structure": schema.Structure, "list": schema.List, "map": schema.Map, "string": schema.String, "character": schema.String, "blob": schema.Blob,
		"boolean": schema.Boolean, "integer": schema.Integer, "long": schema.Long, "float": schema.Float, "double": schema.Double, "timestamp": schema.Timestamp,
	}[s.Type]
	if s.Member != nil {
		out.Elem, out.ElemName = b.index[s.Member.Shape], s.Member.LocationName
	}
	if s.Key != nil {
		out.Key, out.KeyName = b.index[s.Key.Shape], s.Key.LocationName
		out.Elem, out.ElemName = b.index[s.Value.Shape], s.Value.LocationName
	}
	for i, m := range b.order[n] {
		r := b.refs[n][m]
		if target := b.Shapes[r.Shape]; r.Location == "" && target != nil && target.Location != "" { // some suites bind the shape
			r.Location, r.LocationName = target.Location, or(r.LocationName, target.LocationName)
		}
		mb := schema.Member{Name: m, Wire: or(r.LocationName, m), Shape: b.index[r.Shape], Flattened: r.Flattened, Attribute: r.XMLAttribute, Time: timeOf(r.Timestamp)}
		mb.In = map[string]schema.Location{"": schema.Body, "header": schema.Header, "headers": schema.Headers, "uri": schema.Path, "querystring": schema.Query, "statuscode": schema.Status}[strings.ToLower(r.Location)]
		if r.Location == "header" && b.Shapes[r.Shape].Type == "map" {
			mb.In = schema.Headers
		}
		if r.XMLNamespace != nil {
			mb.Namespace = r.XMLNamespace.URI
		}
		out.Members = append(out.Members, mb)
		if m == s.Payload {
			out.Payload = i + 1
		}
	}
	return out
}

func (b *built) elem(n string) reflect.Type {
	if t, ok := b.types[n]; ok {
		return t
	}
	s := b.Shapes[n]
	switch s.Type {
	case "structure":
		if _, ok := b.refs[n]["RecursiveStruct"]; ok {
			return reflect.TypeFor[recursive]()
		}
		var fields []reflect.StructField
		for _, m := range b.order[n] {
			name := strings.ToUpper(m[:1]) + m[1:]
			fields = append(fields, reflect.StructField{Name: name, Type: b.member(b.refs[n][m].Shape)})
		}
		b.types[n] = reflect.StructOf(fields)
		return b.types[n]
	case "list":
		return reflect.SliceOf(b.elem(s.Member.Shape))
	case "map":
		return reflect.MapOf(reflect.TypeFor[string](), b.elem(s.Value.Shape))
	case "blob":
		return reflect.TypeFor[[]byte]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "integer":
		return reflect.TypeFor[int32]()
	case "long":
		return reflect.TypeFor[int64]()
	case "float":
		return reflect.TypeFor[float32]()
	case "double":
		return reflect.TypeFor[float64]()
	case "timestamp":
		return reflect.TypeFor[clock.Instant]()
	}
	return reflect.TypeFor[string]()
}

func (b *built) member(n string) reflect.Type {
	switch b.Shapes[n].Type {
	case "list", "map", "blob":
		return b.elem(n)
	}
	return reflect.PointerTo(b.elem(n))
}

// plain turns a decoded value into what the tests' JSON holds.
func (b *built) plain(ref schema.Ref, v reflect.Value) any {
	s := b.model.Shape(ref)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch s.Kind {
	case schema.Structure:
		out := map[string]any{}
		for i := range s.Members {
			f := v.Field(i)
			if k := f.Kind(); (k == reflect.Pointer || k == reflect.Slice || k == reflect.Map) && f.IsNil() {
				continue
			}
			out[s.Members[i].Name] = b.plain(s.Members[i].Shape, f)
		}
		return out
	case schema.List:
		out := []any{}
		for i := range v.Len() {
			out = append(out, b.plain(s.Elem, v.Index(i)))
		}
		return out
	case schema.Map:
		out := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			out[it.Key().String()] = b.plain(s.Elem, it.Value())
		}
		return out
	case schema.Blob:
		return string(v.Bytes())
	case schema.String:
		return v.String()
	case schema.Boolean:
		return v.Bool()
	case schema.Integer, schema.Long:
		return float64(v.Int())
	case schema.Float, schema.Double:
		return v.Float()
	case schema.Timestamp:
		return clock.Instant(v.Int()).Seconds()
	}
	return nil
}

// fill is the inverse of plain.
func (b *built) fill(ref schema.Ref, x any, v reflect.Value) {
	if x == nil {
		return
	}
	s := b.model.Shape(ref)
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.Kind {
	case schema.Structure:
		for i := range s.Members {
			b.fill(s.Members[i].Shape, x.(map[string]any)[s.Members[i].Name], v.Field(i))
		}
	case schema.List:
		xs := x.([]any)
		v.Set(reflect.MakeSlice(v.Type(), len(xs), len(xs)))
		for i := range xs {
			b.fill(s.Elem, xs[i], v.Index(i))
		}
	case schema.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for k, y := range x.(map[string]any) {
			e := reflect.New(v.Type().Elem()).Elem()
			b.fill(s.Elem, y, e)
			v.SetMapIndex(reflect.ValueOf(k), e)
		}
	case schema.Blob:
		v.SetBytes([]byte(x.(string)))
	case schema.String:
		v.SetString(x.(string))
	case schema.Boolean:
		v.SetBool(x.(bool))
	case schema.Integer, schema.Long:
		v.SetInt(int64(x.(float64)))
	case schema.Float, schema.Double:
		v.SetFloat(x.(float64))
	case schema.Timestamp:
		v.SetInt(int64(clock.UnixMilli(int64(x.(float64) * 1000))))
	}
}

func suites(t *testing.T, dir string) map[string][]*built {
	out := map[string][]*built{}
	files, err := filepath.Glob(filepath.Join("testdata/protocol", dir, "*.json"))
	if err != nil || len(files) != 4 {
		t.Fatalf("found %v (%v), want the suites of four protocols", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var ss []suite
		if err := json.Unmarshal(text, &ss); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		for _, s := range ss {
			out[name] = append(out[name], build(t, s))
		}
	}
	return out
}

func protocolOf(name string) schema.Protocol {
	return map[string]schema.Protocol{"json": schema.JSON11, "query": schema.QueryXML, "rest-json": schema.RESTJSON, "rest-xml": schema.RESTXML}[name]
}

// notForServers are input and output suites about what only a client decides,
// with the reason.
var notForServers = map[string]string{
	"Idempotency token auto fill":         "the client fills the token in",
	"JSON value trait":                    "no API that nube offers has jsonvalue members",
	"Endpoint host trait":                 "the client makes the host name",
	"Endpoint host trait static prefix":   "the client makes the host name",
	"Ignores extra data":                  "the client passes over what it does not know",
	"Ignores undefined output":            "the client passes over what it does not know",
	"Supports header maps":                "the case reads every header of the response, the server's own too",
	"unmodeled non-json response payload": "the client passes over a body that the model does not have",
	"Header whitespace":                   "HTTP takes white space around a header's value away",
	"rest-json Content-Type and body":     "the cases are about what stands for an absent payload",
	"Serialize other scalar types":        "1.2 is not a float32; the other cases cover the rest",
	"Flattened list of structures":        "the case has no result wrapper in its model but one in its response",
}

// notOnTheWire are single cases, by suite and letter, that a server cannot
// mirror.
var notOnTheWire = map[string]string{
	"json/Lists/b":                  "null elements: AWS's services do not write them",
	"rest-json/Structure payload/b": "no payload, which the client writes as an empty one",
	"rest-json/Scalar members/a":    "a timestamp in a form that clients accept and services do not write",
	"rest-xml/Enum/a":               "the case's own query does not hold its parameters",
}

func TestReadsWhatClientsWrite(t *testing.T) {
	for protocol, ss := range suites(t, "input") {
		for _, b := range ss {
			if notForServers[b.Description] != "" {
				continue
			}
			for i, c := range b.Cases {
				if c.Given.Input == nil {
					continue
				}
				name := protocol + "/" + b.Description + "/" + string(rune('a'+i))
				if notOnTheWire[name] != "" {
					continue
				}
				t.Run(name, func(t *testing.T) {
					op := schema.Op{Name: c.Given.Name, Method: c.Given.HTTP.Method, URI: or(c.Given.HTTP.RequestURI, "/"), Input: b.index[c.Given.Input.Shape], Output: schema.None}
					b.model.Ops = []schema.Op{op}
					in := reflect.New(b.elem(c.Given.Input.Shape))
					if err := decodeCase(b, protocolOf(protocol), &op, c, in.Interface()); err != nil {
						t.Fatal(err)
					}
					want := any(c.Params)
					if c.Params == nil {
						want = map[string]any{}
					}
					got := b.plain(op.Input, in.Elem())
					if diff := cmp.Diff(dropNulls(want), got); diff != "" {
						t.Errorf("%s\nread differs (-want +got):\n%s", c.Serialized.Body+c.Serialized.URI, diff)
					}
				})
			}
		}
	}
}

// dropNulls removes members without a value: they are not on the wire.
func dropNulls(x any) any {
	m, ok := x.(map[string]any)
	if !ok {
		return x
	}
	out := map[string]any{}
	for k, v := range m {
		if v != nil {
			out[k] = dropNulls(v)
		}
	}
	return out
}

func decodeCase(b *built, p schema.Protocol, op *schema.Op, c testCase, in any) error {
	body := []byte(c.Serialized.Body)
	switch p {
	case schema.JSON11:
		return wire.DecodeJSON(&b.model, op.Input, body, in)
	case schema.QueryXML:
		form, err := url.ParseQuery(c.Serialized.Body)
		if err != nil {
			return err
		}
		return wire.DecodeQuery(&b.model, op.Input, form, in)
	}
	u, err := url.Parse(c.Serialized.URI)
	if err != nil {
		return err
	}
	head := http.Header{}
	for k, v := range c.Serialized.Headers {
		head.Set(k, v)
	}
	msg := wire.Message{Query: u.Query(), Header: head, Body: body}
	_, msg.Labels = newRoutes(&b.model).match(op.Method, u)
	return wire.DecodeREST(&b.model, op, p, msg, in)
}

func TestWritesWhatClientsRead(t *testing.T) {
	for protocol, ss := range suites(t, "output") {
		for _, b := range ss {
			if notForServers[b.Description] != "" {
				continue
			}
			for i, c := range b.Cases {
				if c.Given.Output == nil || c.Response.StatusCode >= 300 {
					continue
				}
				name := protocol + "/" + b.Description + "/" + string(rune('a'+i))
				if notOnTheWire[name] != "" {
					continue
				}
				t.Run(name, func(t *testing.T) {
					out := reflect.New(b.elem(c.Given.Output.Shape))
					ref := b.index[c.Given.Output.Shape]
					b.fill(ref, any(c.Result), out.Elem())
					op := schema.Op{Name: c.Given.Name, Output: ref, Wrapper: c.Given.Output.ResultWrapper}
					checkResponse(t, b, protocolOf(protocol), &op, c, out.Interface())
				})
			}
		}
	}
}

func checkResponse(t *testing.T, b *built, p schema.Protocol, op *schema.Op, c testCase, out any) {
	t.Helper()
	switch p {
	case schema.JSON11:
		sameJSON(t, c.Response.Body, string(wire.AppendJSON(nil, &b.model, op.Output, out)))
	case schema.QueryXML:
		b.model.Namespace = ""
		got := string(wire.AppendQueryResponse(nil, &b.model, op, out, "request-id"))
		sameXML(t, c.Response.Body, strings.Replace(got, ` xmlns=""`, "", 1))
	default:
		head := http.Header{}
		resp := wire.EncodeREST(&b.model, op, p, out, head)
		for k, v := range c.Response.Headers {
			if got := head.Get(k); !strings.EqualFold(got, v) && http.CanonicalHeaderKey(k) != "Content-Type" {
				t.Errorf("header %s is %q, want %q", k, got, v)
			}
		}
		if c.Response.StatusCode != 0 && resp.Status != c.Response.StatusCode {
			t.Errorf("status %d, want %d", resp.Status, c.Response.StatusCode)
		}
		switch {
		case resp.ContentType == "application/json":
			sameJSON(t, c.Response.Body, string(resp.Body))
		case resp.ContentType == "application/xml":
			sameXML(t, c.Response.Body, string(resp.Body))
		case string(resp.Body) != c.Response.Body:
			t.Errorf("body %q, want %q", resp.Body, c.Response.Body)
		}
	}
}

func sameJSON(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(or(want, "{}")), &w); err != nil {
		t.Fatalf("the case's own body: %v", err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("wrote no JSON: %v\n%s", err, got)
	}
	if diff := cmp.Diff(dropNulls(w), g); diff != "" {
		t.Errorf("wrote %s\n(-want +got):\n%s", got, diff)
	}
}

// sameXML compares documents but for white space, the order of siblings, name
// spaces and the request id.
func sameXML(t *testing.T, want, got string) {
	t.Helper()
	if want == "" {
		return // clients read anything into an empty structure
	}
	w, g := withoutRoot(canonical(t, want)), withoutRoot(canonical(t, got))
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("wrote %s\n(-want +got):\n%s", got, diff)
	}
}

// withoutRoot drops the name of a REST-XML document's root, which clients do
// not look at.
func withoutRoot(s string) string {
	_, rest, _ := strings.Cut(s, ">")
	return rest
}

func canonical(t *testing.T, doc string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	var render func(end string) string
	render = func(string) string {
		var parts []string
		var text strings.Builder
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, doc)
			}
			if _, ok := tok.(xml.EndElement); ok {
				break
			}
			switch tok := tok.(type) {
			case xml.StartElement:
				inner := render(tok.Name.Local)
				name := tok.Name.Local
				switch {
				case name == "ResponseMetadata" || name == "RequestId":
					continue
				}
				for _, a := range tok.Attr {
					if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
						name += " " + a.Name.Local + "=" + a.Value
					}
				}
				parts = append(parts, "<"+name+">"+inner)
			case xml.CharData:
				text.Write(bytes.TrimSpace(tok))
			}
		}
		sort.Strings(parts)
		return text.String() + strings.Join(parts, "\n") + "</>"
	}
	return render("")
}
