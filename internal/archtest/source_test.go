package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rule is something that every source file keeps.
type rule struct {
	name  string
	check func(f *file, complain func(at token.Pos, what string))
}

func rules() []rule {
	return []rule{
		{"time", checkTime},
		{"sleep", checkSleep},
		{"skip", checkSkip},
		{"init", checkInit},
		{"state", checkState},
		{"name", checkName},
		{"length", checkLength},
		{"header", checkHeader},
		{"later", checkLater},
		{"doc", checkDoc},
	}
}

func TestSource(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range tree(t) {
				r.check(f, func(at token.Pos, what string) { t.Errorf("%s: %s", f.at(at), what) })
			}
		})
	}
}

// uses calls fn for each use of a name of the package with that import path.
func (f *file) uses(importPath string, fn func(at token.Pos, name string)) {
	local := ""
	for _, spec := range f.syntax.Imports {
		if spec.Path.Value == `"`+importPath+`"` {
			local = path.Base(importPath)
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				fn(s.Pos(), s.Sel.Name)
			}
		}
		return true
	})
}

// checkTime keeps everyone but package clock away from the machine's time.
func checkTime(f *file, complain func(token.Pos, string)) {
	if f.test || f.dir == "internal/clock" {
		return
	}
	f.uses("time", func(at token.Pos, name string) {
		switch name {
		case "Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep":
			complain(at, "time."+name+": take a clock.Model or a clock.Machine")
		}
	})
	f.uses("context", func(at token.Pos, name string) {
		if strings.HasPrefix(name, "WithTimeout") || strings.HasPrefix(name, "WithDeadline") {
			complain(at, "context."+name+": take a clock.Machine")
		}
	})
}

// checkSleep lets tests sleep only on the clock of a synctest bubble.
func checkSleep(f *file, complain func(token.Pos, string)) {
	if !f.test {
		return
	}
	bubble := false
	f.uses("testing/synctest", func(token.Pos, string) { bubble = true })
	f.uses("time", func(at token.Pos, name string) {
		if name == "Sleep" && !bubble {
			complain(at, "time.Sleep in a test outside of a bubble: wait for a fact")
		}
	})
}

// checkSkip: a test that cannot run has failed.
func checkSkip(f *file, complain func(token.Pos, string)) {
	if !f.test {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) {
				complain(call.Pos(), "a test is skipped")
			}
		}
		return true
	})
}

// checkInit: whatever runs before main costs every start.
func checkInit(f *file, complain func(token.Pos, string)) {
	for _, d := range f.syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			complain(d.Pos(), "an init function")
		}
	}
}

// checkState keeps package variables to what costs nothing at start and never
// changes: errors, tables of constants, embedded files, and values that are
// made at their first use.
func checkState(f *file, complain func(token.Pos, string)) {
	if f.test {
		return
	}
	for _, d := range f.syntax.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if v.Names[0].Name == "_" || embeds(g, v) {
				continue
			}
			if what := stateOf(f, v); what != "" {
				complain(v.Pos(), "package variable "+v.Names[0].Name+" "+what)
			}
		}
	}
}

func embeds(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// stateOf says what is wrong with a package variable.
func stateOf(f *file, v *ast.ValueSpec) string {
	if _, ok := v.Type.(*ast.MapType); ok {
		return "is a map"
	}
	if len(v.Values) == 0 {
		return "has no value: it is state"
	}
	for _, value := range v.Values {
		switch x := value.(type) {
		case *ast.CompositeLit:
			if _, ok := x.Type.(*ast.MapType); ok {
				return "is a map"
			}
		case *ast.UnaryExpr, *ast.FuncLit:
			return "is not a constant table"
		case *ast.BasicLit:
			if f.path != "cmd/nube/version.go" { // set by the linker
				return "could be a constant"
			}
		case *ast.CallExpr:
			if !slices.Contains([]string{
				"errors.New", "fmt.Errorf", "fault.New", "sync.OnceValue", "sync.OnceValues", "sync.OnceFunc",
			}, called(x)) {
				return "is made by " + called(x) + " at start"
			}
		}
	}
	return ""
}

// called is the function of a call, as far as it is a plain name.
func called(c *ast.CallExpr) string {
	switch fn := c.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.IndexExpr: // of a generic function
		return called(&ast.CallExpr{Fun: fn.X})
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
		if x, ok := fn.X.(*ast.CallExpr); ok { // fault.New(…).With(…)
			return called(x)
		}
	}
	return "a call"
}

// checkName refuses packages that are named after nothing.
func checkName(f *file, complain func(token.Pos, string)) {
	if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "manager", "lib"}, strings.TrimSuffix(f.syntax.Name.Name, "_test")) {
		complain(f.syntax.Name.Pos(), "package "+f.syntax.Name.Name+" is named after nothing")
	}
}

const maxLines = 1000

func checkLength(f *file, complain func(token.Pos, string)) {
	if f.lines > maxLines && !f.generated {
		complain(f.syntax.Package, "the file has more than a thousand lines")
	}
}

// checkHeader: what a generator wrote says so in the words that tools know.
func checkHeader(f *file, complain func(token.Pos, string)) {
	claims := regexp.MustCompile(`(?i)\b(auto-?)?generated\b`)
	for _, g := range f.syntax.Comments {
		if g.Pos() < f.syntax.Package && f.syntax.Doc != g && claims.MatchString(g.Text()) && !f.generated {
			complain(g.Pos(), "a generated file without the standard header")
		}
	}
	if strings.HasPrefix(f.dir, "internal/awsapi/shapes/") && !f.generated && !f.test {
		complain(f.syntax.Package, "shapes are generated, and say so")
	}
}

// checkLater: what is not done is an error for the user, not a note for us.
func checkLater(f *file, complain func(token.Pos, string)) {
	note := regexp.MustCompile(`\b(TODO|FIXME|HACK)\b|\bXXX\b`)
	for _, g := range f.syntax.Comments {
		if note.MatchString(g.Text()) {
			complain(g.Pos(), "a note of what is left to do")
		}
	}
}

// checkDoc: what other packages may use says what it is. The methods that make
// an error or a text need not.
func checkDoc(f *file, complain func(token.Pos, string)) {
	if f.test || f.generated || f.syntax.Name.Name == "main" {
		return
	}
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !(d.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap"}, d.Name.Name)) {
				complain(d.Pos(), d.Name.Name+" has no comment")
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				checkSpecDoc(d, s, complain)
			}
		}
	}
}

func checkSpecDoc(d *ast.GenDecl, s ast.Spec, complain func(token.Pos, string)) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			complain(s.Pos(), s.Name.Name+" has no comment")
		}
	case *ast.ValueSpec: // a group's comment, or one at the end of the line, will do
		if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil && !d.Lparen.IsValid() {
			complain(s.Pos(), s.Names[0].Name+" has no comment")
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestRulesBite gives each rule what it must find and what it must leave.
func TestRulesBite(t *testing.T) {
	tests := []struct {
		rule, path, text string
		want             []string
	}{
		{"time", "internal/a/a.go", "package a\nimport \"time\"\nvar _ = time.Now()\nvar _ = time.Second", []string{"3: time.Now: take a clock.Model or a clock.Machine"}},
		{"time", "internal/a/a.go", "package a\nimport t \"time\"\nfunc f() { <-t.After(t.Second) }", []string{"3: time.After: take a clock.Model or a clock.Machine"}},
		{"time", "internal/a/a.go", "package a\nimport \"context\"\nvar _ = context.WithTimeoutCause", []string{"3: context.WithTimeoutCause: take a clock.Machine"}},
		{"time", "internal/clock/a.go", "package clock\nimport \"time\"\nvar _ = time.Now()", nil},
		{"time", "internal/a/a_test.go", "package a\nimport \"time\"\nvar _ = time.Now()", nil},
		{"sleep", "internal/a/a_test.go", "package a\nimport \"time\"\nfunc f() { time.Sleep(1) }", []string{"3: time.Sleep in a test outside of a bubble: wait for a fact"}},
		{"sleep", "internal/a/a_test.go", "package a\nimport \"time\"\nimport \"testing/synctest\"\nfunc f() { time.Sleep(1); synctest.Wait() }", nil},
		{"skip", "internal/a/a_test.go", "package a\nfunc f(t T) { t.Skipf(``) }", []string{"2: a test is skipped"}},
		{"skip", "internal/a/a_test.go", "package a\nfunc f(r R) { r.Skip(1) }", nil},
		{"init", "internal/a/a.go", "package a\nfunc init() {}", []string{"2: an init function"}},
		{"init", "internal/a/a.go", "package a\nfunc (x T) init() {}", nil},
		{"state", "internal/a/a.go", "package a\nvar m map[string]int", []string{"2: package variable m is a map"}},
		{"state", "internal/a/a.go", "package a\nvar m = map[string]int{}", []string{"2: package variable m is a map"}},
		{"state", "internal/a/a.go", "package a\nvar r = regexp.MustCompile(``)", []string{"2: package variable r is made by regexp.MustCompile at start"}},
		{"state", "internal/a/a.go", "package a\nvar n int", []string{"2: package variable n has no value: it is state"}},
		{"state", "internal/a/a.go", "package a\nvar n = 1", []string{"2: package variable n could be a constant"}},
		{"state", "internal/a/a.go", "package a\nvar p = &T{}", []string{"2: package variable p is not a constant table"}},
		{"state", "internal/a/a.go", "package a\nvar (\n\tErrX = errors.New(``)\n\tt = [...]int{1}\n\to = sync.OnceValue[int](f)\n\t_ I = T{}\n)\n//go:embed x\nvar fs embed.FS", nil},
		{"name", "internal/util/a.go", "package util", []string{"1: package util is named after nothing"}},
		{"name", "internal/a/a.go", "package a", nil},
		{"length", "internal/a/a.go", "package a\n" + strings.Repeat("\n", maxLines), []string{"1: the file has more than a thousand lines"}},
		{"length", "internal/a/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage a\n" + strings.Repeat("\n", maxLines), nil},
		{"header", "internal/a/a.go", "// This file is autogenerated.\n\npackage a", []string{"1: a generated file without the standard header"}},
		{"header", "internal/a/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage a", nil},
		{"header", "internal/awsapi/shapes/x/a.go", "package x", []string{"1: shapes are generated, and say so"}},
		{"later", "internal/a/a.go", "package a\n// TO" + "DO: more", []string{"2: a note of what is left to do"}},
		{"doc", "internal/a/a.go", "package a\nfunc F() {}\n// G is.\nfunc G() {}\nfunc (x t) H() {}\ntype T struct{}\nfunc (x T) String() {}\nvar V = 1", []string{"2: F has no comment", "6: T has no comment", "8: V has no comment"}},
	}
	for _, tt := range tests {
		i := slices.IndexFunc(rules(), func(r rule) bool { return r.name == tt.rule })
		f := source(t, tt.path, tt.text)
		var got []string
		rules()[i].check(f, func(at token.Pos, what string) {
			got = append(got, strings.TrimPrefix(f.at(at), tt.path+":")+": "+what)
		})
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("rule %s on %q (-want +got):\n%s", tt.rule, tt.text, d)
		}
	}
}
