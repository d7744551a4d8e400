package expr

import (
	"testing"

	"github.com/nube-run/nube/internal/expr/attr"
)

func seed(f *testing.F, file string) {
	for _, pair := range recorded(f, file) {
		f.Add(pair[0])
	}
}

func FuzzCondition(f *testing.F) {
	seed(f, "conditions.txt")
	p := loadParams(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := condition(t, text, p.bindings(t, text))
		if err != nil {
			return
		}
		// An expression and its negation never agree, whatever was accepted.
		if n, err := condition(t, "NOT("+text+")", p.bindings(t, text)); err == nil && n.Match(p.item) == c.Match(p.item) {
			t.Errorf("%s: agrees with its negation", text)
		}
		c.Match(attr.Item{})
		c.Paths()
		if keys, err := c.KeyConditions(); err == nil && len(keys) == 0 {
			t.Errorf("%s: no key conditions and no error", text)
		}
	})
}

func FuzzUpdate(f *testing.F) {
	seed(f, "updates.txt")
	p := loadParams(f)
	f.Fuzz(func(t *testing.T, text string) {
		u, err := update(t, text, p.bindings(t, text))
		if err != nil {
			return
		}
		after, err := u.Apply(p.item)
		if err != nil {
			return
		}
		if got, err := attr.DecodeItem(after.Encoding()); err != nil || got != after {
			t.Errorf("%s: not canonical: %v", text, err)
		}
		for _, it := range []attr.Item{u.Touched(p.item), u.Touched(after)} {
			if _, err := attr.DecodeItem(it.Encoding()); err != nil {
				t.Errorf("%s: touched: %v", text, err)
			}
		}
	})
}

func FuzzProjection(f *testing.F) {
	seed(f, "projections.txt")
	p := loadParams(f)
	f.Fuzz(func(t *testing.T, text string) {
		pr, err := projection(t, text, p.bindings(t, text))
		if err != nil {
			return
		}
		once := pr.Apply(p.item)
		if got, err := attr.DecodeItem(once.Encoding()); err != nil || got != once {
			t.Errorf("%s: not canonical: %v", text, err)
		}
		if len(pr.Paths()) == 0 {
			t.Errorf("%s: no paths", text)
		}
	})
}
