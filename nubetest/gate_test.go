package nubetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// gate is where functions of testdata/gate wait. Who knocks is told to came,
// before it waits.
func gate(t *testing.T, came func(function string), open <-chan struct{}) Option {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came(strings.TrimPrefix(r.URL.Path, "/gate-dev-"))
		select {
		case <-open:
		case <-r.Context().Done():
		}
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
// Mutation: budget.giveBack of a start that takes long only once it is over
// (runner's startShare of an hour): with fewer processors than functions the
// last ones never start.
func TestColdStarts(t *testing.T) {
	t.Parallel()
	const functions = "abcdef"
	var there atomic.Int32
	open := make(chan struct{})
	c := Start(t, Dir("testdata/gate"), Isolation("off"), gate(t, func(string) {
		if there.Add(1) == int32(len(functions)) {
			close(open)
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
				t.Errorf("%c: %s, and %d of %d have begun to start", f, resp.Status, there.Load(), len(functions))
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
// Mutation: one batch at a time in all (a mutex around sources' lane.call): the
// second function is never called, and the first waits for it until it times out.
func TestSecondMapping(t *testing.T) {
	t.Parallel()
	came, open := make(chan string, 100), make(chan struct{})
	c := Start(t, Dir("testdata/gate"), Isolation("off"), gate(t, func(function string) {
		came <- function
		if function == "second" {
			close(open)
		}
	}, open))
	put := func(table string) {
		c.dynamodb(t, "PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"id":{"S":"1"}}}`, table), nil)
	}
	put("first")
	if f := <-came; f != "first" {
		t.Fatalf("%s came first", f)
	}
	put("second")
	if f := <-came; f != "second" {
		t.Fatalf("then came %s again: it did not wait", f)
	}
	c.Settle(t)
	for _, f := range []string{"first", "second"} {
		if n := strings.Count(strings.Join(c.Logs(t, f), "\n"), "START RequestId"); n != 1 {
			t.Errorf("%s was called %d times", f, n)
		}
	}
}
