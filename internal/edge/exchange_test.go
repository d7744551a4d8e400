package edge_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// reader is an API that reads so much of a body and answers so much.
type reader struct {
	apis
	read, answer int
}

func (a *reader) Serve(w http.ResponseWriter, r *http.Request, _ edge.Target, _ string) {
	_, _ = io.CopyN(io.Discard, r.Body, int64(a.read)) // a body may be shorter
	w.Header().Set("X-Answered", "yes")
	w.WriteHeader(http.StatusAccepted)
	for n := a.answer; n > 0; n -= 1 << 20 {
		_, _ = w.Write(bytes.Repeat([]byte("a"), min(n, 1<<20))) // to a recorder
	}
}

// What a request and its answer say is recorded, whatever the API has read of it,
// up to what a gateway takes; and nothing when that is not wanted.
func TestExchanges(t *testing.T) {
	const most = 10 << 20
	for _, test := range []struct {
		name          string
		body          int
		read, answer  int
		head          string
		off, endpoint bool
		sent, got     int
		cut           bool
	}{
		{name: "all of it", body: 5000, read: 1 << 30, answer: 7, sent: 5000, got: 7},
		{name: "no body"},
		{name: "nothing was read", body: 5000, sent: 5000},
		{name: "a part was read", body: 5000, read: 10, sent: 5000},
		{name: "much was not read", body: 1 << 20, sent: 256 << 10},
		{name: "the client waits to be asked", body: 5000, head: "100-continue"},
		{name: "too long", body: most + 1, read: 1 << 30, answer: most + 9, sent: most, got: most, cut: true},
		{name: "on the AWS endpoint", body: 1, read: 1, endpoint: true, sent: 1},
		{name: "off", body: 1, read: 1, off: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: clock.NewModel(clock.State{}), NoExchanges: test.off})
			if err != nil {
				t.Fatal(err)
			}
			defer recorder.Close()
			e := edge.New(&reader{read: test.read, answer: test.answer}, arn.In("eu-central-1", "123456789012"), work.NewLedger(), recorder)
			path, h := "/users?x=1", e.Gateway()
			if test.endpoint {
				path, h = "/_aws/execute-api/abc/dev/users?x=1", endpoint(e)
			}
			var body io.Reader
			if test.body > 0 {
				body = strings.NewReader(strings.Repeat("b", test.body))
			}
			r := httptest.NewRequest("PUT", "http://localhost:3000"+path, body)
			if test.head != "" {
				r.Header.Set("Expect", test.head)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Body.Len() != test.answer {
				t.Errorf("%d bytes were answered, not %d", w.Body.Len(), test.answer)
			}
			var got []record.Exchange
			for x, err := range recorder.Exchanges.Recent(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, x)
			}
			if test.off {
				if len(got) != 0 {
					t.Errorf("recorded: %+v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d exchanges", len(got))
			}
			x, is := got[0], got[0].HTTP
			if len(x.Event) != test.sent || len(x.Answer) != test.got || is.Cut != test.cut {
				t.Errorf("%d bytes were sent, %d answered, cut %v", len(x.Event), len(x.Answer), is.Cut)
			}
			said := fmt.Sprint(is.Method, " ", is.Host, " ", is.URI, " ", is.Remote, " ", is.Endpoint, " ", is.Status, " ", is.Answer.Get("X-Answered"))
			if want := fmt.Sprint("PUT localhost:3000 ", path, " 192.0.2.1:1234 ", test.endpoint, " 202 yes"); said != want {
				t.Errorf("%s, want %s", said, want)
			}
		})
	}
}
