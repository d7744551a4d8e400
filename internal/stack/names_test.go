package stack

import (
	"regexp"
	"strings"
	"testing"
)

func TestGeneratedNames(t *testing.T) {
	ref := func(name string) StackRef { return StackRef{ID: "arn:" + name, Name: name} }
	long := strings.Repeat("long", 20)
	for _, c := range []struct {
		stack, logical string
		rule           NameRule
		want           string
	}{
		{"app", "Table", NameRule{Max: 255}, `^app-Table-[0-9A-Z]{13}$`},
		{"app", "Table", NameRule{Max: 255, Lower: true}, `^app-table-[0-9a-z]{13}$`},
		{long, "Function", NameRule{Max: 64}, `^longlonglonglonglonglong-Function-[0-9A-Z]{13}$`},
		{long, long, NameRule{Max: 64}, `^longlonglonglonglonglong-longlonglonglonglonglongl-[0-9A-Z]{13}$`},
		{"app", long, NameRule{Max: 64}, `^app-(long){11}lo-[0-9A-Z]{13}$`},
		{"application", "Method", NameRule{Max: 32, Short: true}, `^appli-Meth-[0-9A-Z]{13}$`},
	} {
		got := generatedName(ref(c.stack), c.logical, 0, c.rule)
		if !regexp.MustCompile(c.want).MatchString(got) || len(got) > c.rule.Max {
			t.Errorf("%s %s: %s, want %s", c.stack, c.logical, got, c.want)
		}
		if again := generatedName(ref(c.stack), c.logical, 0, c.rule); again != got {
			t.Errorf("%s and %s", got, again)
		}
		if next := generatedName(ref(c.stack), c.logical, 1, c.rule); next == got {
			t.Errorf("the next generation has the same name %s", got)
		}
	}
}
