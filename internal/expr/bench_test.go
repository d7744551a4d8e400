package expr

import (
	"testing"

	"github.com/nube-run/nube/internal/expr/attr"
)

const (
	benchCondition = "attribute_exists(pk) AND #v = :v AND (size(tags) < :max OR begins_with(note, :prefix))"
	benchUpdate    = "SET #v = #v + :one, note = :prefix ADD hits :one REMOVE former"
	benchItem      = `{"pk":{"S":"customer#4711"},"version":{"N":"7"},"tags":{"SS":["a","b"]},"note":{"S":"hello"},"hits":{"N":"12"},
"a":{"S":"x"},"b":{"S":"y"},"c":{"M":{"k":{"S":"v"}}},"former":{"BOOL":true}}`
	benchValues = `{":v":{"N":"7"},":max":{"N":"10"},":prefix":{"S":"he"},":one":{"N":"1"}}`
)

func benchBindings(b *testing.B, values attr.Item) *Bindings {
	bs, err := NewBindings(map[string]string{"#v": "version"}, values)
	if err != nil {
		b.Fatal(err)
	}
	return bs
}

func BenchmarkParseCondition(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCondition("ConditionExpression", benchCondition); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCondition is what a request pays: a look in the cache, binding, and one item.
func BenchmarkCondition(b *testing.B) {
	var cache Cache
	it, values := item(b, benchItem), item(b, benchValues)
	b.ReportAllocs()
	for b.Loop() {
		bs := benchBindings(b, values)
		p, err := cache.Condition("ConditionExpression", benchCondition)
		if err != nil {
			b.Fatal(err)
		}
		c, err := p.Bind(bs)
		if err != nil || !c.Match(it) {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	p, err := ParseCondition("FilterExpression", benchCondition)
	if err != nil {
		b.Fatal(err)
	}
	c, err := p.Bind(benchBindings(b, item(b, benchValues)))
	if err != nil {
		b.Fatal(err)
	}
	it := item(b, benchItem)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Match(it) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	var cache Cache
	it, values := item(b, benchItem), item(b, benchValues)
	b.ReportAllocs()
	for b.Loop() {
		p, err := cache.Update(benchUpdate)
		if err != nil {
			b.Fatal(err)
		}
		u, err := p.Bind(benchBindings(b, values))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := u.Apply(it); err != nil {
			b.Fatal(err)
		}
	}
}
