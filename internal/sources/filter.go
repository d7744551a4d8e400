package sources

import (
	"fmt"

	"github.com/nube-run/nube/internal/pattern"
)

// filter says which records a function is given: those that one of its patterns
// matches, each record for itself. A nil filter takes all.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type filter []*pattern.Pattern

// filterOf compiles the patterns of a mapping.
func filterOf(m *Mapping) (filter, error) {
	var f filter
	for _, text := range m.Filters {
		p, err := pattern.Compile([]byte(text), pattern.Lambda)
		if err != nil {
			return nil, fmt.Errorf("sources: filters of %s: %w", m.ID, err)
		}
		f = append(f, p)
	}
	return f, nil
}

// takes reports whether a record goes to the function.
func (f filter) takes(r *Record) bool {
	if f == nil {
		return true
	}
	event, err := pattern.Parse(r.Event)
	if err != nil {
		return false // a source makes JSON
	}
	for _, p := range f {
		if p.Matches(event) {
			return true
		}
	}
	return false
}
