package policy

import (
	"fmt"
	"strings"
)

const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse reads a policy document and compiles it for the part that it is to
// play. It fails with an [*Error], which carries IAM's message. The checks
// come in IAM's order, because IAM reports only the first stage that fails.
func Parse(k Kind, document string) (*Doc, error) {
	if k != Resource && k != Key && strings.TrimLeft(document, " \t\r\n") != document {
		return nil, &Error{Message: msgLeadingSpace}
	}
	root, err := readJSON([]byte(document))
	if err != nil {
		return nil, &Error{Message: msgSyntax, Detail: err.Error()}
	}
	p := parser{kind: k, document: document}
	if err := p.syntax(&root); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

// A parser holds a document between the stages of its checks.
type parser struct {
	kind     Kind
	document string
	doc      *Doc
	raw      []rawStatement
}

// A rawStatement keeps the strings of a statement for the checks that come
// after syntax.
type rawStatement struct {
	effect       string
	sid          string
	actions      []string // nil when the element is missing
	resources    []string
	actionsIn    string // "Action" or "NotAction"
	resourcesIn  string
	principal    *node
	principalIn  string
	conditions   *node
	hasResources bool
	hasActions   bool
}

// syntax reads the elements and checks their types. Whatever is wrong here is
// "Syntax errors in policy." to IAM; the details are ours.
func (p *parser) syntax(root *node) error {
	fail := func(field, detail string, args ...any) error {
		return &Error{Message: msgSyntax, Field: field, Detail: fmt.Sprintf(detail, args...)}
	}
	if root.kind != isObject {
		return fail("", "the document is not an object")
	}
	p.doc = &Doc{kind: p.kind}
	var statements *node
	for i := range root.members {
		m := &root.members[i]
		v := &m.value
		switch m.name {
		case "Version":
			if v.kind != isString || v.text != version2008 && v.text != version2012 {
				return fail(m.name, "a version is %q or %q", version2012, version2008)
			}
			p.doc.version = v.text
		case "Id":
			if v.kind != isString {
				return fail(m.name, "not a string")
			}
			p.doc.id = v.text
		case "Statement":
			statements = v
		default:
			return fail(m.name, "a policy has no such element")
		}
	}
	switch {
	case statements == nil:
		return fail("Statement", "is missing")
	case statements.kind == isObject:
		return p.statement(1, statements)
	case statements.kind != isArray:
		return fail("Statement", "neither an object nor an array")
	case len(statements.list) == 0:
		return fail("Statement", "is empty")
	}
	for i := range statements.list {
		if err := p.statement(i+1, &statements.list[i]); err != nil {
			return err
		}
	}
	return nil
}

// statement reads the elements of statement number i.
func (p *parser) statement(i int, n *node) error {
	fail := func(field, detail string, args ...any) error {
		return &Error{Message: msgSyntax, Statement: i, Field: field, Detail: fmt.Sprintf(detail, args...)}
	}
	if n.kind != isObject {
		return fail("", "not an object")
	}
	var s rawStatement
	hasEffect := false
	for j := range n.members {
		m := &n.members[j]
		v := &m.value
		list, isList := v.strings(false)
		switch m.name {
		case "Sid":
			if v.kind != isString {
				return fail(m.name, "not a string")
			}
			s.sid = v.text
		case "Effect":
			if v.kind != isString || !strings.EqualFold(v.text, "Allow") && !strings.EqualFold(v.text, "Deny") {
				return fail(m.name, `is "Allow" or "Deny"`)
			}
			s.effect, hasEffect = v.text, true
		case "Action", "NotAction":
			if !isList {
				return fail(m.name, "neither a string nor an array of strings")
			}
			if s.hasActions {
				return fail(m.name, "a statement has Action or NotAction, not both")
			}
			s.actions, s.actionsIn, s.hasActions = list, m.name, true
		case "Resource", "NotResource":
			if !isList {
				return fail(m.name, "neither a string nor an array of strings")
			}
			if s.hasResources {
				return fail(m.name, "a statement has Resource or NotResource, not both")
			}
			s.resources, s.resourcesIn, s.hasResources = list, m.name, true
		case "Principal", "NotPrincipal":
			if s.principal != nil {
				return fail(m.name, "a statement has Principal or NotPrincipal, not both")
			}
			if err := checkPrincipal(v); err != "" {
				return fail(m.name, "%s", err)
			}
			s.principal, s.principalIn = v, m.name
		case "Condition":
			if err := checkCondition(v); err != "" {
				return fail(m.name, "%s", err)
			}
			s.conditions = v
		default:
			return fail(m.name, "a statement has no such element")
		}
	}
	if !hasEffect {
		return fail("Effect", "is missing")
	}
	p.raw = append(p.raw, s)
	p.doc.statements = append(p.doc.statements, Statement{sid: s.sid, text: p.document[n.from:n.to]})
	return nil
}

// checkPrincipal returns what is wrong with the form of a Principal element.
func checkPrincipal(n *node) string {
	if n.kind == isString {
		if n.text != "*" {
			return `a string can only be "*"`
		}
		return ""
	}
	if n.kind != isObject {
		return `neither "*" nor an object`
	}
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return fmt.Sprintf("%q is not AWS, Service, Federated or CanonicalUser", m.name)
		}
		if _, ok := m.value.strings(true); !ok { // an account number may lack its quotes
			return m.name + " is neither a string nor an array of strings"
		}
	}
	return ""
}

// checkCondition returns what is wrong with the form of a Condition element.
func checkCondition(n *node) string {
	if n.kind != isObject {
		return "not an object"
	}
	for i := range n.members {
		op := &n.members[i]
		if op.value.kind != isObject {
			return op.name + " is not an object of keys and values"
		}
		for j := range op.value.members {
			key := &op.value.members[j]
			if _, ok := key.value.strings(true); !ok {
				return op.name + ", " + key.name + ": neither a value nor an array of values"
			}
		}
		_, base, ifExists := splitOperator(op.name)
		if o, ok := operatorNamed(base); (!ok || o.null && ifExists) && len(op.value.members) > 0 {
			return fmt.Sprintf("%q is not an operator", op.name)
		}
	}
	return ""
}
