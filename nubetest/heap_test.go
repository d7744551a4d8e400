package nubetest

import (
	"bytes"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
)

// TestHeap: requests leave nothing in memory. After many more of 32 KB each, with
// everything recorded, the heap and the goroutines are what they were, but for the
// index of the segment of the records that is being written.
//
// serverless-offline#1119: the heap grew with every request until there was none.
//
// Mutation: edge keeps the body of every request: 48 MB more.
func TestHeap(t *testing.T) { // alone: not parallel
	const size, warm, requests, clients, slack = 32 << 10, 200, 1500, 4, 4 << 20
	c := Start(t, application(), keptIn(t.TempDir()), Isolation("off"))
	body := bytes.Repeat([]byte("x"), size)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	send := func(n int) {
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range n / clients {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.Gateway()+"/things/one", bytes.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					resp, err := client.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
						t.Errorf("%s, %v", resp.Status, err)
					}
					resp.Body.Close()
				}
			})
		}
		wg.Wait()
		c.Settle(t)
		client.CloseIdleConnections()
	}
	inUse := func() (heap uint64, goroutines int) {
		var m runtime.MemStats
		for range 2 { // the second time pools are empty, too
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	send(warm)
	before, idle := inUse()
	send(requests)
	after, now := inUse()
	t.Logf("%d KB of heap, then %d KB; %d goroutines, then %d", before>>10, after>>10, idle, now)
	if after > before+slack {
		t.Errorf("the heap has grown from %d to %d KB with %d requests", before>>10, after>>10, requests)
	}
	if now > idle+clients*4 {
		t.Errorf("goroutines have grown from %d to %d", idle, now)
	}
}
