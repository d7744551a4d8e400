package sqs

import "container/heap"

// tally counts messages by the instant until which they count: those in flight, and
// those that are delayed. What has passed drops out by itself.
type tally struct {
	at    instants
	count map[millis]int
	total int
}

// add counts n messages until an instant; n may be below zero for messages that
// were counted.
func (t *tally) add(at millis, n int) {
	had, ok := t.count[at]
	if !ok {
		if n <= 0 {
			return // it has passed
		}
		if t.count == nil {
			t.count = make(map[millis]int)
		}
		heap.Push(&t.at, at)
	}
	n = max(n, -had)
	t.count[at] = had + n
	t.total += n
}

// now returns how many count at an instant, which never goes back.
func (t *tally) now(at millis) int {
	for len(t.at) > 0 && t.at[0] <= at {
		gone := heap.Pop(&t.at).(millis)
		t.total -= t.count[gone]
		delete(t.count, gone)
	}
	return t.total
}

// after returns how many count at each of n instants, a step apart.
func (t *tally) after(from, step millis, n int) []int {
	out := make([]int, n)
	for at, c := range t.count {
		if at > from && n > 0 {
			out[min(int((at-from-1)/step), n-1)] += c
		}
	}
	for i := n - 2; i >= 0; i-- { // what counts at one counts at those before it
		out[i] += out[i+1]
	}
	return out
}

// first is the instant at which some of those that count drop out; zero for none.
func (t *tally) first(now millis) millis {
	t.now(now)
	for len(t.at) > 0 && t.count[t.at[0]] == 0 {
		delete(t.count, heap.Pop(&t.at).(millis))
	}
	if len(t.at) == 0 {
		return 0
	}
	return t.at[0]
}

// instants is a heap.
type instants []millis

func (h instants) Len() int           { return len(h) }
func (h instants) Less(i, j int) bool { return h[i] < h[j] }
func (h instants) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *instants) Push(x any)        { *h = append(*h, x.(millis)) }
func (h *instants) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
