package sqs

import (
	"maps"
	"slices"
	"sync"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// cells are those in which there is, or was, a queue.
type cells struct {
	mu     sync.Mutex
	looked bool // known holds those that were there at the beginning
	known  map[keyspace.Cell]struct{}
}

// know adds a cell, before anything is put into it.
func (cs *cells) know(c keyspace.Cell) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.known == nil {
		cs.known = make(map[keyspace.Cell]struct{})
	}
	cs.known[c] = struct{}{}
}

// all returns the cells in which there may be queues on a snapshot.
func (cs *cells) all(sn *kv.Snap) ([]keyspace.Cell, error) {
	cs.mu.Lock()
	looked := cs.looked
	cs.mu.Unlock()
	if !looked {
		found, err := timer.Cells(sn, service)
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			cs.know(c)
		}
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.looked = true
	return slices.Collect(maps.Keys(cs.known)), nil
}
