package nubetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gate is where functions of testdata/gate wait. Who knocks is told to came,
// before it waits, and how many wait then.
func gate(t *testing.T, came func(function string, waiting int), open <-chan struct{}) Option {
	t.Helper()
	var mu sync.Mutex
	waiting := 0
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		waiting++
		came(strings.TrimPrefix(r.URL.Path, "/gate-dev-"), waiting)
		mu.Unlock()
		select {
		case <-open:
		case <-r.Context().Done(): // its process is gone
		}
		mu.Lock()
		waiting--
		mu.Unlock()
	}))
	t.Cleanup(s.Close)
	return Param("gate", s.URL)
}

// TestColdStarts asks six functions at the same time that have no instance, and
// none of which is through with its start before all have begun theirs: however
// few processors there are, one cold start does not wait for another.
//
// floci#2050: six of them were served one after another.
//
// Mutation: a right to start that is given back only once the start is over
// (startShare of runner an hour): with fewer processors than functions there are
// never six at the gate.
func TestColdStarts(t *testing.T) {
	t.Parallel()
	const functions = "abcdef"
	open := make(chan struct{})
	opened := sync.OnceFunc(func() { close(open) })
	c := Start(t, Dir("testdata/gate"), Isolation("off"), gate(t, func(_ string, waiting int) {
		if waiting == len(functions) {
			opened()
		}
	}, open))
	var wg sync.WaitGroup
	for _, f := range functions {
		wg.Go(func() {
			resp, err := http.Get(fmt.Sprintf("%s/%c", c.Gateway(), f))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%c: %s", f, resp.Status)
			}
		})
	}
	wg.Wait()
}

// TestSecondMapping has a second function with a stream of its own start while
// the first is stuck with its batch, and be done before that goes on.
//
// floci#536: the second function that an event source mapping started hung until
// it timed out. ministack PR#1724: one slow handler stalled all other event
// sources.
//
// Mutation: one batch at a time in all (a mutex around the call in lane.invoke of
// sources): the second function is called when the first has timed out.
func TestSecondMapping(t *testing.T) {
	t.Parallel()
	came, open := make(chan string, 100), make(chan struct{})
	opened := sync.OnceFunc(func() { close(open) })
	c := Start(t, Dir("testdata/gate"), Isolation("off"), gate(t, func(function string, waiting int) {
		came <- fmt.Sprint(function, " ", waiting)
		if function == "second" {
			opened()
		}
	}, open))
	put := func(table string) {
		c.dynamodb(t, "PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"id":{"S":"1"}}}`, table), nil)
	}
	put("first")
	if f := <-came; f != "first 1" {
		t.Fatalf("at the gate: %s", f)
	}
	put("second")
	if f := <-came; f != "second 2" { // beside the first
		t.Fatalf("at the gate then: %s", f)
	}
	c.Settle(t)
	for _, f := range []string{"first", "second"} {
		if n := strings.Count(strings.Join(c.Logs(t, f), "\n"), "START RequestId"); n != 1 {
			t.Errorf("%s was called %d times", f, n)
		}
	}
}
