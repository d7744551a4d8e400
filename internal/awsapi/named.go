package awsapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/fault"
)

// Named finds an operation by the names that AWS's SDKs have for it, such as
// "sqs" and "sendMessage". Capitals do not count. The error, in AWS's terms, says
// why there is no such operation here.
func (f *Front) Named(service, operation string) (*schema.Model, *schema.Op, error) {
	id := sdkService(strings.ToLower(service))
	for _, s := range f.services {
		if s.Model.ID != id {
			continue
		}
		for i := range s.Model.Ops {
			op := &s.Model.Ops[i]
			switch {
			case !strings.EqualFold(op.Name, operation):
			case s.handler(op) == nil:
				return nil, nil, f.missing(s, op)
			default:
				return s.Model, op, nil
			}
		}
		return nil, nil, fault.Validation("%s has no operation %s", s.Model.FullName, operation)
	}
	return nil, nil, fault.Validation("%s is not a service that this cloud offers", service)
}

// sdkService is nube's name of a service from that of the SDKs.
func sdkService(name string) string {
	switch name {
	case "eventbridge":
		return "events"
	case "cloudwatchlogs":
		return "logs"
	}
	return name
}

// CallNamed calls an operation that is given by its names, with its input as
// JSON: the members of the API, in any capitals, of which bytes are text.
func (f *Front) CallNamed(ctx context.Context, service, operation string, input []byte) (out any, err error) {
	m, op, err := f.Named(service, operation)
	if err != nil {
		return nil, err
	}
	in := op.NewInput()
	if op.Input != schema.None {
		if err := decodeNamed(m, op.Input, input, in); err != nil {
			return nil, err
		}
	}
	return f.Call(ctx, m, op, in)
}

// decodeNamed reads an input all of whose members are in one JSON object,
// wherever they are in a request.
func decodeNamed(m *schema.Model, ref schema.Ref, input []byte, in any) error {
	d := json.NewDecoder(bytes.NewReader(input))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return fault.Validation("The input is not a JSON object: %s", err).Because(err)
	}
	whole := *m.Shape(ref)
	whole.Members = slices.Clone(whole.Members)
	for i := range whole.Members {
		whole.Members[i].In, whole.Members[i].Wire = schema.Body, whole.Members[i].Name
	}
	in2 := *m
	shapes := append(slices.Clone(m.Shapes.All()), whole)
	in2.Shapes = schema.NewTable(shapes)
	renamed, err := rename(&in2, &whole, doc, 0)
	if err != nil {
		return err
	}
	b, err := json.Marshal(renamed)
	if err != nil {
		return fmt.Errorf("input of %s: %w", whole.Name, err)
	}
	if err := wire.DecodeJSON(&in2, schema.Ref(len(shapes)-1), b, in); err != nil {
		return fault.New("SerializationException", "%s", err).Because(err)
	}
	return nil
}

// maxNamed bounds how deep an input may be nested.
const maxNamed = 64

// rename gives the members of a value the names that they have on the wire, and
// bytes the form.
func rename(m *schema.Model, s *schema.Shape, v any, depth int) (any, error) {
	if depth > maxNamed {
		return nil, fault.Validation("The input is nested deeper than %d levels", maxNamed)
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			name, shape := k, s.Elem
			if s.Kind == schema.Structure {
				i := slices.IndexFunc(s.Members, func(mb schema.Member) bool {
					return strings.EqualFold(mb.Name, k) || strings.EqualFold(mb.Wire, k)
				})
				if i < 0 {
					return nil, fault.Validation("%s has no member %s", s.Name, k)
				}
				name, shape = s.Members[i].Wire, s.Members[i].Shape
			} else if s.Kind != schema.Map {
				return v, nil // a custom value, or a mistake that decoding tells
			}
			r, err := rename(m, m.Shape(shape), member, depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = r
		}
		return out, nil
	case []any:
		if s.Kind != schema.List {
			return v, nil
		}
		out := make([]any, len(v))
		for i, elem := range v {
			r, err := rename(m, m.Shape(s.Elem), elem, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
		return out, nil
	case string:
		if s.Kind == schema.Blob || s.Kind == schema.Stream {
			return base64.StdEncoding.EncodeToString([]byte(v)), nil
		}
	}
	return v, nil
}
