package pattern

import (
	"cmp"
	"slices"
	"sync"
)

// Set is patterns under keys that are matched together. Its zero value is
// empty. Safe for concurrent use.
type Set[K comparable] struct {
	mu    sync.RWMutex
	rules map[K][]*filed
	index index
	count uint64
}

// filed is a combination as a set files it.
type filed struct {
	combination
	rule  any    // key of its pattern
	order uint64 // of its pattern among those of the set
	undo  []func()
}

// Add adds a pattern, in place of the one with the same key.
func (s *Set[K]) Add(key K, p *Pattern) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
	if s.rules == nil {
		s.rules = make(map[K][]*filed)
	}
	s.count++
	var all []*filed
	for _, c := range p.combinations {
		f := &filed{combination: c, rule: key, order: s.count}
		s.index.add(f)
		all = append(all, f)
	}
	s.rules[key] = all
}

// Remove removes the pattern with a key, if there is one.
func (s *Set[K]) Remove(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

func (s *Set[K]) remove(key K) {
	for _, f := range s.rules[key] {
		for _, undo := range f.undo {
			undo()
		}
	}
	delete(s.rules, key)
}

// Len returns the number of patterns.
func (s *Set[K]) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rules)
}

// Match returns the keys of the patterns that match, in the order in which they
// were added.
func (s *Set[K]) Match(e *Event) []K {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.index.find(e)
	slices.SortFunc(found, func(a, b *filed) int { return cmp.Compare(a.order, b.order) })
	var out []K
	last := uint64(0)
	for _, f := range found {
		if f.order != last && f.matches(e) {
			out = append(out, f.rule.(K))
			last = f.order
		}
	}
	return out
}

// index files combinations under what one of their fields accepts.
type index struct {
	always shelf
	paths  map[string]*pathIndex
}

// shelf is combinations that are filed in one place.
type shelf struct{ all []*filed }

func (s *shelf) add(f *filed) {
	s.all = append(s.all, f)
	f.undo = append(f.undo, func() {
		if at := slices.Index(s.all, f); at >= 0 {
			s.all = slices.Delete(s.all, at, at+1)
		}
	})
}

// shelves is shelves by a text. One that is empty again goes.
type shelves struct{ by map[string]*shelf }

func (s *shelves) size(text string) int {
	if at := s.by[text]; at != nil {
		return len(at.all)
	}
	return 0
}

func (s *shelves) add(text string, f *filed) {
	if s.by == nil {
		s.by = make(map[string]*shelf)
	}
	at := s.by[text]
	if at == nil {
		at = &shelf{}
		s.by[text] = at
	}
	at.add(f)
	f.undo = append(f.undo, func() {
		if len(at.all) == 0 && s.by[text] == at {
			delete(s.by, text)
		}
	})
}

func (s *shelves) find(text string, out []*filed) []*filed {
	if at := s.by[text]; at != nil {
		return append(out, at.all...)
	}
	return out
}

// affixes is shelves by the beginnings, or ends, of texts; lengths counts how
// many there are of each length, so that only those are looked for.
type affixes struct {
	shelves
	lengths map[int]int
}

func (a *affixes) add(text string, f *filed) {
	a.shelves.add(text, f)
	if a.lengths == nil {
		a.lengths = make(map[int]int)
	}
	n := len(text)
	a.lengths[n]++
	f.undo = append(f.undo, func() {
		if a.lengths[n]--; a.lengths[n] == 0 {
			delete(a.lengths, n)
		}
	})
}

func (a *affixes) findPrefix(text string, out []*filed) []*filed {
	for n := range a.lengths {
		if n <= len(text) {
			out = a.find(text[:n], out)
		}
	}
	return out
}

func (a *affixes) findSuffix(text string, out []*filed) []*filed {
	for n := range a.lengths {
		if n <= len(text) {
			out = a.find(text[len(text)-n:], out)
		}
	}
	return out
}

// pathIndex is what is filed under the values of one path.
type pathIndex struct {
	filed    int   // combinations; without any it goes
	present  shelf // under any value
	texts    shelves
	words    shelves // null, true, false, and numbers as they are written
	numbers  map[float64]*shelf
	folds    shelves
	prefixes affixes
	suffixes affixes

	foldedPrefixes affixes
	foldedSuffixes affixes
}

// add files a combination under the field that promises the fewest neighbours.
func (x *index) add(f *filed) {
	var best *term
	least := 0
	for i := range f.combination {
		t := &f.combination[i]
		if t.absent {
			continue // it may match where there is nothing to file it under
		}
		if n := x.neighbours(t); best == nil || n < least {
			best, least = t, n
		}
	}
	if best == nil {
		x.always.add(f)
		return
	}
	if x.paths == nil {
		x.paths = make(map[string]*pathIndex)
	}
	p := x.paths[best.path]
	if p == nil {
		p = &pathIndex{}
		x.paths[best.path] = p
	}
	p.add(best, f)
	p.filed++
	f.undo = append(f.undo, func() {
		if p.filed--; p.filed == 0 {
			delete(x.paths, best.path)
		}
	})
}

// vague is what a field counts for that is filed under its path alone.
const vague = 1 << 20

// neighbours is how many combinations, at most, share a place with one that is
// filed under t.
func (x *index) neighbours(t *term) int {
	p := x.paths[t.path]
	if !t.canFile() {
		if p == nil {
			return vague
		}
		return vague + len(p.present.all)
	}
	if p == nil {
		return 0
	}
	most := 0
	for text := range t.texts {
		most = max(most, p.texts.size(text))
	}
	for _, m := range t.others {
		most = max(most, p.neighbours(m))
	}
	return most
}

func (p *pathIndex) neighbours(m matcher) int {
	switch m := m.(type) {
	case exact:
		return p.words.size(m.text)
	case folded:
		return p.folds.size(string(m))
	case prefix:
		return p.prefixes.size(string(m))
	case suffix:
		return p.suffixes.size(string(m))
	case foldedPrefix:
		return p.foldedPrefixes.size(string(m))
	case foldedSuffix:
		return p.foldedSuffixes.size(string(m))
	case wildcard:
		if m[0] != "" {
			return p.prefixes.size(m[0])
		}
		return p.suffixes.size(m[len(m)-1])
	}
	return 0
}

// canFile reports whether all alternatives have something that they can be filed
// under.
func (t *term) canFile() bool {
	if t.present {
		return false
	}
	for _, m := range t.others {
		switch m := m.(type) {
		case exact, folded, prefix, suffix, foldedPrefix, foldedSuffix:
		case wildcard:
			if m[0] == "" && m[len(m)-1] == "" {
				return false
			}
		case numberRange:
			if m.low != m.high {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (p *pathIndex) add(t *term, f *filed) {
	if !t.canFile() {
		p.present.add(f)
		return
	}
	for text := range t.texts {
		p.texts.add(text, f)
	}
	for _, m := range t.others {
		switch m := m.(type) {
		case exact:
			p.words.add(m.text, f)
			if m.inRange {
				p.addNumber(m.number, f)
			}
		case numberRange:
			p.addNumber(m.low, f)
		case folded:
			p.folds.add(string(m), f)
		case prefix:
			p.prefixes.add(string(m), f)
		case suffix:
			p.suffixes.add(string(m), f)
		case foldedPrefix:
			p.foldedPrefixes.add(string(m), f)
		case foldedSuffix:
			p.foldedSuffixes.add(string(m), f)
		case wildcard:
			if m[0] != "" {
				p.prefixes.add(m[0], f)
			} else {
				p.suffixes.add(m[len(m)-1], f)
			}
		}
	}
}

func (p *pathIndex) addNumber(n float64, f *filed) {
	if p.numbers == nil {
		p.numbers = make(map[float64]*shelf)
	}
	at := p.numbers[n]
	if at == nil {
		at = &shelf{}
		p.numbers[n] = at
	}
	at.add(f)
	f.undo = append(f.undo, func() {
		if len(at.all) == 0 && p.numbers[n] == at {
			delete(p.numbers, n)
		}
	})
}

// find returns the combinations that come into question for an event, some
// perhaps more than once.
func (x *index) find(e *Event) []*filed {
	out := slices.Clone(x.always.all)
	for _, f := range e.order {
		p := x.paths[f.path]
		if p == nil {
			continue
		}
		out = append(out, p.present.all...)
		out = p.find(&f.value, out)
	}
	return out
}

func (p *pathIndex) find(v *value, out []*filed) []*filed {
	if v.kind != str {
		out = p.words.find(v.text, out)
		if v.kind == number && len(p.numbers) > 0 {
			if n, ok := toNumber(v.text); ok && p.numbers[n] != nil {
				out = append(out, p.numbers[n].all...)
			}
		}
		return out
	}
	out = p.texts.find(v.text, out)
	out = p.prefixes.findPrefix(v.text, out)
	out = p.suffixes.findSuffix(v.text, out)
	if len(p.folds.by)+len(p.foldedPrefixes.by)+len(p.foldedSuffixes.by) > 0 {
		text := fold(v.text)
		out = p.folds.find(text, out)
		out = p.foldedPrefixes.findPrefix(text, out)
		out = p.foldedSuffixes.findSuffix(text, out)
	}
	return out
}
