package nubetest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// crowd is more than the pools that others share between functions have: what
// waits for what needs a place in the same pool waits for ever.
const crowd = 70

// TestCrowd has a crowd of requests under way at the same time, each of which
// waits for a function that waits for a function, which all wait until the last
// of them is there: nothing is served one after another, and nothing that waits
// keeps from running what it waits for.
//
// localstack#6939; aws-lambda-runtime-interface-emulator#97; ministack#1377, #1345,
// #1386.
//
// Mutation: a semaphore of 64 around runner's Invoke: the crowd waits until its
// functions time out.
func TestCrowd(t *testing.T) {
	t.Parallel()
	var there atomic.Int32
	open := make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if there.Add(1) == crowd {
			close(open)
		}
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	defer gate.Close()
	c := Start(t, Dir("testdata/crowd"), Isolation("off"), Param("gate", gate.URL))
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			resp, err := http.Post(c.Gateway()+"/enter", "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s, and %d of %d are at the gate", resp.Status, there.Load(), crowd)
			}
		})
	}
	wg.Wait()
}
