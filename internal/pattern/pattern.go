package pattern

// Dialect is whose patterns they are.
type Dialect uint8

// The dialects.
const (
	EventBridge   Dialect = iota // rules of a bus
	Lambda                       // filters of event source mappings and pipes
	SNSBody                      // filter policies of scope MessageBody
	SNSAttributes                // filter policies of scope MessageAttributes
)

// Error is why a pattern is not one, in the words of the dialect's service.
type Error struct {
	Dialect Dialect
	// Reason is the part of the message that the parser gives, with the place.
	Reason string
}

// nested is the one refusal that SNS does not begin with the parameter's name.
const nested = "Filter policy scope MessageAttributes does not support nested filter policy"

// Error implements error.
func (e *Error) Error() string {
	switch e.Dialect {
	case EventBridge:
		return "Event pattern is not valid. Reason: " + e.Reason
	case Lambda:
		return "Invalid filter pattern definition. Reason: " + e.Reason
	}
	return "Invalid parameter: " + e.Parameter()
}

// Parameter is an SNS dialect's message without its first words, which depend on
// the operation: "FilterPolicy: …".
func (e *Error) Parameter() string {
	if e.Reason == nested {
		return nested
	}
	return "FilterPolicy: " + e.Reason
}

// Pattern is a compiled pattern.
type Pattern struct {
	combinations []combination // one of which must match
}

// combination is fields that must all match.
type combination []term

// term is a field and what it may be.
type term struct {
	path    string
	depth   int                 // names in the path, of the pattern's own
	size    int                 // alternatives
	texts   map[string]struct{} // strings that are accepted as they are
	others  []matcher           // whatever else is accepted
	absent  bool                // no field of the path is accepted too
	present bool                // any value is accepted
}

// Compile compiles a pattern. Its errors are of type [*Error].
func Compile(src []byte, d Dialect) (*Pattern, error) {
	c := &compiler{scanner: scanner{src: src}, dialect: d}
	p, err := c.compile()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Match reports whether an event, a JSON object, matches.
func (p *Pattern) Match(event []byte) bool {
	e, err := Parse(event)
	return err == nil && p.Matches(e)
}

// Matches is [Pattern.Match] of an event that was parsed before, as is done for
// many patterns.
func (p *Pattern) Matches(e *Event) bool {
	for _, c := range p.combinations {
		if c.matches(e) {
			return true
		}
	}
	return false
}

// matches reports whether the event has all fields, each with a value that is
// accepted, and all in the same objects of the arrays on the way.
func (c combination) matches(e *Event) bool {
	inArrays := false
	for i := range c {
		t := &c[i]
		found := false
		for f := e.first(t.path); f != nil; f = f.next {
			if !t.accepts(&f.value) {
				continue
			}
			found = true
			if f.in == nil {
				break
			}
			inArrays = true
		}
		if !found && !(t.absent && e.first(t.path) == nil) {
			return false
		}
	}
	return !inArrays || c.together(e)
}

func (t *term) accepts(v *value) bool {
	if t.present {
		return true
	}
	if v.kind == str {
		if _, ok := t.texts[v.text]; ok {
			return true
		}
	}
	for _, m := range t.others {
		if m.match(v) {
			return true
		}
	}
	return false
}

// together finds out whether the fields can be taken from one object of each
// array.
func (c combination) together(e *Event) bool {
	var all [][]*element
	for i := range c {
		t := &c[i]
		var ins []*element
		for f := e.first(t.path); f != nil; f = f.next {
			if t.accepts(&f.value) {
				if f.in == nil {
					ins = nil // it agrees with everything
					break
				}
				ins = append(ins, f.in)
			}
		}
		if len(ins) > 0 {
			all = append(all, ins)
		}
	}
	return agree(nil, all)
}
