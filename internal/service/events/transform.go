package events

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
)

// input makes of an event what a target gets.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type input struct {
	fixed  []byte // Input
	path   path   // InputPath
	parts  []part // of an InputTemplate
	paths  map[string]path
	whole  bool // the event as it is
	isPath bool
}

// part is a piece of a template: text, or a variable.
type part struct {
	text     string
	variable string
	inString bool
}

// The variables that are there without being defined.
const (
	ruleARNVariable  = "aws.events.rule-arn"
	ruleNameVariable = "aws.events.rule-name"
	timeVariable     = "aws.events.event.ingestion-time"
	eventVariable    = "aws.events.event"      // without the detail
	jsonVariable     = "aws.events.event.json" // with it
)

func isReserved(variable string) bool {
	switch variable {
	case ruleARNVariable, ruleNameVariable, timeVariable, eventVariable, jsonVariable:
		return true
	}
	return false
}

// compile reads how the input of a target is made.
func (t *target) compile() (*outlet, error) {
	o := &outlet{target: *t}
	in := &o.input
	switch {
	case t.Input != nil:
		in.fixed = []byte(*t.Input)
	case t.InputPath != nil && *t.InputPath != "":
		p, err := parsePath(*t.InputPath)
		if err != nil {
			return nil, invalid("Invalid InputPath for target %s. Reason: %s", t.ID, err)
		}
		in.path, in.isPath = p, true
	case t.Transform != nil:
		if err := in.compileTemplate(t); err != nil {
			return nil, err
		}
	default:
		in.whole = true
	}
	return o, nil
}

func (in *input) compileTemplate(t *target) error {
	in.paths = make(map[string]path, len(t.Transform.Paths))
	for name, text := range t.Transform.Paths {
		p, err := parsePath(text)
		if err != nil {
			return invalid("Invalid InputPathsMap for target %s. Reason: %s", t.ID, err)
		}
		if strings.HasPrefix(strings.ToLower(name), "aws") {
			return invalid("Invalid InputPathsMap for target %s. Reason: the name %s is reserved.", t.ID, name)
		}
		in.paths[name] = p
	}
	in.parts = parseTemplate(t.Transform.Template)
	var sample strings.Builder
	for _, p := range in.parts {
		if _, known := in.paths[p.variable]; p.variable != "" && !known && !isReserved(p.variable) {
			return invalid("InputTemplate for target %s contains invalid placeholder %s.", t.ID, p.variable)
		}
		sample.WriteString(p.text)
		if p.variable != "" && !p.inString {
			sample.WriteString("0")
		}
	}
	// One JSON value, or several below each other: lines of text.
	d := json.NewDecoder(strings.NewReader(sample.String()))
	for n := 0; ; n++ {
		var v json.RawMessage
		switch err := d.Decode(&v); {
		case err == io.EOF && n > 0:
			return nil
		case err != nil:
			return invalid("Invalid InputTemplate for target %s : [%s].", t.ID, err)
		}
	}
}

// parseTemplate divides a template into text and variables.
func parseTemplate(text string) []part {
	var parts []part
	inString, from := false, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if inString {
				i++
			}
		case '"':
			inString = !inString
		case '<':
			end := strings.IndexByte(text[i:], '>')
			if end < 0 || !isVariable(text[i+1:i+end]) {
				continue
			}
			parts = append(parts, part{text: text[from:i]}, part{variable: text[i+1 : i+end], inString: inString})
			i += end
			from = i + 1
		}
	}
	return append(parts, part{text: text[from:]})
}

func isVariable(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// render makes what a target gets. The event as it is is the same slice for all
// targets.
func (in *input) render(e *event, r rule) []byte {
	switch {
	case in.whole:
		return e.json
	case in.fixed != nil:
		return in.fixed
	case in.isPath:
		v := in.path.find(e.json)
		if v == nil {
			return []byte("null")
		}
		return v
	}
	var b []byte
	for _, p := range in.parts {
		b = append(b, p.text...)
		if p.variable != "" {
			b = p.append(b, in.valueOf(p.variable, e, r))
		}
	}
	return b
}

// valueOf is the JSON of a variable; nil when the event has nothing there.
func (in *input) valueOf(variable string, e *event, r rule) []byte {
	switch variable {
	case ruleARNVariable:
		return wire.AppendString(nil, r.arn())
	case ruleNameVariable:
		return wire.AppendString(nil, r.name)
	case timeVariable:
		return wire.AppendString(nil, e.at.Time().Format(timeFormat))
	case jsonVariable:
		return e.json
	case eventVariable:
		return withoutDetail(e.json)
	}
	return in.paths[variable].find(e.json)
}

// withoutDetail is an event without its detail, which stands last.
func withoutDetail(event []byte) []byte {
	if i := bytes.Index(event, []byte(`,"detail":`)); i >= 0 {
		return append(append([]byte(nil), event[:i]...), '}')
	}
	return event
}

// append puts a value into the output. Outside of a string it is JSON. Inside of
// one a string is what it says, not escaped, and what is no string loses its
// quotes; what is not there is nothing.
func (p *part) append(b, v []byte) []byte {
	switch {
	case v == nil && p.inString:
		return b
	case v == nil:
		return append(b, `""`...)
	case !p.inString:
		return append(b, v...)
	case v[0] == '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return b
		}
		return append(b, s...)
	}
	return append(b, bytes.ReplaceAll(v, []byte(`"`), nil)...)
}
