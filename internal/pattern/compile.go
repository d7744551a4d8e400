package pattern

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	// maxCombinations is how many combinations the $ors of a rule may make.
	maxCombinations = 1000
	// An SNS filter policy's limits.
	// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
	maxPolicySize   = 256 << 10
	maxPolicyKeys   = 5
	maxPolicyValues = 150
)

// compiler reads a pattern and makes its combinations.
type compiler struct {
	scanner
	dialect Dialect
	path    []string
}

// draft is a combination that is being made: its terms by their paths. A path
// that comes again replaces the one before.
type draft []term

func (c *compiler) isSNS() bool { return c.dialect == SNSBody || c.dialect == SNSAttributes }

func (c *compiler) compile() (*Pattern, error) {
	fail := func(reason string) (*Pattern, error) { return nil, &Error{Dialect: c.dialect, Reason: reason} }
	if c.isSNS() && len(c.src) > maxPolicySize {
		return fail("Filter policy is too long")
	}
	if err := c.next(); err != nil {
		return fail(c.syntax(err))
	}
	if c.kind != objectStart {
		return fail(reason(c.failHere("Filter is not an object")))
	}
	drafts, err := c.object(nil, false)
	if err == nil {
		err = c.end()
	}
	switch {
	case err == nil:
	case c.isSNS() && c.isEmpty():
		return &Pattern{combinations: []combination{nil}}, nil // it lets everything through
	default:
		return fail(c.syntax(err))
	}
	p := &Pattern{}
	for _, d := range drafts {
		p.combinations = append(p.combinations, combination(d))
	}
	if why := c.exceeds(p); why != "" {
		return fail(why)
	}
	return p, nil
}

// syntax is the reason of an error. Of what is no JSON at all, SNS says so first,
// and does not show it.
func (c *compiler) syntax(err error) string {
	if c.isSNS() && !json.Valid(c.src) {
		return "failed to parse JSON. " + strings.Replace(reason(err), c.source(), "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)", 1)
	}
	return reason(err)
}

// isEmpty reports whether the document is {}.
func (c *compiler) isEmpty() bool { return strings.Join(strings.Fields(string(c.src)), "") == "{}" }

// exceeds says which limit of the dialect the pattern exceeds.
func (c *compiler) exceeds(p *Pattern) string {
	if !c.isSNS() {
		return ""
	}
	keys := make(map[string]bool)
	values := 0
	for _, combination := range p.combinations {
		product := 1
		for i := range combination {
			t := &combination[i]
			keys[t.key()] = true
			product *= t.size * t.depth
			if product > maxPolicyValues {
				return "Filter policy is too complex"
			}
		}
		values += product
	}
	switch {
	case len(keys) > maxPolicyKeys:
		return "Filter policy can not have more than 5 keys"
	case values > maxPolicyValues:
		return "Filter policy is too complex"
	}
	return ""
}

// key is the top-level key of the pattern that a term is of.
func (t *term) key() string {
	if t.depth == 1 {
		return t.path
	}
	key, _, _ := strings.Cut(t.path, ".")
	return key
}

// object reads an object, whose opening brace has been read, into the drafts.
func (c *compiler) object(drafts []draft, inOr bool) ([]draft, error) {
	if len(c.path) > maxDepth {
		return nil, c.failHere("The pattern is nested too deep")
	}
	for first := true; ; first = false {
		name, more, err := c.name(first)
		if err != nil {
			return nil, err
		}
		if !more {
			if first {
				return nil, c.failHere("Empty objects are not allowed")
			}
			return drafts, nil
		}
		if err := c.next(); err != nil {
			return nil, err
		}
		switch {
		case name == "$or":
			drafts, err = c.or(drafts)
		case inOr && isReserved(name):
			err = c.failHere("%s is Ruler reserved fieldName which cannot be used inside $or.", name)
		case c.kind == objectStart && c.dialect == SNSAttributes:
			return nil, &syntaxError{nested}
		case c.kind == objectStart:
			c.path = append(c.path, name)
			drafts, err = c.object(drafts, inOr)
			if err == nil {
				c.path = c.path[:len(c.path)-1]
			}
		case c.kind == arrayStart:
			var t term
			if t, err = c.term(name); err == nil {
				drafts = addTerm(drafts, t)
			}
		default:
			err = c.failHere(`"%s" must be an object or an array`, name)
		}
		if err != nil {
			return nil, err
		}
	}
}

// addTerm adds a term to all drafts, of which there is at least one.
func addTerm(drafts []draft, t term) []draft {
	if len(drafts) == 0 {
		drafts = []draft{nil}
	}
	for i, d := range drafts {
		if at := slices.IndexFunc(d, func(o term) bool { return o.path == t.path }); at >= 0 {
			d[at] = t
		} else {
			drafts[i] = append(d, t)
		}
	}
	return drafts
}

// or reads the array of $or: each of its objects continues all drafts.
func (c *compiler) or(drafts []draft) ([]draft, error) {
	if c.kind != arrayStart {
		return nil, c.failHere("It must be an Array followed with $or.")
	}
	if len(drafts) == 0 {
		drafts = []draft{nil}
	}
	var out []draft
	n := 0
	for {
		more, err := c.item(n == 0)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		n++
		if c.kind != objectStart {
			return nil, c.failHere("Only JSON object is allowed in array of $or relationship.")
		}
		copies := make([]draft, len(drafts))
		for i, d := range drafts {
			copies[i] = slices.Clone(d)
		}
		continued, err := c.object(copies, true)
		if err != nil {
			return nil, err
		}
		if out = append(out, continued...); len(out) > maxCombinations {
			return nil, &syntaxError{"Rule is too complex - the $or relationships make more than 1000 combinations"}
		}
	}
	if n < 2 {
		return nil, c.failHere("There must have at least 2 Objects in $or relationship.")
	}
	return out, nil
}

// isReserved reports whether a name cannot be a field's inside of $or.
func isReserved(name string) bool {
	switch name {
	case "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
		"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
		"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
		"ip-address-in-range", "ip-address-not-in-range":
		return true
	}
	return false
}

// term reads the alternatives of a field, whose opening bracket has been read.
func (c *compiler) term(name string) (term, error) {
	t := term{path: name, depth: len(c.path) + 1}
	if len(c.path) > 0 {
		t.path = strings.Join(c.path, ".") + "." + name
	}
	for first := true; ; first = false {
		more, err := c.item(first)
		if err != nil {
			return t, err
		}
		if !more {
			if first {
				return t, c.failHere("Empty arrays are not allowed")
			}
			return t, nil
		}
		t.size++
		if err := c.alternative(&t); err != nil {
			return t, err
		}
	}
}

// alternative reads one alternative of a field, whose first token has been read.
func (c *compiler) alternative(t *term) error {
	switch c.kind {
	case str:
		text, err := c.text()
		if err != nil {
			return err
		}
		t.addText(text)
		return nil
	case number, yes, no, null:
		text, err := c.text()
		if err != nil {
			return err
		}
		t.others = append(t.others, newExact(c.kind, text))
		return nil
	case objectStart:
		return c.expression(t)
	}
	return c.failHere("Match value must be String, number, true, false, or null")
}

func (t *term) addText(text string) {
	if t.texts == nil {
		t.texts = make(map[string]struct{})
	}
	t.texts[text] = struct{}{}
}
