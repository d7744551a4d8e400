package cloud

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/nube-run/nube/internal/control"
)

// Requests are held while there is no house, those inside are waited for, and
// who has the houses exchanged is neither.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		inside, finish := make(chan struct{}), make(chan struct{})
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside <- struct{}{}
			<-finish
			w.Write([]byte("old"))
		})
		g.open(slow, nil, nil)
		aws, _, _ := g.handlers()
		ask := func(path string) <-chan string {
			answer := make(chan string, 1)
			go func() {
				w := httptest.NewRecorder()
				aws.ServeHTTP(w, httptest.NewRequest("POST", path, nil).WithContext(t.Context()))
				answer <- w.Body.String()
			}()
			return answer
		}
		first := ask("/")
		<-inside
		empty := make(chan error, 1)
		wait := g.hold()
		go func() { empty <- wait() }()
		second := ask("/")
		synctest.Wait()
		select {
		case <-empty:
			t.Fatal("empty with a request inside")
		case got := <-second:
			t.Fatalf("a request was let in: %q", got)
		default:
		}
		finish <- struct{}{}
		if got := <-first; got != "old" {
			t.Errorf("the request inside was answered %q", got)
		}
		if err := <-empty; err != nil {
			t.Error(err)
		}
		loads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == control.Prefix+control.LoadPath {
				if err := g.hold()(); err != nil {
					t.Error(err)
				}
				g.open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("newest")) }), nil, nil)
			}
			w.Write([]byte("new"))
		})
		g.open(loads, nil, nil)
		if got := <-second; got != "new" {
			t.Errorf("the request that was held was answered %q", got)
		}
		if got := <-ask(control.Prefix + control.LoadPath); got != "new" {
			t.Errorf("who exchanges was answered %q", got)
		}
		if got := <-ask("/"); got != "newest" {
			t.Errorf("afterwards %q", got)
		}
	})
}

// A stream of the platform's API ends when the houses are exchanged.
func TestGateEndsStreams(t *testing.T) {
	g := newGate()
	inside := make(chan struct{})
	g.open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	}), nil, nil)
	aws, _, _ := g.handlers()
	go aws.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", control.Prefix+"logs", nil))
	<-inside
	if err := g.hold()(); err != nil {
		t.Error(err)
	}
}

func BenchmarkGate(b *testing.B) {
	g := newGate()
	g.open(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil, nil)
	aws, _, _ := g.handlers()
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		aws.ServeHTTP(w, r)
	}
}
