package serverless

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// dotenv reads .env.<stage>, or .env when there is none, and returns the environment with it. What the environment holds
// already wins.
func (l *loader) dotenv(stage string, env func(string) (string, bool)) (func(string) (string, bool), bool) {
	for _, name := range []string{".env." + stage, ".env"} {
		text, err := l.files.read(filepath.Join(l.files.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.fail(template.Errorf(template.Pos{}, "read %s: %v", name, err))
			return env, false
		}
		vars := expandDotenv(parseDotenv(string(text)), env)
		return func(key string) (string, bool) {
			if v, ok := env(key); ok {
				return v, true
			}
			v, ok := vars[key]
			return v, ok
		}, true
	}
	return env, true
}

// setting is a line of a .env file.
type setting struct{ key, value string }

// parseDotenv reads the lines KEY=value, KEY: value and export KEY=value, with values plain, or in any quotes over several
// lines, https://github.com/motdotla/dotenv#what-rules-does-the-parsing-engine-follow. Other lines are skipped.
func parseDotenv(s string) []setting {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	var out []setting
	for s != "" {
		line, rest, _ := strings.Cut(s, "\n")
		key, value, ok := dotenvKey(line)
		if !ok {
			s = rest
			continue
		}
		// From here on the value may reach over the end of the line.
		all := s[len(line)-len(value):]
		text, after := dotenvValue(all)
		out = append(out, setting{key, text})
		s = after
	}
	return out
}

// dotenvKey splits a line into its key and what follows the separator.
func dotenvKey(line string) (key, value string, ok bool) {
	body := strings.TrimLeft(line, " \t")
	if after, found := strings.CutPrefix(body, "export "); found {
		body = strings.TrimLeft(after, " \t")
	}
	n := 0
	for n < len(body) && (isNameByte(body[n]) || body[n] == '.' || body[n] == '-') {
		n++
	}
	key, body = body[:n], body[n:]
	if key == "" {
		return "", "", false
	}
	if after, found := strings.CutPrefix(strings.TrimLeft(body, " \t"), "="); found {
		return key, after, true
	}
	if after, found := strings.CutPrefix(body, ":"); found && (after == "" || after[0] == ' ' || after[0] == '\t') {
		return key, after, true
	}
	return "", "", false
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// dotenvValue reads a value and returns it with the text behind its line.
func dotenvValue(s string) (value, rest string) {
	body := strings.TrimLeft(s, " \t")
	if body != "" && strings.IndexByte("'\"`", body[0]) >= 0 {
		if end := closing(body); end > 0 {
			line, after, _ := strings.Cut(body[end+1:], "\n")
			if tail := strings.TrimSpace(line); tail == "" || tail[0] == '#' {
				value = body[1:end]
				if body[0] == '"' {
					value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
				}
				return value, after
			}
		}
	}
	line, after, _ := strings.Cut(s, "\n")
	line, _, _ = strings.Cut(line, "#")
	return strings.TrimSpace(line), after
}

// closing returns the index of the quote that closes the one at the beginning, or -1.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == s[0]:
			i++
		case s[i] == s[0]:
			return i
		}
	}
	return -1
}

// expandDotenv replaces $NAME and ${NAME:-default} in values by the environment and by what stands further up in the file.
func expandDotenv(settings []setting, env func(string) (string, bool)) map[string]string {
	out := map[string]string{}
	lookup := func(name string) string {
		if v, ok := env(name); ok {
			return v
		}
		return out[name]
	}
	for _, s := range settings {
		if v, ok := env(s.key); ok && v != "" {
			out[s.key] = v
			continue
		}
		out[s.key] = strings.ReplaceAll(expand(s.value, lookup, 0), `\$`, "$")
	}
	return out
}

// maxExpansion bounds values that expand to values that expand.
const maxExpansion = 10

func expand(s string, lookup func(string) string, depth int) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '\\' {
			b.WriteString(s[:i+1])
			s = s[i+1:]
			continue
		}
		name, length := reference(s[i+1:])
		b.WriteString(s[:i])
		if length == 0 {
			b.WriteByte('$')
			s = s[i+1:]
			continue
		}
		value := substitute(name, lookup)
		if depth < maxExpansion {
			value = expand(value, lookup, depth+1)
		}
		b.WriteString(value)
		s = s[i+1+length:]
	}
	b.WriteString(s)
	return b.String()
}

// reference reads NAME or {expression} behind a dollar, and how long that is.
func reference(s string) (expression string, length int) {
	if strings.HasPrefix(s, "{") {
		if end := strings.IndexAny(s[1:], "{}"); end > 0 && s[1+end] == '}' {
			return s[1 : 1+end], end + 2
		}
		return "", 0
	}
	n := 0
	for n < len(s) && isNameByte(s[n]) && !(n == 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return s[:n], n
}

// substitute evaluates NAME, NAME:-default, NAME-default, NAME:+other and NAME+other.
func substitute(expression string, lookup func(string) string) string {
	i := strings.IndexAny(expression, ":+-")
	if i < 0 {
		return lookup(expression)
	}
	name, operator := expression[:i], expression[i:i+1]
	if operator == ":" {
		if i+1 == len(expression) || expression[i+1] != '-' && expression[i+1] != '+' {
			return lookup(expression)
		}
		operator = expression[i : i+2]
	}
	other, value := expression[i+len(operator):], lookup(name)
	if strings.HasSuffix(operator, "+") {
		if value != "" {
			return other
		}
		return ""
	}
	if value == "" {
		return other
	}
	return value
}
