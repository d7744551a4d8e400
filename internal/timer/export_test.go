package timer

// Forget makes the holder stop beating without giving the shard back, as a node
// does that is cut off from the store.
func (s *Shard) Forget() { s.lose(ErrLost) }
