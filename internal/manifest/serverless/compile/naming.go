package compile

import (
	"strings"
)

// Logical ids are made of names by the rules of
// https://www.serverless.com/framework/docs/providers/aws/guide/resources#aws-cloudformation-resource-reference.

// upperFirst returns s with its first letter in upper case.
func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// normalize makes a name fit for a logical id: dashes and underscores are spelled out.
func normalize(name string) string {
	return upperFirst(strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(name))
}

// alphanumeric drops everything but letters and digits.
func alphanumeric(name string) string {
	return upperFirst(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, name))
}

func functionID(key string) string    { return normalize(key) + "LambdaFunction" }
func logGroupID(key string) string    { return normalize(key) + "LogGroup" }
func layerID(key string) string       { return normalize(key) + "LambdaLayer" }
func authorizerID(name string) string { return normalize(name) + "ApiGatewayAuthorizer" }
func apiPermissionID(key string) string {
	return normalize(key) + "LambdaPermissionApiGateway"
}

// pathPart makes a part of a URL path fit for a logical id: {id} becomes IdVar.
func pathPart(part string) string {
	part = strings.ReplaceAll(strings.ToLower(part), "-", "Dash")
	if open, end := strings.Index(part, "{"), strings.LastIndex(part, "}"); open >= 0 && end > open {
		part = part[:open] + part[open+1:end] + "Var" + part[end+1:]
	}
	return alphanumeric(part)
}

// pathName makes a URL path fit for a logical id.
func pathName(path string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		b.WriteString(pathPart(part))
	}
	return b.String()
}

func methodID(resource, method string) string {
	return "ApiGatewayMethod" + resource + upperFirst(strings.ToLower(method))
}

// words splits a text the way its capitals, digits and punctuation suggest: fooBar-baz2 is foo, Bar, baz, 2.
func words(s string) []string {
	var out []string
	rs := []rune(s)
	class := func(r rune) int {
		switch {
		case r >= 'A' && r <= 'Z':
			return 1
		case r >= 'a' && r <= 'z':
			return 2
		case r >= '0' && r <= '9':
			return 3
		}
		return 0
	}
	for i := 0; i < len(rs); {
		c := class(rs[i])
		if c == 0 {
			i++
			continue
		}
		j := i + 1
		for j < len(rs) && class(rs[j]) == c {
			j++
		}
		if c == 1 && j < len(rs) && class(rs[j]) == 2 {
			if j-i > 1 { // ABCd is AB, Cd
				out = append(out, string(rs[i:j-1]))
				i = j - 1
			}
			for j < len(rs) && class(rs[j]) == 2 {
				j++
			}
		}
		out = append(out, string(rs[i:j]))
		i = j
	}
	return out
}

// startCase joins the words of a text, each with an upper-case initial.
func startCase(s string) string {
	var b strings.Builder
	for _, w := range words(s) {
		b.WriteString(upperFirst(w))
	}
	return b.String()
}

// pascalCase joins the words of a text in lower case, each with an upper-case initial.
func pascalCase(s string) string {
	var b strings.Builder
	for _, w := range words(s) {
		b.WriteString(upperFirst(strings.ToLower(w)))
	}
	return b.String()
}
