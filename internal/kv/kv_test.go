package kv_test

import (
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		r       kv.Range
		in, out []string
	}{
		{kv.Point(kv.Key("a")), []string{"a"}, []string{"", "a\x00", "b"}},
		{kv.Prefix(kv.Key("a")), []string{"a", "a\x00", "a\xff\xff"}, []string{"", "b", "\xff"}},
		{kv.Prefix(kv.Key("a\xff")), []string{"a\xff", "a\xff\xff"}, []string{"a", "b"}},
		{kv.Prefix(kv.Key("\xfe\xff")), []string{"\xfe\xff", "\xfe\xff\xff"}, []string{"\xfe", "\xff"}},
		{kv.Prefix(nil), []string{"\x00", "a", "\xfe\xff\xff"}, []string{"\xff", "\xff\x00"}},
	} {
		for _, k := range c.in {
			if !c.r.Contains(kv.Key(k)) {
				t.Errorf("%q to %q lacks %q", string(c.r.Start), string(c.r.End), k)
			}
		}
		for _, k := range c.out {
			if c.r.Contains(kv.Key(k)) {
				t.Errorf("%q to %q has %q", string(c.r.Start), string(c.r.End), k)
			}
		}
	}
}

func TestRangesDoNotShareTheKey(t *testing.T) {
	k := append(make(kv.Key, 0, 10), 'a')
	r, n := kv.Prefix(k), kv.Next(k)
	_ = append(k, 'x')
	if string(r.End) != "b" || string(n) != "a\x00" || string(k) != "a" {
		t.Errorf("Prefix(a) ends in %q, Next(a) = %q, the key is %q", string(r.End), string(n), string(k))
	}
}
