package kv

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOverlay holds the overlay, and cursors over older states of it, to a map.
func TestOverlay(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		type walk struct {
			c    cursor
			left []string
		}
		var o overlay
		var walks []walk
		model := map[string]string{}
		key := func() string { return fmt.Sprintf("%04d", rng.IntN(1500)) }
		for i := range 4000 {
			switch p := rng.IntN(100); {
			case p < 80:
				k, v := key(), fmt.Sprint(i)
				w, fresh := o.put(Key(k))
				if _, had := model[k]; had == fresh {
					t.Fatalf("seed %d: put of %s: fresh is %v", seed, k, fresh)
				}
				w.value = []byte(v)
				model[k] = v
			case p < 81:
				r := Range{Start: Key(key()), End: Key(key())}
				o.drop(r)
				maps.DeleteFunc(model, func(k, _ string) bool { return r.Contains(Key(k)) })
			case p < 85 && len(walks) < 10:
				r := Range{Start: Key(key()), End: Key(key())}
				w := walk{c: o.scan(r, p%2 == 0)}
				for _, k := range slices.Sorted(maps.Keys(model)) {
					if r.Contains(Key(k)) {
						w.left = append(w.left, k+"="+model[k])
					}
				}
				if p%2 == 0 {
					slices.Reverse(w.left)
				}
				walks = append(walks, w)
			case len(walks) > 0:
				n := rng.IntN(len(walks))
				w := &walks[n]
				at := w.c.peek()
				if at == nil || len(w.left) == 0 {
					if at != nil || len(w.left) > 0 {
						t.Fatalf("seed %d: a walk ends at %v, want %v", seed, at, w.left)
					}
					walks = slices.Delete(walks, n, n+1)
					continue
				}
				if got := string(at.key) + "=" + string(at.value); got != w.left[0] {
					t.Fatalf("seed %d: a walk is at %s, want %s", seed, got, w.left[0])
				}
				w.c.step()
				w.left = w.left[1:]
			}
			if k := key(); o.n != len(model) {
				t.Fatalf("seed %d: %d writes, want %d", seed, o.n, len(model))
			} else if v, ok := model[k]; (o.get(Key(k)) != nil) != ok || ok && string(o.get(Key(k)).value) != v {
				t.Fatalf("seed %d: %s is %v, want %q", seed, k, o.get(Key(k)), v)
			}
		}
		o.reset()
		if o.n != 0 || o.get(Key(key())) != nil {
			t.Fatalf("seed %d: something is left after reset", seed)
		}
	}
}
