package sqs

import (
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
)

// receipt is what a receive made of a message.
type receipt struct {
	until    millis // when it becomes visible again
	count    int    // how often it was received
	first    millis // when it was first
	received millis // when it was last
	nonce    uint64 // by which the handle of the last receive is told from older ones
}

func (r *receipt) append(b []byte) []byte {
	b = binary.AppendVarint(b, int64(r.until))
	b = binary.AppendUvarint(b, uint64(r.count))
	b = binary.AppendVarint(b, int64(r.first))
	b = binary.AppendVarint(b, int64(r.received))
	return binary.BigEndian.AppendUint64(b, r.nonce)
}

func (r *receipt) read(d *packed.Reader) {
	r.until, r.count = millis(d.Int()), int(d.Uint(1<<31-1))
	r.first, r.received, r.nonce = millis(d.Int()), millis(d.Int()), d.Fixed()
}

// again is the receipt of one more receive.
func (r receipt) again(now, until millis, nonce uint64) receipt {
	if r.count == 0 {
		r.first = now
	}
	return receipt{until: until, count: r.count + 1, first: r.first, received: now, nonce: nonce}
}

// stateVersion is the first byte of the rows of messages' and groups' states.
//
//	1  lane (byte); of a message its receipt; of a group the instant in the index,
//	   the cursor, and a number of stamps with receipts
//
// A receipt is until (varint), count (base 128), first, received (varint), and
// eight bytes of nonce.
const stateVersion = 1

// state is what a standard queue knows of a message that was received.
type state struct {
	lane lane
	receipt
}

func (st *state) encode() []byte {
	return st.append([]byte{stateVersion, byte(st.lane)})
}

// readState reads the state of a message; nil for one that nobody has received.
func readState(r reader, s space, at kv.Stamp) (*state, error) {
	b, err := r.Get(s.state(at))
	if err != nil || b == nil {
		return nil, err
	}
	d := packed.Read(b)
	if d.Byte() != stateVersion {
		d.Fail()
	}
	st := &state{lane: lane(d.Byte())}
	st.read(&d)
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("sqs: state of message %s: %w", at, err)
	}
	return st, nil
}

// group is what a FIFO queue knows of a message group that has messages.
type group struct {
	lane lane
	at   millis   // of its row in the index: when its head can be received
	last kv.Stamp // every message up to it was received, or is gone
	// entries are the messages that were received and are not gone, in order. They
	// stand before all others, so that they are never more than one receive takes.
	entries []entry
}

// entry is a message that was received.
type entry struct {
	stamp kv.Stamp
	receipt
}

func (g *group) encode() []byte {
	b := append(make([]byte, 0, 24+len(g.entries)*40), stateVersion, byte(g.lane))
	b = binary.AppendVarint(b, int64(g.at))
	b = append(b, g.last[:]...)
	b = binary.AppendUvarint(b, uint64(len(g.entries)))
	for i := range g.entries {
		b = append(b, g.entries[i].stamp[:]...)
		b = g.entries[i].append(b)
	}
	return b
}

// readGroup reads a group; one without messages is nil.
func readGroup(r reader, s space, name string) (*group, error) {
	b, err := r.Get(s.group(name))
	if err != nil || b == nil {
		return nil, err
	}
	return decodeGroup(b, name)
}

func decodeGroup(b []byte, name string) (*group, error) {
	d := packed.Read(b)
	if d.Byte() != stateVersion {
		d.Fail()
	}
	g := &group{lane: lane(d.Byte()), at: millis(d.Int())}
	d.Into(g.last[:])
	g.entries = make([]entry, d.Count(22))
	for i := range g.entries {
		d.Into(g.entries[i].stamp[:])
		g.entries[i].read(&d)
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("sqs: group %q: %w", name, err)
	}
	return g, nil
}

// find returns the entry of a message; nil for one that was not received.
func (g *group) find(at kv.Stamp) *entry {
	for i := range g.entries {
		if g.entries[i].stamp == at {
			return &g.entries[i]
		}
	}
	return nil
}

// remove takes a message out of the group's books.
func (g *group) remove(at kv.Stamp) {
	for i := range g.entries {
		if g.entries[i].stamp == at {
			g.entries = append(g.entries[:i:i], g.entries[i+1:]...)
			return
		}
	}
	if g.last.Compare(at) < 0 {
		g.last = at
	}
}

// free returns when the group can be received: at once, unless its first message is
// in flight. What is in flight behind it holds up only what follows.
func (g *group) free(now millis) millis {
	if len(g.entries) == 0 {
		return now
	}
	return max(now, g.entries[0].until)
}
