package attr

// Size is what an item counts towards the 400 KB limit and towards capacity units: the UTF-8 length of every name and
// the size of every value.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it Item) Size() int {
	size := 0
	for name, v := range it.All() {
		size += len(name) + v.Size()
	}
	return size
}

// LargerThan reports whether the item's size exceeds limit. Of most items the length of the encoding tells: nothing counts
// more than twice what it takes, which the elements of a list of booleans do.
func (it Item) LargerThan(limit int) bool {
	return 2*len(it.enc) > limit && it.Size() > limit
}

// Size is the value's share of its item's size. A list or map costs 3 bytes, and each of its elements 1 byte more than
// itself; a number is sized by its digits (see Number.size).
func (v Value) Size() int {
	switch v.Kind() {
	case NULL, BOOL:
		return 1
	case S, B:
		return v.Len()
	case N:
		return v.Number().size()
	case SS, BS:
		size := 0
		for m := range v.Members() {
			size += len(m)
		}
		return size
	case NS:
		size := 0
		for m := range v.Members() {
			size += Number{m}.size()
		}
		return size
	case L:
		size := 3
		for e := range v.Elems() {
			size += 1 + e.Size()
		}
		return size
	case M:
		size := 3
		for name, e := range v.Entries() {
			size += 1 + len(name) + e.Size()
		}
		return size
	}
	return 0
}

// NestingError is DynamoDB's message when the item nests lists and maps more deeply than it allows, else nil. Requests
// are checked as they are read; an update can nest more deeply than any of its operands.
func (it Item) NestingError() error {
	if deeper(it.Value(), maxNesting) {
		return Error(msgNesting)
	}
	return nil
}

// deeper reports whether v holds anything more than levels below itself.
func deeper(v Value, levels int) bool {
	switch v.Kind() {
	case L:
		for e := range v.Elems() {
			if levels == 0 || deeper(e, levels-1) {
				return true
			}
		}
	case M:
		for _, e := range v.Entries() {
			if levels == 0 || deeper(e, levels-1) {
				return true
			}
		}
	}
	return false
}
