// Package iamdata is AWS's Service Authorization Reference for the services
// that the platform offers: which actions there are, on which types of
// resource they work, and which condition keys they have.
//
// It describes what IAM knows, not what the platform implements, and it does
// not decide anything: that is package policy.
//
// The tables are generated (tools/gen/iamdata) and are text: sorted lines that
// a binary search goes through as they are. Nothing is built at start, and a
// program that does not ask pays only for the bytes in its file.
//
// Names of services, actions, resource types and keys are compared without
// regard to case, as IAM does.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
package iamdata

import (
	"iter"
	"strconv"
	"strings"
)

// A service is the generated tables of one service. Each is lines, sorted by
// their first column in lower case.
type service struct {
	name      string
	actions   string // name, level, resource types, set of keys, dependent actions
	resources string // name, ARN, set of keys
	keys      string // name, type
	sets      string // numbers of keys; the line's number is the number of the set
}

// A Level is what an action does, in the groups of the reference.
type Level byte

const (
	List        Level = 'L'
	Read        Level = 'R'
	Write       Level = 'W'
	Tagging     Level = 'T' // changes tags
	Permissions Level = 'P' // changes who may do what
)

// String returns the level's name in the reference.
func (l Level) String() string {
	switch l {
	case List:
		return "List"
	case Read:
		return "Read"
	case Write:
		return "Write"
	case Tagging:
		return "Tagging"
	case Permissions:
		return "Permissions management"
	}
	return ""
}

// Writes reports whether actions of the level change anything.
func (l Level) Writes() bool { return l == Write || l == Tagging || l == Permissions }

// An ActionInfo describes an action.
type ActionInfo struct {
	Service   string
	Name      string
	Level     Level
	Resources []ResourceUse // empty: the action works on "*" alone
	Keys      []string      // condition keys, whatever the resource
	Dependent []string      // actions that the caller must be allowed as well
}

// A ResourceUse is a resource type that an action works on.
type ResourceUse struct {
	Type     string
	Required bool
	Keys     []string // condition keys for resources of the type
}

// A ResourceType describes a type of resource.
type ResourceType struct {
	Service string
	Name    string
	ARN     string // with ${Variables}
	Keys    []string
}

// A Key describes a condition key. The name of one that takes a tag ends in
// "/${TagKey}" or "/<key>".
type Key struct {
	Name string
	Type string // String, ARN, Bool, Numeric, Date, IPAddress, Binary; or ArrayOf one of them
}

// Services returns the names of the services.
func Services() []string {
	names := make([]string, 0, len(services))
	for i := range services {
		if services[i].actions != "" {
			names = append(names, services[i].name)
		}
	}
	return names
}

// Action returns what there is to know about an action, for example
// Action("dynamodb", "PutItem").
func Action(service, name string) (ActionInfo, bool) {
	s := find(service)
	if s == nil {
		return ActionInfo{}, false
	}
	line, ok := search(s.actions, name)
	if !ok {
		return ActionInfo{}, false
	}
	return s.action(line), true
}

// Actions goes through the actions of a service.
func Actions(service string) iter.Seq[ActionInfo] {
	return func(yield func(ActionInfo) bool) {
		s := find(service)
		if s == nil {
			return
		}
		for line := range strings.Lines(s.actions) {
			if !yield(s.action(line)) {
				return
			}
		}
	}
}

// Resource returns a resource type of a service, for example
// Resource("dynamodb", "table").
func Resource(service, name string) (ResourceType, bool) {
	s := find(service)
	if s == nil {
		return ResourceType{}, false
	}
	line, ok := search(s.resources, name)
	if !ok {
		return ResourceType{}, false
	}
	return s.resource(line), true
}

// ResourceTypes returns the resource types of a service.
func ResourceTypes(service string) []ResourceType {
	s := find(service)
	if s == nil {
		return nil
	}
	var list []ResourceType
	for line := range strings.Lines(s.resources) {
		list = append(list, s.resource(line))
	}
	return list
}

// Pattern returns the type's ARN with wildcards in place of the variables,
// as the Resource element of a policy may hold it.
func (t ResourceType) Pattern() string {
	var b strings.Builder
	for rest := t.ARN; ; {
		head, tail, ok := strings.Cut(rest, "${")
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		b.WriteByte('*')
		if _, rest, ok = strings.Cut(tail, "}"); !ok {
			return b.String()
		}
	}
}

// ConditionKey returns a condition key of a service, or a global one. For a
// key that takes a tag, the name may hold the tag: "aws:ResourceTag/team".
func ConditionKey(service, name string) (Key, bool) {
	for _, s := range []string{service, "aws"} {
		s := find(s)
		if s == nil {
			continue
		}
		if line, ok := search(s.keys, name); ok {
			return key(line), true
		}
		base, _, ok := strings.Cut(name, "/")
		if !ok {
			continue
		}
		for line := range strings.Lines(s.keys) {
			k := key(line)
			if prefix, variable, ok := strings.Cut(k.Name, "/"); ok && strings.EqualFold(prefix, base) && strings.ContainsAny(variable, "$<") {
				return k, true
			}
		}
	}
	return Key{}, false
}

// GlobalKeys returns the condition keys that all services have.
func GlobalKeys() []Key {
	var list []Key
	for line := range strings.Lines(find("aws").keys) {
		list = append(list, key(line))
	}
	return list
}

func find(name string) *service {
	for i := range services {
		if strings.EqualFold(services[i].name, name) {
			return &services[i]
		}
	}
	return nil
}

// search finds the line whose first column is name, in any case, among lines
// that are sorted by it.
func search(table, name string) (string, bool) {
	lo, hi := 0, len(table)
	for lo < hi {
		mid := lo + (hi-lo)/2
		start := strings.LastIndexByte(table[:mid], '\n') + 1
		end := start + strings.IndexByte(table[start:], '\n')
		column, _, _ := strings.Cut(table[start:end], "\t")
		switch c := compareFold(name, column); {
		case c == 0:
			return table[start : end+1], true
		case c < 0:
			hi = start
		default:
			lo = end + 1
		}
	}
	return "", false
}

// compareFold compares ASCII text as if it were in lower case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		x, y := lower(a[i]), lower(b[i])
		if x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// next cuts the first column off a line.
func next(line *string) string {
	column, rest, _ := strings.Cut(strings.TrimSuffix(*line, "\n"), "\t")
	*line = rest
	return column
}

func (s *service) action(line string) ActionInfo {
	a := ActionInfo{Service: s.name, Name: next(&line)}
	a.Level = Level(next(&line)[0])
	if uses := next(&line); uses != "" {
		for u := range strings.SplitSeq(uses, ";") {
			name, set, _ := strings.Cut(u, ":")
			name, required := strings.CutSuffix(name, "!")
			a.Resources = append(a.Resources, ResourceUse{name, required, s.set(set)})
		}
	}
	a.Keys = s.set(next(&line))
	if deps := next(&line); deps != "" {
		a.Dependent = strings.Split(deps, ",")
	}
	return a
}

func (s *service) resource(line string) ResourceType {
	return ResourceType{Service: s.name, Name: next(&line), ARN: next(&line), Keys: s.set(next(&line))}
}

func key(line string) Key { return Key{Name: next(&line), Type: next(&line)} }

// set returns the names of the condition keys of a set.
func (s *service) set(number string) []string {
	if number == "" {
		return nil
	}
	var names []string
	for n := range strings.SplitSeq(nth(s.sets, number), ",") {
		line := nth(s.keys, n)
		names = append(names, next(&line))
	}
	return names
}

// nth returns a line by its number, which the generator wrote.
func nth(table, number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		panic("iamdata: broken table: " + err.Error())
	}
	for line := range strings.Lines(table) {
		if n == 0 {
			return strings.TrimSuffix(line, "\n")
		}
		n--
	}
	panic("iamdata: broken table: no line " + number)
}
