package sources

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/pattern"
)

// filter says which records a function is given: those that one of its patterns
// matches, each record for itself. A nil filter takes all.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type filter []rule

type rule struct {
	*pattern.Pattern
	json bool // it is about what is in a body, which a text does not have
}

// filterOf compiles the patterns of a mapping.
func filterOf(m *Mapping) (filter, error) {
	var f filter
	for _, text := range m.Filters {
		p, err := pattern.Compile([]byte(text), pattern.Lambda)
		if err != nil {
			return nil, fmt.Errorf("sources: filters of %s: %w", m.ID, err)
		}
		var of struct{ Body json.RawMessage }
		f = append(f, rule{p, json.Unmarshal([]byte(text), &of) == nil && bytes.HasPrefix(of.Body, []byte("{"))})
	}
	return f, nil
}

// takes reports whether a record goes to the function.
func (f filter) takes(r *Record) bool {
	if f == nil {
		return true
	}
	return f.matches(r.Event, true)
}

// takesMessage reports whether a queue's message goes to the function. Its body is
// matched as JSON if it is an object or a list, else as a text.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func (f filter) takesMessage(m *Message) bool {
	if f == nil {
		return true
	}
	body := strings.TrimLeft(m.Body, " \t\r\n")
	if !strings.HasPrefix(body, "{") && !strings.HasPrefix(body, "[") || !json.Valid([]byte(body)) {
		return f.matches(m.Event, false)
	}
	var event map[string]json.RawMessage
	if json.Unmarshal(m.Event, &event) != nil {
		return false
	}
	event["body"] = json.RawMessage(body)
	b, err := json.Marshal(event)
	return err == nil && f.matches(b, true)
}

// matches reports whether an event matches, whose body is JSON or not.
func (f filter) matches(raw []byte, json bool) bool {
	event, err := pattern.Parse(raw)
	if err != nil {
		return false // a source makes JSON
	}
	for _, p := range f {
		if (json || !p.json) && p.Matches(event) {
			return true
		}
	}
	return false
}
