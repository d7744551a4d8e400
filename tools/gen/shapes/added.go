package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// add puts into the model what AWS has added to the API since the models were
// frozen: added/<service>.json has shapes in their form, written from the API
// reference. A shape that the model has gets the further members, and a pattern
// in place of its own; another is new. A service without the file has nothing added.
func (m *model) add(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var more struct {
		Shapes map[string]*shape `json:"shapes"`
	}
	if err := json.Unmarshal(text, &more); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for name, s := range more.Shapes {
		if err := s.read(); err != nil {
			return fmt.Errorf("%s: shape %s: %w", path, name, err)
		}
		have := m.Shapes[name]
		if have == nil {
			m.Shapes[name] = s
			continue
		}
		if s.Pattern != "" {
			have.Pattern = s.Pattern
		}
		for _, member := range s.order {
			if _, ok := have.members[member]; ok {
				return fmt.Errorf("%s: shape %s has the member %s in the model", path, name, member)
			}
			have.members[member] = s.members[member]
			have.order = append(have.order, member)
		}
	}
	return nil
}
