package awstest

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Script runs conversations in the query protocol that are written down with
// their answers, so that a golden file is what a service says:
//
//	# Ana may do nothing yet.
//	let trust {"Version":"2012-10-17",…}
//	CreateUser UserName=ana
//		User/Arn: arn:aws:iam::123456789012:user/ana
//	ana = CreateAccessKey UserName=ana
//		…
//	role = as ana CreateRole RoleName=app AssumeRolePolicyDocument=$trust
//		403 AccessDenied: User: …
//	clock 1h
//
// A line that is indented is an answer. "name =" keeps the credentials of an
// answer for "as name", and its texts as $name.Arn. Values may stand in single
// quotes. Unique ids are numbered in the order in which they appear.
type Script struct {
	Client   Client
	Versions map[string]string // of the services' APIs
	Default  string            // service of actions without one
	Clock    *clock.Model

	actors map[string]Client
	vars   map[string]string
	ids    map[string]string
}

// Run returns the script with the answers that came.
func (s *Script) Run(text string) (string, error) {
	s.actors, s.vars, s.ids = map[string]Client{}, map[string]string{}, map[string]string{}
	var out strings.Builder
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		out.WriteString(line + "\n")
		answer, err := s.line(line)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", n+1, err)
		}
		for _, l := range answer {
			out.WriteString("\t" + strings.ReplaceAll(l, "\n", `\n`) + "\n")
		}
	}
	return out.String(), nil
}

func (s *Script) line(line string) ([]string, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "" || strings.HasPrefix(word, "#"):
		return nil, nil
	case word == "let":
		name, value, _ := strings.Cut(rest, " ")
		s.vars[name] = s.expand(value)
		return nil, nil
	case word == "clock":
		d, err := time.ParseDuration(rest)
		if err == nil {
			err = s.Clock.Set(s.Clock.Now().Add(d))
		}
		return nil, err
	}
	return s.call(line)
}

func (s *Script) call(line string) ([]string, error) {
	words, err := split(line)
	if err != nil {
		return nil, err
	}
	client, keep := s.Client, ""
	if len(words) > 2 && words[1] == "=" {
		keep, words = words[0], words[2:]
	}
	if words[0] == "as" && len(words) > 2 {
		var ok bool
		if client, ok = s.actors[words[1]]; !ok {
			return nil, fmt.Errorf("nobody is called %s", words[1])
		}
		words = words[2:]
	}
	service, action, ok := strings.Cut(words[0], ".")
	if !ok {
		service, action = s.Default, words[0]
	}
	var params []string
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no parameter", w)
		}
		params = append(params, k, s.expand(v))
	}
	a := client.Query(service, s.Versions[service], action, params...)
	if keep != "" {
		s.keep(keep, a.XML())
	}
	return s.describe(a, action), nil
}

// split cuts a line at its spaces, outside of single quotes.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, any := false, false
	for _, c := range line {
		switch {
		case c == '\'':
			quoted, any = !quoted, true
		case c == ' ' && !quoted:
			if any {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(c)
			any = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is open")
	}
	if any {
		words = append(words, word.String())
	}
	return words, nil
}

// expand puts the values of variables in: $name and $name.Field.
func (s *Script) expand(v string) string {
	return regexp.MustCompile(`\$[a-z][a-z0-9]*(\.[A-Za-z]+)?`).ReplaceAllStringFunc(v, func(name string) string {
		if v, ok := s.vars[name[1:]]; ok {
			return v
		}
		return name
	})
}

func (s *Script) keep(name string, x Element) {
	x.leaves("", func(path, text string) {
		field := path[strings.LastIndexByte(path, '/')+1:]
		s.vars[name+"."+field] = text
	})
	s.actors[name] = s.Client.As(s.vars[name+".AccessKeyId"], s.vars[name+".SecretAccessKey"], s.vars[name+".SessionToken"])
}

// leaves calls fn for the elements without children.
func (e Element) leaves(path string, fn func(path, text string)) {
	if len(e.Children) == 0 {
		fn(path, strings.TrimSpace(e.Content))
		return
	}
	count := map[string]int{}
	for _, c := range e.Children {
		p := c.XMLName.Local
		if p == "member" || p == "entry" {
			count[p]++
			p = fmt.Sprint(count[p])
		}
		if path != "" {
			p = path + "/" + p
		}
		c.leaves(p, fn)
	}
}

func (s *Script) describe(a Answer, action string) []string {
	if a.Status >= 300 {
		return []string{fmt.Sprintf("%d %s", a.Status, s.hide(a.Error()))}
	}
	var out []string
	for _, result := range a.XML().All(action + "Result") {
		result.leaves("", func(path, text string) {
			switch {
			case path == "":
			case strings.HasSuffix(path, "SecretAccessKey"), strings.HasSuffix(path, "SessionToken"):
				out = append(out, path+": …")
			default:
				out = append(out, path+": "+s.hide(text))
			}
		})
	}
	if out == nil {
		return []string{"ok"}
	}
	return out
}

// hide numbers unique ids.
func (s *Script) hide(text string) string {
	return regexp.MustCompile(`\b((AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z2-7]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`).ReplaceAllStringFunc(text, func(id string) string {
		name, ok := s.ids[id]
		if !ok {
			name = fmt.Sprintf("%s-%d", kindOf(id), len(s.ids)+1)
			s.ids[id] = name
		}
		return name
	})
}

// kindOf is what numbered ids of a form begin with.
func kindOf(id string) string {
	if strings.Contains(id, "-") {
		return "uuid"
	}
	return id[:4]
}
