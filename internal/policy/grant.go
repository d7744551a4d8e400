package policy

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Grant is a statement that allows: the one that was missing.
type Grant struct {
	Kind      Kind // the kind of policy into which it belongs
	Principal Principal
	SourceARN string // for a service principal: on whose behalf it acts
	Actions   []string
	Resources []string // empty in a trust policy
}

// GrantFor returns the smallest statement that would have allowed a request
// which was denied for want of an allow, and false when no statement helps:
// the request was allowed, or a statement denies it. More than one may be
// needed, for example by identity and boundary; then it is the one whose
// absence decided.
func GrantFor(r *Request, d Decision) (Grant, bool) {
	if d.Outcome != ImplicitDeny {
		return Grant{}, false
	}
	g := Grant{Kind: d.Kind, Actions: []string{r.Action}}
	if d.Kind != Trust {
		resource := r.Resource.String()
		if resource == "" {
			resource = "*"
		}
		g.Resources = []string{resource}
	}
	if d.Kind.hasPrincipal() {
		g.Principal = r.Principal
		if r.Principal.Issuer != "" { // the role outlives the session
			g.Principal = Principal{ARN: r.Principal.Issuer}
		}
		if v, ok := r.key("aws:sourcearn"); ok && v.single() && r.Principal.Service != "" {
			g.SourceARN = v.one
		}
	}
	return g, true
}

// Merge joins grants into as few statements as say exactly the same: first
// those for the same resources, then those for the same actions.
func Merge(grants []Grant) []Grant {
	merged := mergeBy(grants, func(g *Grant) (*[]string, *[]string) { return &g.Resources, &g.Actions })
	return mergeBy(merged, func(g *Grant) (*[]string, *[]string) { return &g.Actions, &g.Resources })
}

// mergeBy joins grants that agree in the list that by returns first, uniting
// the lists that it returns second.
func mergeBy(grants []Grant, by func(*Grant) (same, unite *[]string)) []Grant {
	var out []Grant
next:
	for _, g := range grants {
		g.Actions, g.Resources = sorted(g.Actions), sorted(g.Resources)
		same, add := by(&g)
		for i := range out {
			o := &out[i]
			if o.Kind != g.Kind || o.Principal != g.Principal || o.SourceARN != g.SourceARN {
				continue
			}
			if osame, unite := by(o); slices.Equal(*osame, *same) {
				*unite = sorted(append(*unite, *add...))
				continue next
			}
		}
		out = append(out, g)
	}
	return out
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

// statement returns the grant's elements in the order in which people write
// them.
func (g Grant) statement() []element {
	list := []element{{"Effect", []string{"Allow"}, nil}}
	if g.Kind.hasPrincipal() {
		name, value := "AWS", g.Principal.ARN.String()
		switch {
		case value != "":
		case g.Principal.Service != "":
			name, value = "Service", g.Principal.Service
		case g.Principal.Federated != "":
			name, value = "Federated", g.Principal.Federated
		default:
			value = "*"
		}
		list = append(list, element{"Principal", nil, []element{{name, []string{value}, nil}}})
	}
	list = append(list, element{"Action", g.Actions, nil})
	if len(g.Resources) > 0 {
		list = append(list, element{"Resource", g.Resources, nil})
	}
	if g.SourceARN != "" {
		list = append(list, element{"Condition", nil, []element{
			{"ArnEquals", nil, []element{{"aws:SourceArn", []string{g.SourceARN}, nil}}},
		}})
	}
	return list
}

// An element is a name with strings or with further elements.
type element struct {
	name   string
	values []string
	inner  []element
}

// JSON renders the statement as it is written in a policy document.
func (g Grant) JSON() string {
	var b strings.Builder
	writeJSON(&b, g.statement())
	return b.String()
}

func writeJSON(b *strings.Builder, list []element) {
	b.WriteByte('{')
	for i, e := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(e.name))
		b.WriteByte(':')
		switch {
		case e.inner != nil:
			writeJSON(b, e.inner)
		case len(e.values) == 1:
			b.WriteString(quote(e.values[0]))
		default:
			b.WriteByte('[')
			for j, v := range e.values {
				if j > 0 {
					b.WriteByte(',')
				}
				b.WriteString(quote(v))
			}
			b.WriteByte(']')
		}
	}
	b.WriteByte('}')
}

// quote returns s as a JSON string, which is a YAML string too.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string always encodes
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// YAML renders the statement as an item of a YAML list, the way in which
// serverless.yml and CloudFormation templates hold it.
func (g Grant) YAML() string {
	var b strings.Builder
	writeYAML(&b, g.statement(), "  ")
	return "- " + strings.TrimPrefix(b.String(), "  ")
}

func writeYAML(b *strings.Builder, list []element, indent string) {
	for _, e := range list {
		b.WriteString(indent)
		b.WriteString(plain(e.name))
		b.WriteByte(':')
		switch {
		case e.inner != nil:
			b.WriteByte('\n')
			writeYAML(b, e.inner, indent+"  ")
		case len(e.values) == 1:
			b.WriteString(" " + plain(e.values[0]) + "\n")
		default:
			b.WriteByte('\n')
			for _, v := range e.values {
				b.WriteString(indent + "  - " + plain(v) + "\n")
			}
		}
	}
}

// plain returns s without quotes when YAML reads it as that string anyway. It
// knows only the safe half: names and ARNs begin with a letter.
func plain(s string) string {
	for i := 0; i < len(s); i++ {
		c := lower(s[i])
		letter := 'a' <= c && c <= 'z'
		safe := letter || i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("-_./:@", c) >= 0)
		if !safe {
			return quote(s)
		}
	}
	if s == "" || strings.HasSuffix(s, ":") || isYAMLWord(s) {
		return quote(s)
	}
	return s
}

// isYAMLWord reports whether YAML 1.1 or 1.2 reads s as something else than a
// string.
func isYAMLWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return true
	}
	return false
}
