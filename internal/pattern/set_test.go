package pattern

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, event string) *Event {
	t.Helper()
	e, err := Parse([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSet(t *testing.T) {
	var s Set[string]
	rules := []string{
		`{"source": ["a"]}`, `{"source": ["a", "b"], "detail": {"n": [1]}}`, `{"source": [{"prefix": "a"}]}`, `{"source": [{"suffix": "a"}]}`,
		`{"source": [{"equals-ignore-case": "A"}]}`, `{"source": [{"anything-but": "b"}]}`, `{"detail": {"n": [{"numeric": ["<", 5]}]}}`,
		`{"detail": {"n": [1.0]}}`, `{"gone": [{"exists": false}]}`, `{"source": [{"wildcard": "*a*"}]}`, `{"source": [{"wildcard": "a*"}]}`,
		`{"$or": [{"source": ["a"]}, {"detail": {"n": [1]}}]}`, `{"source": [{"prefix": {"equals-ignore-case": "A"}}]}`,
		`{"source": [{"suffix": {"equals-ignore-case": "A"}}]}`, `{"detail": {"n": [{"numeric": ["=", 1]}]}}`, `{"source": ["c"]}`, `{"source": [null, "a"]}`,
	}
	for _, r := range rules {
		s.Add(r, compile(t, r, EventBridge))
	}
	match := func(event string) []string { return s.Match(parse(t, event)) }
	if diff := cmp.Diff(rules[:15:15], match(`{"source": "a", "detail": {"n": 1}}`)[:15]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{rules[8], rules[15], rules[5]}, sortedAs([]string{rules[8], rules[15], rules[5]}, match(`{"source": "c"}`))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// One that is replaced is the newest, and what it was matches no longer.
	s.Add(rules[0], compile(t, `{"source": ["z"]}`, EventBridge))
	if got := match(`{"source": "z"}`); len(got) == 0 || got[len(got)-1] != rules[0] {
		t.Errorf("%q", got)
	}
	for _, r := range rules {
		s.Remove(r)
	}
	if got := match(`{"source": "a", "detail": {"n": 1}}`); got != nil || s.Len() != 0 {
		t.Errorf("after all were removed: %q", got)
	}
	for path, p := range s.index.paths {
		if len(p.present.all)+len(p.texts.by)+len(p.words.by)+len(p.numbers)+len(p.folds.by)+len(p.prefixes.by)+len(p.prefixes.lengths)+len(p.suffixes.by) > 0 {
			t.Errorf("something is left under %s", path)
		}
	}
}

// sortedAs puts got into the order of want, if it has the same elements.
func sortedAs(want, got []string) []string {
	at := make(map[string]bool)
	for _, g := range got {
		at[g] = true
	}
	for _, w := range want {
		if !at[w] {
			return got
		}
	}
	if len(got) != len(want) {
		return got
	}
	return want
}

// benchEvent is an event of a shop.
const benchEvent = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"OrderProcessed-%d","source":"shop.orders","account":"111122223333",
"time":"2017-12-22T18:43:48Z","region":"us-west-1","resources":[],"detail":{"orderId":"o-%d","status":"PAID","total":301.8,"items":[{"sku":"a","n":1},{"sku":"b","n":2}],
"customer":{"id":"c-%d","email":"somebody@example.com","country":"DE"}}}`

// One event against the rules of a bus: 10,000 must cost about what 10 do.
func BenchmarkSet(b *testing.B) {
	kinds := map[string]func(i int) string{
		"exact": func(i int) string {
			return fmt.Sprintf(`{"source": ["shop.orders"], "detail-type": ["OrderProcessed-%d"]}`, i)
		},
		"detail": func(i int) string {
			return fmt.Sprintf(`{"source": ["shop.orders"], "detail": {"status": ["PAID"], "customer": {"id": ["c-%d"]}}}`, i)
		},
		"prefix": func(i int) string {
			return fmt.Sprintf(`{"source": [{"prefix": "shop."}], "detail": {"orderId": [{"prefix": "o-%d"}]}}`, (i+1)*100_000+7)
		},
	}
	for _, kind := range []string{"exact", "detail", "prefix"} {
		for _, n := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%s/rules=%d", kind, n), func(b *testing.B) {
				var s Set[int]
				for i := range n {
					s.Add(i, compile(b, kinds[kind](i), EventBridge))
				}
				event := []byte(fmt.Sprintf(benchEvent, 7, 800_007, 7))
				b.ReportAllocs()
				for b.Loop() {
					e, err := Parse(event)
					if err != nil {
						b.Fatal(err)
					}
					if got := s.Match(e); len(got) != 1 || got[0] != 7 {
						b.Fatal(got)
					}
				}
			})
		}
	}
}

// A set whose patterns are gone holds on to nothing of them.
func TestSetForgets(t *testing.T) {
	var s Set[int]
	for i := range 100 {
		s.Add(i, compile(t, fmt.Sprintf(`{"detail":{"only-%d":["x"],"or-%d":[{"anything-but":"y"}]}}`, i, i), EventBridge))
		if i%2 == 0 {
			s.Remove(i)
		}
	}
	if n := len(s.index.paths); n != 50 {
		t.Errorf("%d paths of 50 patterns", n)
	}
	for i := range 100 {
		s.Remove(i)
	}
	if n := len(s.index.paths); n != 0 || s.Len() != 0 {
		t.Errorf("%d paths of no pattern", n)
	}
}
