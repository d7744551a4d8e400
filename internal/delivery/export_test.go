package delivery

import (
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// KeptActors is how many actors may stay after their work.
const KeptActors = keptActors

// Actors is how many there are.
func (d *Delivery) Actors() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.actors)
}

// BadKey is a key among the cursors that names no target: nothing can be read
// past it.
func BadKey(c keyspace.Cell) kv.Key { return layoutOf(c).Key().Str("c").Done() }
