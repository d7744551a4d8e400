package archtest

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lattice is lattice.txt: the order between rooms.
type lattice struct {
	below map[string]map[string]bool // room pattern or floor → what it may import, transitively closed
	only  map[string]string          // pattern → the one that may import it
	tests map[string]map[string]bool // room pattern → what its tests may import besides
}

func (l *lattice) isFloor(name string) bool { return name == strings.ToUpper(name) }

// parseLattice reads the rules. A name must have been placed (stand right of a
// "<") before something is placed above it, which makes cycles impossible.
func parseLattice(text string) (*lattice, error) {
	l := &lattice{below: map[string]map[string]bool{"NONE": {}}, only: map[string]string{}, tests: map[string]map[string]bool{}}
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var err error
		if rest, ok := strings.CutPrefix(line, "only "); ok {
			err = l.restrict(rest)
		} else if rest, ok := strings.CutPrefix(line, "tests "); ok {
			err = l.widen(rest)
		} else {
			err = l.order(strings.Split(line, "<"))
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return l, nil
}

func (l *lattice) restrict(rule string) error {
	who, what, ok := strings.Cut(rule, ":")
	if !ok {
		return fmt.Errorf("%q has no colon", rule)
	}
	for _, name := range strings.Fields(what) {
		l.only[name] = strings.TrimSpace(who)
	}
	return nil
}

func (l *lattice) widen(rule string) error {
	who, what, ok := strings.Cut(rule, ":")
	if !ok {
		return fmt.Errorf("%q has no colon", rule)
	}
	may, err := l.all(strings.Fields(what))
	if err == nil {
		l.tests[strings.TrimSpace(who)] = may
	}
	return err
}

// all is the names and everything that they may import.
func (l *lattice) all(names []string) (map[string]bool, error) {
	may := map[string]bool{}
	for _, name := range names {
		under, placed := l.below[name]
		if !placed {
			return nil, fmt.Errorf("%s carries something before it has a place itself", name)
		}
		maps.Copy(may, under)
		if !l.isFloor(name) {
			may[name] = true
		}
	}
	return may, nil
}

func (l *lattice) order(sides []string) error {
	if len(sides) < 2 {
		return fmt.Errorf("no < in it")
	}
	for i := range len(sides) - 1 {
		may, err := l.all(strings.Fields(sides[i]))
		if err != nil {
			return err
		}
		for _, name := range strings.Fields(sides[i+1]) {
			if l.below[name] != nil && !l.isFloor(name) {
				return fmt.Errorf("%s has a place already", name)
			}
			l.below[name] = maps.Clone(may)
		}
	}
	return nil
}

// room finds the pattern that a package stands under, and the room itself:
// patterns with a star make one room for each match.
func (l *lattice) room(pkg string) (pattern, room string) {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := l.below[p]; ok {
			return p, p
		}
		star := path.Join(path.Dir(p), "*")
		if _, ok := l.below[star]; ok {
			return star, p
		}
	}
	return "", ""
}

// judge says why from may not import to, or nothing. Tests may import some
// more.
func (l *lattice) judge(from, to string, test bool) string {
	fromPattern, fromRoom := l.room(from)
	toPattern, toRoom := l.room(to)
	switch {
	case fromPattern == "":
		return from + " has no place in lattice.txt"
	case toPattern == "":
		return to + " has no place in lattice.txt"
	case fromRoom == toRoom:
		return ""
	}
	tested := test && (l.below["TESTS"][toPattern] || l.tests[fromPattern][toPattern])
	if fromPattern == toPattern || !l.below[fromPattern][toPattern] && !tested { // the rooms of a star never know each other
		return from + " may not import " + to
	}
	if who, ok := l.only[toPattern]; ok && who != fromPattern && !tested && !l.below["TESTS"][fromPattern] {
		return from + " may not import " + to + ": only " + who + " may"
	}
	return ""
}

func readLattice(t *testing.T) *lattice {
	t.Helper()
	text, err := os.ReadFile("lattice.txt")
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLattice(string(text))
	if err != nil {
		t.Fatalf("lattice.txt: %v", err)
	}
	return l
}

func TestImports(t *testing.T) {
	l := readLattice(t)
	seen := map[string]bool{}
	for _, f := range tree(t) {
		from := strings.TrimPrefix(f.dir, "internal/")
		for _, spec := range f.syntax.Imports {
			to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/")
			if !ours {
				continue
			}
			to = strings.TrimPrefix(to, "internal/")
			if to == from {
				continue // an external test
			}
			if why := l.judge(from, to, f.test); why != "" && !seen[why] {
				seen[why] = true
				t.Errorf("%s: %s", f.at(spec.Pos()), why)
			}
		}
	}
}

func TestEveryPackageHasAPlace(t *testing.T) {
	l := readLattice(t)
	var homeless []string
	for _, f := range tree(t) {
		pkg := strings.TrimPrefix(f.dir, "internal/")
		if _, room := l.room(pkg); room == "" && !slices.Contains(homeless, pkg) {
			homeless = append(homeless, pkg)
		}
	}
	if homeless != nil {
		t.Errorf("lattice.txt has no place for %s", strings.Join(homeless, ", "))
	}
}

func TestLatticeJudges(t *testing.T) {
	l, err := parseLattice(`
		NONE < a b
		a < c     # c stands on a
		a b c < FLOOR
		FLOOR < part/*
		only root: part/*
		part/* FLOOR < root side
		NONE < probe
		probe < TESTS
		only TESTS: probe
		tests side: part/*
	`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		from, to string
		test     bool
		want     string
	}{
		{"c", "a", false, ""},
		{"c", "a/sub", false, ""},
		{"c/sub", "c", false, ""},
		{"a", "b", false, "a may not import b"},
		{"a", "c", false, "a may not import c"},
		{"c", "b", false, "c may not import b"},
		{"part/x", "c", false, ""},
		{"part/x", "part/x/y", false, ""},
		{"part/x", "part/y", false, "part/x may not import part/y"},
		{"part/x/y", "part/y", false, "part/x/y may not import part/y"},
		{"root", "part/y", false, ""},
		{"side", "part/y", false, "side may not import part/y: only root may"},
		{"side", "part/y", true, ""},
		{"side", "a", false, ""},
		{"a", "part/y", true, "a may not import part/y"},
		{"a", "probe", true, ""},
		{"root", "probe", false, "root may not import probe"},
		{"elsewhere", "a", false, "elsewhere has no place in lattice.txt"},
		{"a", "elsewhere", true, "elsewhere has no place in lattice.txt"},
	}
	for _, tt := range tests {
		if got := l.judge(tt.from, tt.to, tt.test); got != tt.want {
			t.Errorf("%s → %s (test %v): %q, want %q", tt.from, tt.to, tt.test, got, tt.want)
		}
	}
}

func TestLatticeRefuses(t *testing.T) {
	got := map[string]string{}
	for _, text := range []string{"a", "a < b", "NONE < a\nNONE < a", "only a b", "tests a b", "tests a: b"} {
		_, err := parseLattice(text)
		got[text] = fmt.Sprint(err)
	}
	want := map[string]string{
		"a":                  "line 1: no < in it",
		"a < b":              "line 1: a carries something before it has a place itself",
		"NONE < a\nNONE < a": "line 2: a has a place already",
		"only a b":           `line 1: "a b" has no colon`,
		"tests a b":          `line 1: "a b" has no colon`,
		"tests a: b":         "line 1: b carries something before it has a place itself",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
