package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Scope is where and when events happen.
type Scope struct {
	Account string
	Region  string
	Time    time.Time
}

// Sample is one kind of event.
type Sample struct {
	Name   string // "s3:put"
	About  string
	Page   string // where AWS documents it
	Params []Param

	make func(m *maker, set map[string]string) (any, error)
}

// Param is what can be said of an event.
type Param struct{ Name, Default, About string }

// All returns the samples, sorted by name.
func All() []Sample {
	all := slices.Concat(
		apiGateway(), httpAPI(), webSocket(), loadBalancer(), authorizers(), buckets(), topics(), queues(), tables(), kinesis(), firehose(), brokers(),
		eventBus(), logGroups(), alarms(), userPools(), receivedMail(), customResources(), secrets(), destinations(), cloudFront(), things(), graphQL(),
		configRules(), pipelines(),
	)
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// Find returns the sample with a name.
func Find(name string) (Sample, error) {
	all := All()
	i := slices.IndexFunc(all, func(s Sample) bool { return s.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	service, _, _ := strings.Cut(name, ":")
	var near []string
	for _, s := range all {
		if strings.HasPrefix(s.Name, service+":") {
			near = append(near, s.Name)
		}
	}
	if near == nil {
		return Sample{}, fmt.Errorf("there is no sample %q", name)
	}
	return Sample{}, fmt.Errorf("there is no sample %q; there are %s", name, strings.Join(near, ", "))
}

// Event makes the event, with values for parameters in place of their defaults.
func (s *Sample) Event(where Scope, set map[string]string) ([]byte, error) {
	for name := range set {
		if !slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name }) {
			var names []string
			for _, p := range s.Params {
				names = append(names, p.Name)
			}
			return nil, fmt.Errorf("%s has no parameter %s; it has %s", s.Name, name, strings.Join(names, ", "))
		}
	}
	event, err := s.make(&maker{Scope: where, name: s.Name}, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(event); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return b.Bytes(), nil
}

// define makes a sample of a function over its parameters: a struct whose fields
// are texts, whole numbers or booleans, with the tags default and about. A field
// is set by its name, in small letters.
func define[P any](name, page, about string, build func(m *maker, p P) any) Sample {
	ps := params(reflect.TypeFor[P]())
	return Sample{Name: name, About: about, Page: page, Params: ps, make: func(m *maker, set map[string]string) (any, error) {
		p := new(P)
		if err := fill(reflect.ValueOf(p).Elem(), ps, set); err != nil {
			return nil, err
		}
		event := build(m, *p)
		return event, m.err
	}}
}

// params are the parameters that a struct has.
func params(t reflect.Type) []Param {
	ps := make([]Param, t.NumField())
	for i := range ps {
		f := t.Field(i)
		ps[i] = Param{Name: strings.ToLower(f.Name), Default: f.Tag.Get("default"), About: f.Tag.Get("about")}
	}
	return ps
}

// fill sets the parameters, each to what is set or to its default.
func fill(v reflect.Value, ps []Param, set map[string]string) error {
	for i, p := range ps {
		text, ok := set[p.Name]
		if !ok {
			text = p.Default
		}
		if err := assign(v.Field(i), text); err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
	}
	return nil
}

func assign(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		v.SetInt(n)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	default:
		v.SetString(text)
	}
	return nil
}

// maker makes the parts of an event that nobody says. The first error that a
// parameter causes is kept.
type maker struct {
	Scope
	name string
	made int
	err  error
}

// hex returns n digits that no other part of the event has.
func (m *maker) hex(n int) string {
	var out strings.Builder
	for out.Len() < n {
		m.made++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", m.name, m.Time.UnixNano(), m.made))
		out.WriteString(hex.EncodeToString(sum[:]))
	}
	return out.String()[:n]
}

// uuid returns an id in the form of RFC 9562, version 4.
func (m *maker) uuid() string {
	h := m.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

// word returns n letters and digits.
func (m *maker) word(n int) string {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	var out strings.Builder
	for _, c := range []byte(m.hex(2 * n))[:n] {
		out.WriteByte(digits[int(c)%len(digits)])
	}
	return out.String()
}

// number returns n decimal digits, of which the first is none of zero.
func (m *maker) number(n int) string {
	var out strings.Builder
	for _, c := range []byte(m.hex(n)) {
		out.WriteByte('1' + c%9)
	}
	return out.String()
}

// arn names a resource in the scope.
func (m *maker) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + m.Region + ":" + m.Account + ":" + resource
}

// iso is the time with milliseconds.
func (m *maker) iso() string { return m.Time.UTC().Format("2006-01-02T15:04:05.000Z") }

// isoSeconds is the time in whole seconds.
func (m *maker) isoSeconds() string { return m.Time.UTC().Format("2006-01-02T15:04:05Z") }

// clf is the time as access logs have it.
func (m *maker) clf() string { return m.Time.UTC().Format("02/Jan/2006:15:04:05 -0700") }

// traceID is an X-Ray trace's id.
func (m *maker) traceID() string {
	return fmt.Sprintf("Root=1-%08x-%s", m.Time.Unix(), m.hex(24))
}

// json is a parameter that holds a JSON value of the type that T decodes.
func parsed[T any](m *maker, param, text string) (v T) {
	if err := json.Unmarshal([]byte(text), &v); err != nil && m.err == nil {
		m.err = fmt.Errorf("parameter %s: it is not the JSON that it should be: %w", param, err)
	}
	return v
}

// pairs reads "name=value,name=value", as --set takes it for maps.
func pairs(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			out[strings.TrimSpace(k)] = v
		}
	}
	return out
}
