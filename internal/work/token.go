package work

// Class is the kind of work that a token stands for.
type Class uint8

// The classes of work.
const (
	Request    Class = iota // a call from outside, until it is answered
	Invocation              // of a function, until its instance is idle again
	Init                    // of a function's instance, on demand
	Build                   // of code, and its swap
	Stack                   // an operation on a stack
	Delivery                // of effects to one target
	Timer                   // a timer that fires
	Source                  // a batch of an event source mapping
	Derivation              // records into others: logs into metrics
)

// String returns the class in words.
func (c Class) String() string {
	switch c {
	case Request:
		return "request"
	case Invocation:
		return "invocation"
	case Init:
		return "init"
	case Build:
		return "build"
	case Stack:
		return "stack operation"
	case Delivery:
		return "delivery"
	case Timer:
		return "timer"
	case Source:
		return "event source"
	case Derivation:
		return "derivation"
	default:
		return "work"
	}
}

// Token is one piece of work under way. It is a parameter of whatever starts
// work, so that nothing is started without one. It is a small value, copied
// freely; the zero Token is no work at all. Its methods may be called from any
// goroutine, in any order, more than once: what no longer applies does nothing.
type Token struct {
	slot *slot
	turn uint32
}

// slot holds a token's state. Slots are used again, so that beginning allocates
// nothing; a token whose turn is not the slot's has ended. All fields but
// ledger and shard are guarded by the shard's mutex.
type slot struct {
	ledger *Ledger
	shard  *shard

	turn   uint32
	class  Class
	parked bool
	what   string
	why    string // it is parked

	next, prev *slot // ring of the shard's tokens; next alone: its free slots
}

// Park says that the work waits for something from outside and causes nothing
// until [Token.Unpark], such as a long poll on an empty queue.
func (t Token) Park(why string) {
	if t.slot == nil {
		return
	}
	sh := t.slot.shard
	sh.mu.Lock()
	calm := false
	if t.slot.turn == t.turn && !t.slot.parked {
		t.slot.parked, t.slot.why = true, why
		calm = sh.leave()
	}
	sh.mu.Unlock()
	if calm {
		t.slot.ledger.calmed()
	}
}

// Unpark makes the work active again. Whoever wakes a waiter calls it before
// its own token ends; the waiter calls it too, before it does anything.
func (t Token) Unpark() {
	if t.slot == nil {
		return
	}
	sh := t.slot.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if t.slot.turn == t.turn && t.slot.parked {
		t.slot.parked, t.slot.why = false, ""
		sh.begun++
	}
}

// End says that the work is done, its commits are durable and their signals
// have run.
func (t Token) End() {
	if t.slot == nil {
		return
	}
	sh := t.slot.shard
	sh.mu.Lock()
	calm := false
	if t.slot.turn == t.turn {
		if !t.slot.parked {
			calm = sh.leave()
		}
		sh.release(t.slot)
	}
	sh.mu.Unlock()
	if calm {
		t.slot.ledger.calmed()
	}
}
