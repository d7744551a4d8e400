package cloudwatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ruleNode is a composite alarm's rule: a state of an alarm, a constant, or an
// operator over others.
//
//	ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c))
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
type ruleNode struct {
	op    string // AND, OR, NOT, TRUE, FALSE, or a state
	alarm string
	of    []*ruleNode
}

const (
	maxRuleDepth = 100
	maxChildren  = 100
)

// parseRule reads a rule.
func parseRule(text string) (*ruleNode, error) {
	p := &ruleParser{in: text}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.in != "" {
		return nil, fmt.Errorf("unexpected %q", p.in)
	}
	if len(n.alarms(nil)) > maxChildren {
		return nil, fmt.Errorf("it names more than %d alarms", maxChildren)
	}
	return n, nil
}

type ruleParser struct {
	in    string
	depth int
}

func (p *ruleParser) space() { p.in = strings.TrimLeft(p.in, " \t\r\n") }

// word takes a word of letters if it is next.
func (p *ruleParser) word(w string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.in, w)
	if !ok || rest != "" && (rest[0] == '_' || rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] >= 'a' && rest[0] <= 'z') {
		return false
	}
	p.in = rest
	return true
}

func (p *ruleParser) or() (*ruleNode, error)  { return p.chain("OR", p.and) }
func (p *ruleParser) and() (*ruleNode, error) { return p.chain("AND", p.not) }

func (p *ruleParser) chain(op string, next func() (*ruleNode, error)) (*ruleNode, error) {
	n, err := next()
	for err == nil && p.word(op) {
		var b *ruleNode
		if b, err = next(); err == nil {
			n = &ruleNode{op: op, of: []*ruleNode{n, b}}
		}
	}
	return n, err
}

func (p *ruleParser) not() (*ruleNode, error) {
	if p.depth++; p.depth > maxRuleDepth {
		return nil, errors.New("it is nested too deep")
	}
	defer func() { p.depth-- }()
	if p.word("NOT") {
		n, err := p.not()
		return &ruleNode{op: "NOT", of: []*ruleNode{n}}, err
	}
	for _, c := range [...]string{"TRUE", "FALSE"} {
		if p.word(c) {
			return &ruleNode{op: c}, nil
		}
	}
	for _, s := range [...]string{stateAlarm, stateOK, stateInsufficient} {
		if p.word(s) {
			return p.state(s)
		}
	}
	p.space()
	if !strings.HasPrefix(p.in, "(") {
		return nil, fmt.Errorf("a state of an alarm is expected before %q", p.in)
	}
	p.in = p.in[1:]
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	return n, p.close()
}

func (p *ruleParser) close() error {
	if p.space(); !strings.HasPrefix(p.in, ")") {
		return fmt.Errorf("a closing parenthesis is expected before %q", p.in)
	}
	p.in = p.in[1:]
	return nil
}

// state takes ("name") or (name), by name or ARN.
func (p *ruleParser) state(state string) (*ruleNode, error) {
	if p.space(); !strings.HasPrefix(p.in, "(") {
		return nil, fmt.Errorf("a parenthesis is expected after %s", state)
	}
	p.in = p.in[1:]
	p.space()
	var name string
	if q := p.in; q != "" && (q[0] == '"' || q[0] == '\'') {
		end := strings.IndexByte(q[1:], q[0])
		if end < 0 {
			return nil, errors.New("a name has no closing quotation mark")
		}
		name, p.in = q[1:end+1], q[end+2:]
	} else {
		end := strings.IndexByte(q, ')')
		if end < 0 {
			return nil, fmt.Errorf("a closing parenthesis is expected after %q", q)
		}
		name, p.in = strings.TrimSpace(q[:end]), q[end:]
	}
	if name = alarmName(name); name == "" {
		return nil, fmt.Errorf("%s names no alarm", state)
	}
	return &ruleNode{op: state, alarm: name}, p.close()
}

// alarms appends the names of the alarms of a rule, each once.
func (n *ruleNode) alarms(to []string) []string {
	if n.alarm != "" && !slices.Contains(to, n.alarm) {
		to = append(to, n.alarm)
	}
	for _, o := range n.of {
		to = o.alarms(to)
	}
	return to
}

// holds evaluates a rule over the states of its alarms.
func (n *ruleNode) holds(state func(alarm string) string) bool {
	switch n.op {
	case "AND":
		return n.of[0].holds(state) && n.of[1].holds(state)
	case "OR":
		return n.of[0].holds(state) || n.of[1].holds(state)
	case "NOT":
		return !n.of[0].holds(state)
	case "TRUE", "FALSE":
		return n.op == "TRUE"
	}
	return state(n.alarm) == n.op
}

// children are the alarms on which a composite alarm depends.
func (c *compositeRow) children() []string {
	var names []string
	if n, err := parseRule(c.Rule); err == nil {
		names = n.alarms(nil)
	}
	if c.Suppressor != "" && !slices.Contains(names, c.Suppressor) {
		names = append(names, c.Suppressor)
	}
	return names
}
