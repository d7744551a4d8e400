// Package cloud is the composition root: it opens the store, makes every
// service once, wires them to each other through the interfaces that they
// declare, and listens. parts.go holds THE list of services.
//
// It contains no service's logic: what two services need of each other is an
// interface of one that an adapter here lays over the other.
//
// A cloud is a library first: any number of them run in one process, on ports
// that the system picks, in memory or on any [disk.FS].
//
// Invariants: the listeners are bound before the store is opened, and requests
// that arrive earlier wait; parts start in the order in which they depend on
// each other and stop in the reverse; after Close no process, goroutine,
// listener or file of the cloud is left. When a snapshot is loaded everything but
// listeners and sandbox stops and starts again on another state: requests wait
// outside ([gate]) until nobody is inside, nobody sees parts of both states, and
// whoever uses a part from a goroutine of his own holds a turn to deploy.
package cloud
