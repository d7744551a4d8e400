package kv

import "sync"

// Watch tells when topics are signalled. Its channel holds at most one signal
// and keeps it until it is received: signals coalesce, none is lost. Register
// first, then read the state the topic stands for; a signal that comes in
// between then means one look too many, never one too few.
type Watch struct {
	ws     *watches
	topics []Key
	c      chan struct{}
	fn     func()
}

// Watch registers a watch on topics.
func (db *DB) Watch(topics ...Key) *Watch { return db.WatchFunc(nil, topics...) }

// WatchFunc is Watch with a function that is called at every signal, in the
// goroutine of the Update that signalled and before that Update returns. It
// must be quick and must not use the store; it is for taking note that
// somebody will wake up.
func (db *DB) WatchFunc(fn func(), topics ...Key) *Watch {
	w := &Watch{ws: &db.watches, topics: topics, c: make(chan struct{}, 1), fn: fn}
	w.ws.add(w)
	return w
}

// C returns the channel on which signals arrive.
func (w *Watch) C() <-chan struct{} { return w.c }

// Close ends the watch. A signal already in its channel stays there.
func (w *Watch) Close() { w.ws.remove(w) }

// watches is who watches which topic.
type watches struct {
	mu      sync.RWMutex
	byTopic map[string]map[*Watch]struct{}
}

func (ws *watches) add(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byTopic == nil {
		ws.byTopic = make(map[string]map[*Watch]struct{})
	}
	for _, t := range w.topics {
		set := ws.byTopic[string(t)]
		if set == nil {
			set = make(map[*Watch]struct{})
			ws.byTopic[string(t)] = set
		}
		set[w] = struct{}{}
	}
}

func (ws *watches) remove(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, t := range w.topics {
		set := ws.byTopic[string(t)]
		delete(set, w)
		if len(set) == 0 {
			delete(ws.byTopic, string(t))
		}
	}
}

func (ws *watches) signal(topics []Key) {
	if len(topics) == 0 {
		return
	}
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	for _, t := range topics {
		for w := range ws.byTopic[string(t)] {
			w.wake()
		}
	}
}

func (ws *watches) signalAll() {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	for _, set := range ws.byTopic {
		for w := range set {
			w.wake()
		}
	}
}

func (w *Watch) wake() {
	if w.fn != nil {
		w.fn()
	}
	select {
	case w.c <- struct{}{}:
	default:
	}
}
