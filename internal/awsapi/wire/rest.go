package wire

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// Message is the HTTP side of a REST request whose operation is known.
type Message struct {
	Labels map[string]string // path labels, unescaped
	Query  url.Values
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // the body when the input has a streaming payload; Body is then nil
}

// DecodeREST reads a REST-JSON or REST-XML request into in, a pointer to the
// Go struct of the operation's input.
func DecodeREST(m *schema.Model, op *schema.Op, p schema.Protocol, msg Message, in any) error {
	if op.Input == schema.None {
		return nil
	}
	s := m.Shape(op.Input)
	v := reflect.ValueOf(in).Elem()
	for i := range s.Members {
		if err := bindMember(m, &s.Members[i], msg, v.Field(i)); err != nil {
			return err
		}
	}
	if s.Payload > 0 {
		return decodePayload(m, &s.Members[s.Payload-1], p, msg, v.Field(s.Payload-1))
	}
	if p == schema.RESTXML {
		return DecodeXML(m, op.Input, msg.Body, in)
	}
	return DecodeJSON(m, op.Input, msg.Body, in)
}

func bindMember(m *schema.Model, mb *schema.Member, msg Message, f reflect.Value) error {
	sh := m.Shape(mb.Shape)
	switch mb.In {
	case schema.Path:
		if text, ok := msg.Labels[mb.Wire]; ok {
			return setMember(sh, timeFormat(mb, sh, schema.ISO8601), f, mb.Wire, text)
		}
	case schema.Header:
		if vs := msg.Header.Values(mb.Wire); len(vs) > 0 {
			if sh.Kind == schema.List {
				return setList(m, sh, f, mb.Wire, splitHeader(vs))
			}
			return setMember(sh, timeFormat(mb, sh, schema.RFC822), f, mb.Wire, vs[0])
		}
	case schema.Headers:
		out := map[string]string{}
		prefix := http.CanonicalHeaderKey(mb.Wire)
		for k, vs := range msg.Header {
			if strings.HasPrefix(k, prefix) && len(k) > len(prefix) {
				out[strings.ToLower(k[len(prefix):])] = strings.Join(vs, ",")
			}
		}
		if len(out) > 0 {
			f.Set(reflect.ValueOf(out))
		}
	case schema.Query:
		return bindQuery(m, mb, sh, msg.Query, f)
	}
	return nil
}

func bindQuery(m *schema.Model, mb *schema.Member, sh *schema.Shape, q url.Values, f reflect.Value) error {
	switch sh.Kind {
	case schema.Map: // every parameter that is not bound by name
		out := reflect.MakeMap(f.Type())
		for k, vs := range q {
			if f.Type().Elem().Kind() == reflect.Slice {
				out.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(vs))
			} else if len(vs) > 0 {
				out.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(vs[0]))
			}
		}
		f.Set(out)
		return nil
	case schema.List:
		if vs, ok := q[mb.Wire]; ok {
			return setList(m, sh, f, mb.Wire, vs)
		}
		return nil
	}
	if vs, ok := q[mb.Wire]; ok && len(vs) > 0 {
		return setMember(sh, timeFormat(mb, sh, schema.ISO8601), f, mb.Wire, vs[0])
	}
	return nil
}

func splitHeader(vs []string) []string {
	var out []string
	for _, v := range vs {
		for part := range strings.SplitSeq(v, ",") {
			out = append(out, strings.TrimSpace(part))
		}
	}
	return out
}

func setMember(s *schema.Shape, tf schema.TimeFormat, f reflect.Value, name, text string) error {
	if f.Kind() != reflect.Pointer {
		return setText(s, tf, f, name, text)
	}
	n := reflect.New(f.Type().Elem())
	if err := setText(s, tf, n.Elem(), name, text); err != nil {
		return err
	}
	f.Set(n)
	return nil
}

func setList(m *schema.Model, s *schema.Shape, f reflect.Value, name string, texts []string) error {
	out := reflect.MakeSlice(f.Type(), len(texts), len(texts))
	elem := m.Shape(s.Elem)
	for i, text := range texts {
		if err := setText(elem, elem.Time, out.Index(i), name, text); err != nil {
			return err
		}
	}
	f.Set(out)
	return nil
}

func decodePayload(m *schema.Model, mb *schema.Member, p schema.Protocol, msg Message, f reflect.Value) error {
	s := m.Shape(mb.Shape)
	switch s.Kind {
	case schema.Stream:
		if msg.Stream != nil {
			f.Set(reflect.ValueOf(msg.Stream))
		}
	case schema.Blob:
		if len(msg.Body) > 0 {
			f.SetBytes(msg.Body)
		}
	case schema.String:
		if len(msg.Body) > 0 {
			text := string(msg.Body)
			f.Set(reflect.ValueOf(&text))
		}
	case schema.Structure:
		if len(msg.Body) == 0 {
			return nil
		}
		n := reflect.New(f.Type().Elem())
		var err error
		if p == schema.RESTXML {
			err = DecodeXML(m, mb.Shape, msg.Body, n.Interface())
		} else {
			err = DecodeJSON(m, mb.Shape, msg.Body, n.Interface())
		}
		if err != nil {
			return err
		}
		f.Set(n)
	default:
		return errorf("payload %s cannot be read", mb.Name)
	}
	return nil
}

// Response is an encoded REST response.
type Response struct {
	Status      int
	ContentType string // "" for none
	Body        []byte
	Stream      io.ReadCloser // set instead of Body for streaming payloads
}

// EncodeREST writes out's header members into h and returns the rest.
func EncodeREST(m *schema.Model, op *schema.Op, p schema.Protocol, out any, h http.Header) Response {
	r := Response{Status: op.Status}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	if op.Output == schema.None {
		return r
	}
	s := m.Shape(op.Output)
	v := reflect.ValueOf(out).Elem()
	body := false
	for i := range s.Members {
		mb := &s.Members[i]
		f := v.Field(i)
		if mb.In == schema.Body {
			body = true
			continue
		}
		if !absent(f) {
			setHeader(m, mb, f, h, &r)
		}
	}
	if s.Payload > 0 {
		encodePayload(m, &s.Members[s.Payload-1], p, v.Field(s.Payload-1), &r)
		return r
	}
	switch {
	case p == schema.RESTXML && body:
		r.ContentType = "application/xml"
		r.Body = AppendXML([]byte(xmlHeader), m, op.Output, "", m.Namespace, out)
	case p == schema.RESTJSON && r.Status != http.StatusNoContent:
		r.ContentType = "application/json"
		r.Body = AppendJSON(nil, m, op.Output, out)
	}
	return r
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func setHeader(m *schema.Model, mb *schema.Member, f reflect.Value, h http.Header, r *Response) {
	if f.Kind() == reflect.Pointer {
		f = f.Elem()
	}
	s := m.Shape(mb.Shape)
	switch mb.In {
	case schema.Status:
		r.Status = int(f.Int())
	case schema.Headers:
		for _, k := range sortedKeys(f) {
			h.Set(mb.Wire+k, f.MapIndex(reflect.ValueOf(k)).String())
		}
	case schema.Header:
		if s.Kind == schema.List {
			elem := m.Shape(s.Elem)
			parts := make([]string, f.Len())
			for i := range parts {
				parts[i] = textOf(elem, schema.RFC822, f.Index(i))
			}
			h.Set(mb.Wire, strings.Join(parts, ","))
			return
		}
		if s.Kind == schema.Blob {
			h.Set(mb.Wire, base64.StdEncoding.EncodeToString(f.Bytes()))
			return
		}
		h.Set(mb.Wire, textOf(s, timeFormat(mb, s, schema.RFC822), f))
	}
}

func encodePayload(m *schema.Model, mb *schema.Member, p schema.Protocol, f reflect.Value, r *Response) {
	if absent(f) {
		return
	}
	s := m.Shape(mb.Shape)
	switch s.Kind {
	case schema.Stream:
		r.Stream = f.Interface().(io.ReadCloser)
		r.ContentType = "application/octet-stream"
	case schema.Blob:
		r.Body = f.Bytes()
		r.ContentType = "application/octet-stream"
	case schema.String:
		r.Body = []byte(f.Elem().String())
		r.ContentType = "text/plain"
	case schema.Structure:
		if p == schema.RESTXML {
			r.ContentType = "application/xml"
			r.Body = AppendXML([]byte(xmlHeader), m, mb.Shape, mb.Wire, mb.Namespace, f.Interface())
			return
		}
		r.ContentType = "application/json"
		r.Body = AppendJSON(nil, m, mb.Shape, f.Interface())
	}
}
