package insights

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of an expression.
const maxDepth = 100

type parser struct {
	in    []token
	at    int
	depth int
}

func (p *parser) peek() token { return p.in[p.at] }

func (p *parser) next() token {
	t := p.in[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// sign takes a sign if it is next.
func (p *parser) sign(s string) bool {
	if t := p.peek(); t.kind == sign && t.text == s {
		p.at++
		return true
	}
	return false
}

// keyword takes a word if it is next, whatever its case.
func (p *parser) keyword(w string) bool {
	if t := p.peek(); t.kind == word && strings.EqualFold(t.text, w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) name() (string, error) {
	t := p.next()
	if t.kind != word {
		return "", invalid("the name of a field is expected, not %q", t.text)
	}
	return t.text, nil
}

// Parse reads a query.
func Parse(query string) (*Query, error) {
	if !utf8.ValidString(query) {
		return nil, invalid("the query is not text in UTF-8")
	}
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{in: tokens}
	q := &Query{}
	for {
		p.sign("|")
		if p.peek().kind == end {
			break
		}
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		q.commands = append(q.commands, c)
		if t := p.peek(); t.kind != end && t.text != "|" {
			return nil, invalid("unexpected %q", t.text)
		}
	}
	if len(q.commands) == 0 {
		return nil, invalid("it is empty")
	}
	return q, nil
}

func (p *parser) command() (command, error) {
	t := p.next()
	switch name := strings.ToLower(t.text); {
	case t.kind != word:
		return nil, invalid("a command is expected, not %q", t.text)
	case name == "fields":
		cs, err := p.columns()
		return fieldsCommand(cs), err
	case name == "display":
		cs, err := p.columns()
		return displayCommand(cs), err
	case name == "filter":
		e, err := p.expression()
		return filterCommand{e}, err
	case name == "parse":
		return p.parse()
	case name == "stats":
		return p.stats()
	case name == "sort":
		return p.sort()
	case name == "limit":
		n := p.next()
		if n.kind != number || n.num < 1 || n.num > maxRows {
			return nil, invalid("limit takes a number up to %d", maxRows)
		}
		return limitCommand(n.num), nil
	case name == "dedup":
		cs, err := p.columns()
		return dedupCommand(cs), err
	default:
		switch name {
		case "anomaly", "diff", "pattern", "unmask", "unnest", "source", "lookup", "join", "filterindex", "subqueries":
			return nil, invalid("%s is a command that nube does not offer", name)
		}
		return nil, invalid("there is no command %s", t.text)
	}
}

// column is an expression with the name under which it is shown.
type column struct {
	expr expr
	name string
}

func (p *parser) columns() ([]column, error) {
	var out []column
	for {
		start := p.at
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		c := column{e, p.spelled(start)}
		if p.keyword("as") {
			if c.name, err = p.name(); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
		if !p.sign(",") {
			return out, nil
		}
	}
}

// spelled is what was read since, as a name.
func (p *parser) spelled(start int) string {
	var b strings.Builder
	for _, t := range p.in[start:p.at] {
		switch {
		case t.kind == sign && t.text == ",":
			b.WriteString(", ")
		case t.kind == text:
			b.WriteString("'" + t.text + "'")
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}

// parse takes a field, what to find in it and, of a text with asterisks, the names.
func (p *parser) parse() (command, error) {
	c := parseCommand{of: field("@message")}
	if t := p.peek(); t.kind == word {
		p.at++
		c.of = field(t.text)
	}
	t := p.next()
	switch t.kind {
	case pattern:
		re, err := compile(t.text)
		if err != nil {
			return nil, err
		}
		c.re, c.names = re, re.SubexpNames()[1:]
		if len(c.names) == 0 {
			return nil, invalid("the regular expression of parse names no groups")
		}
		return c, nil
	case text:
	default:
		return nil, invalid("parse takes a text with asterisks or a regular expression")
	}
	var re strings.Builder
	re.WriteString("(?s)")
	parts := strings.Split(t.text, "*")
	for i, part := range parts {
		re.WriteString(regexp.QuoteMeta(part))
		if i < len(parts)-1 {
			re.WriteString("(.*?)")
		}
	}
	if strings.HasSuffix(t.text, "*") {
		re.WriteString("$")
	}
	c.re = regexp.MustCompile(re.String())
	if !p.keyword("as") {
		return nil, invalid("as is expected after the text of parse")
	}
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		if c.names = append(c.names, n); !p.sign(",") {
			break
		}
	}
	if len(c.names) != len(parts)-1 {
		return nil, invalid("parse has %d asterisks and %d names", len(parts)-1, len(c.names))
	}
	return c, nil
}

func (p *parser) sort() (command, error) {
	var c sortCommand
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		k := sortKey{expr: e}
		if p.keyword("desc") {
			k.down = true
		} else {
			p.keyword("asc")
		}
		if c = append(c, k); !p.sign(",") {
			return c, nil
		}
	}
}

func (p *parser) stats() (command, error) {
	var c statsCommand
	for {
		start := p.at
		a, err := p.aggregate()
		if err != nil {
			return nil, err
		}
		a.name = p.spelled(start)
		if p.keyword("as") {
			if a.name, err = p.name(); err != nil {
				return nil, err
			}
		}
		if c.aggregates = append(c.aggregates, a); !p.sign(",") {
			break
		}
	}
	if p.keyword("by") {
		var err error
		if c.by, err = p.columns(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (p *parser) aggregate() (aggregate, error) {
	name, err := p.name()
	if err != nil {
		return aggregate{}, err
	}
	a := aggregate{fn: strings.ToLower(name)}
	switch a.fn {
	case "count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "median", "earliest", "latest", "sortsfirst", "sortslast":
	default:
		return a, invalid("there is no function %s for stats", name)
	}
	if !p.sign("(") {
		return a, invalid("a parenthesis is expected after %s", name)
	}
	if p.sign(")") || p.sign("*") && p.sign(")") {
		if a.fn != "count" {
			return a, invalid("%s takes a field", name)
		}
		return a, nil
	}
	if a.of, err = p.expression(); err != nil {
		return a, err
	}
	if a.fn == "pct" {
		n := token{}
		if p.sign(",") {
			n = p.next()
		}
		if n.kind != number || n.num > 100 {
			return a, invalid("pct takes a field and a percentage")
		}
		a.percent = n.num
	}
	if !p.sign(")") {
		return a, invalid("a closing parenthesis is expected before %q", p.peek().text)
	}
	return a, nil
}
