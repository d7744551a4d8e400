package expr

import (
	"slices"
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

func FuzzStatement(f *testing.F) {
	for _, text := range []string{
		`SELECT * FROM "t"."i" WHERE h = 'a' AND r BETWEEN 1 AND 2 ORDER BY r DESC`,
		`SELECT a, m.x[0], size(b) FROM t WHERE h IN ['a', ?] OR NOT begins_with(c, 'x')`,
		`SELECT h FROM t WHERE n IS MISSING AND contains(ss, 'a') AND attribute_type(a, 'S') AND -1.5e3 < n`,
		`INSERT INTO t VALUE {'h': 'it''s', 'l': [1, ?, {'x': true}], 's': <<'a', 'b'>>, 'n': null}`,
		`UPDATE t SET n = n + 1 SET l = list_append(l, [?]) REMOVE m.x SET ss = set_add(ss, <<'c'>>) WHERE h = 'a' RETURNING ALL NEW *`,
		`DELETE FROM t WHERE h = ? AND r = 2 RETURNING ALL OLD *`,
		`EXISTS(SELECT * FROM t WHERE h = 'a' AND v = 'b')`,
	} {
		f.Add(text)
	}
	p := loadParams(f)
	parameters := []attr.Value{attr.String("a"), attr.Int(2), attr.String("b")}
	f.Fuzz(func(t *testing.T, text string) {
		st, err := ParseStatement(text, parameters)
		if err != nil {
			return
		}
		for _, it := range []attr.Item{p.item, {}} {
			if st.Where != nil && st.Where.Match(it) {
				for _, c := range st.Where.Conjuncts() {
					if it.Get(c.Attribute).IsZero() {
						t.Errorf("%s: holds without %s", text, c.Attribute)
					}
					if choices := st.Where.Choices(c.Attribute); choices != nil && !slices.Contains(choices, it.Get(c.Attribute)) {
						t.Errorf("%s: holds with another %s", text, c.Attribute)
					}
				}
			}
			picked := []attr.Item{st.Pick(it), st.Item}
			if st.Update != nil {
				if after, err := st.Update.Apply(it); err == nil {
					picked = append(picked, after, st.Update.Touched(after))
				}
			}
			for _, it := range picked {
				if got, err := attr.DecodeItem(it.Encoding()); !it.IsZero() && (err != nil || got != it) {
					t.Errorf("%s: not canonical: %v", text, err)
				}
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
