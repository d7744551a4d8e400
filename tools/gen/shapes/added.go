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
// in place of its own; another is new. Of an API that is spoken in the query
// protocol too and has a model of its JSON alone, it has what that needs: the names
// of elements, the name space, and whether results are wrapped. Of one that was
// spoken in the query protocol alone it has the protocol that came first since. A
// service without the file has nothing added.
func (m *model) add(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var more struct {
		Metadata struct {
			XMLNamespace       string          `json:"xmlNamespace"`
			ResultWrappers     bool            `json:"resultWrappers"`
			Protocol           string          `json:"protocol"`
			JSONVersion        string          `json:"jsonVersion"`
			TargetPrefix       string          `json:"targetPrefix"`
			AWSQueryCompatible json.RawMessage `json:"awsQueryCompatible"`
		} `json:"metadata"`
		Shapes map[string]*shape `json:"shapes"`
	}
	if err := json.Unmarshal(text, &more); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if ns := more.Metadata.XMLNamespace; ns != "" {
		m.Metadata.XMLNamespace = ns
	}
	if more.Metadata.Protocol != "" {
		m.Metadata.Protocol, m.Metadata.JSONVersion, m.Metadata.TargetPrefix = more.Metadata.Protocol, more.Metadata.JSONVersion, more.Metadata.TargetPrefix
		m.Metadata.AWSQueryCompatible = more.Metadata.AWSQueryCompatible
	}
	for name, op := range m.Operations {
		if more.Metadata.ResultWrappers && op.Output != nil {
			op.Output.ResultWrapper = name + "Result"
		}
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
		have.name(s)
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

// name takes the names that more gives elements.
func (s *shape) name(more *shape) {
	if more.LocationName != "" {
		s.LocationName = more.LocationName
	}
	for _, part := range [...]struct{ have, more *ref }{{s.Member, more.Member}, {s.Key, more.Key}, {s.Value, more.Value}} {
		if part.have != nil && part.more != nil && part.more.LocationName != "" {
			part.have.LocationName = part.more.LocationName
		}
	}
}
