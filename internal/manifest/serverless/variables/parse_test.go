package variables

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe writes an expression so that a table can hold it.
func describe(e Expr) string {
	var parts []string
	for _, p := range e {
		if p.Variable == nil {
			parts = append(parts, fmt.Sprintf("%d-%d %q", p.Start, p.End, p.Text))
			continue
		}
		var sources []string
		for _, s := range p.Variable.Sources {
			sources = append(sources, describeSource(s))
		}
		parts = append(parts, fmt.Sprintf("%d-%d %s", p.Start, p.End, strings.Join(sources, " | ")))
	}
	return strings.Join(parts, "; ")
}

func describeSource(s Source) string {
	if s.Type == "" {
		return "literal " + string(s.Literal.AppendJSON(nil))
	}
	out := s.Type
	if s.Params != nil {
		var params []string
		for _, p := range s.Params {
			params = append(params, describeOperand(p))
		}
		out += "(" + strings.Join(params, ", ") + ")"
	}
	if s.Address != nil {
		out += ":" + describeOperand(*s.Address)
	}
	return out
}

func describeOperand(o Operand) string {
	out := string(o.Value.AppendJSON(nil))
	if o.Expr != nil {
		out += "[" + describe(o.Expr) + "]"
	}
	return out
}

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{
		{`plain`, ``},
		{`a $ b $$ ${`, ``},
		{`${self:a}`, `0-9 self:"a"`},
		{`${self:}`, `0-8 self`},
		{`x-${self:a.b.0}-y`, `2-15 self:"a.b.0"`},
		{`${self:a}${opt:b}`, `0-9 self:"a"; 9-17 opt:"b"`},
		{`${self: a , 'b' }`, `0-17 self:"a" | literal "b"`},
		{`${opt:a, self:b, env:C, "d\"e"}`, `0-31 opt:"a" | self:"b" | env:"C" | literal "d\"e"`},
		{`${opt:a, 12.5}`, `0-14 opt:"a" | literal 12.5`},
		{`${opt:a, -3}`, `0-12 opt:"a" | literal -3`},
		{`${opt:a, true}`, `0-14 opt:"a" | literal true`},
		{`${opt:a, null}`, `0-14 opt:"a" | literal null`},
		{`${opt:a, ''}`, `0-12 opt:"a" | literal ""`},
		{`${file(a.yml)}`, `0-14 file("a.yml")`},
		{`${file(./a b.yml):c.d}`, `0-22 file("./a b.yml"):"c.d"`},
		{`${file("a, b.yml"):c}`, `0-21 file("a, b.yml"):"c"`},
		{`${file(a.yml), 'x'}`, `0-19 file("a.yml") | literal "x"`},
		{`${ssm(us-east-1, raw):/a/b}`, `0-27 ssm("us-east-1", "raw"):"/a/b"`},
		{`${ssm(,raw):/a}`, `0-15 ssm(null, "raw"):"/a"`},
		{`${strToBool(true)}`, `0-18 strToBool(true)`},
		{`${strToBool(${env:A})}`, `0-22 strToBool("${env:A}"[0-8 env:"A"])`},
		{`${self:a.${opt:b, 'c'}.d}`, `0-25 self:"a.${opt:b, 'c'}.d"[2-15 opt:"b" | literal "c"]`},
		{`${file(./${opt:a}.yml):b.${opt:c}}`, `0-34 file("./${opt:a}.yml"[2-10 opt:"a"]):"b.${opt:c}"[2-10 opt:"c"]`},
		{`${cf.us-east-1:a.b}`, `0-19 cf.us-east-1:"a.b"`},
		{`${s3:bucket/some key}`, `0-21 s3:"bucket/some key"`},

		// Not ours.
		{`${AWS::Region}`, ``},
		{`${Table.Arn}`, ``},
		{`${table}`, ``},
		{`${a::b}`, ``},
		{`${}`, ``},
		{`${ self:a }`, ``},
		{`${AWS::${self:a}}`, `7-16 self:"a"`},
		{`${x y ${self:a} z}`, `6-15 self:"a"`},
		{`${AWS::Region}-${self:a}`, `15-24 self:"a"`},

		// Escapes.
		{`\${self:a}`, `0-2 "$"`},
		{`\\${self:a}`, `0-2 "\\"; 2-11 self:"a"`},
		{`\\\${self:a}`, `0-4 "\\$"`},
		{`\\\\${self:a}`, `0-4 "\\\\"; 4-13 self:"a"`},
		{`\$ \a \\`, ``},
		{`\$${self:a}`, `2-11 self:"a"`},
		{`\${a} ${self:b}`, `0-2 "$"; 6-15 self:"b"`},
	}
	for _, tt := range tests {
		e, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%s): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, describe(e)); diff != "" {
			t.Errorf("Parse(%s) (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		msg    string
	}{
		{`${self:a`, 7, `a variable is not closed: "}" is missing`},
		{`${self:`, 6, `a variable is not closed: "}" is missing`},
		{`${self:a, `, 9, `a variable is not closed: "}" is missing`},
		{`${file(a.yml`, 11, `a variable is not closed: "}" is missing`},
		{`${file(a.yml}`, 12, `unexpected "}" in a variable, where ")" should stand`},
		{`${file(a.yml)x}`, 13, `unexpected "x" in a variable, where ":", "," or "}" should stand`},
		{`${self:a, b c}`, 10, `"b c" is neither a source nor a number, true, false or null: put it into quotes`},
		{`${self:a, 'b', 'c'}`, 13, `unexpected "," in a variable, where "}": a text is the last fallback should stand`},
		{`${self:a, }`, 10, `unexpected "}" in a variable, where another source, or a value in quotes should stand`},
		{`${self:a, Big:b}`, 10, `"Big" is not the name of a source`},
		{`${self:"a}`, 7, `the quote that opens here is never closed`},
		{`${self:"a" b}`, 11, `unexpected "b" in a variable, where "," or "}" should stand`},
		{`${opt:a, "\x"}`, 9, `invalid text "\x": invalid character 'x' in string escape code`},
		{`${self:a.${B}}`, 11, `a variable begins with the name of its source, like ${self:custom.name}`},
		{`${file("a" "b")}`, 11, `unexpected "\"" in a variable, where "," or ")" should stand`},
		{strings.Repeat("${self:", 60) + strings.Repeat("}", 60), 350, `variables are nested deeper than 50 levels`},
	}
	for _, tt := range tests {
		_, err := Parse(tt.in)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%s) = %v, want a syntax error", tt.in, err)
			continue
		}
		if se.Msg != tt.msg || se.Offset != tt.offset {
			t.Errorf("Parse(%s):\n got %d %s\nwant %d %s", tt.in, se.Offset, se.Msg, tt.offset, tt.msg)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "${self:a}", `\${self:a}`, "${file(./${opt:a}.yml):b, 'c'}", "${AWS::${self:a}}", `${opt:a, "b"}`, "${self:a.${b}}", "${a(b,,'c'):d}",
		"${cf.eu-west-1:a.b}", "é${self:ü}", "${self:", "\\\\\\${",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) {
				t.Fatalf("not a syntax error: %v", err)
			}
			if se.Offset < 0 || se.Offset > len(s) {
				t.Fatalf("offset %d of %d", se.Offset, len(s))
			}
			return
		}
		checkExpr(t, s, e)
	})
}

// checkExpr checks that pieces are in order, inside the string, and begin where a variable or an escape does.
func checkExpr(t *testing.T, s string, e Expr) {
	last := 0
	for _, p := range e {
		if p.Start < last || p.End <= p.Start || p.End > len(s) {
			t.Fatalf("piece %d-%d after %d in %q", p.Start, p.End, last, s)
		}
		last = p.End
		if p.Variable == nil {
			if s[p.Start] != '\\' {
				t.Fatalf("the escape at %d of %q does not begin with a backslash", p.Start, s)
			}
			continue
		}
		if !strings.HasPrefix(s[p.Start:], "${") || s[p.End-1] != '}' {
			t.Fatalf("the variable %q is not ${...}", s[p.Start:p.End])
		}
		for _, src := range p.Variable.Sources {
			if (src.Type == "") != (src.Literal != nil) {
				t.Fatalf("a source is either a literal or has a type: %+v", src)
			}
			for _, o := range append(src.Params, addresses(src)...) {
				if o.Expr != nil {
					checkExpr(t, o.Value.Text, o.Expr)
				}
			}
		}
	}
}

func addresses(s Source) []Operand {
	if s.Address == nil {
		return nil
	}
	return []Operand{*s.Address}
}
