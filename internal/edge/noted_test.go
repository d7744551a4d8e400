package edge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// answers is an API that answers as a path says.
type answers struct{ apis }

func (answers) Serve(w http.ResponseWriter, r *http.Request, t edge.Target, _ string) {
	switch t.Path {
	case "/refused":
		w.Header().Set("X-Amzn-Requestid", "one")
		w.Header().Set("X-Amzn-Errortype", "ForbiddenException")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "no")
	case "/broken":
		w.Header().Set("Apigw-Requestid", "two")
		w.WriteHeader(http.StatusBadGateway)
	case "/flushed":
		http.NewResponseController(w).Flush()
		io.WriteString(w, "hello")
	}
}

// A request's span says what was answered.
func TestAnswersAreTraced(t *testing.T) {
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	e := edge.New(&answers{}, arn.In("eu-central-1", "123456789012"), work.NewLedger(), recorder)
	var got []string
	for _, path := range []string{"/refused", "/broken", "/flushed", "/nothing"} {
		r := httptest.NewRequest("POST", "http://localhost:3000"+path, strings.NewReader("four"))
		const trace = "67891233abcdef012345678912345678"
		r.Header.Set("Traceparent", "00-"+trace+"-53995c3f42cd8ad8-01")
		e.Gateway().ServeHTTP(httptest.NewRecorder(), r)
		id, err := record.ParseTraceID(trace)
		if err != nil {
			t.Fatal(err)
		}
		spans, err := recorder.Traces.Trace(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		s := spans[len(spans)-1]
		got = append(got, fmt.Sprintf("%s %d %q %d>%d %s under %s", s.Name, s.Status, s.Error, s.In, s.Out, s.Request, s.Parent))
	}
	want := []string{
		`POST /refused 403 "ForbiddenException" 4>2 one under 53995c3f42cd8ad8`,
		`POST /broken 502 "" 4>0 two under 53995c3f42cd8ad8`,
		`POST /flushed 200 "" 4>5  under 53995c3f42cd8ad8`,
		`POST /nothing 200 "" 4>0  under 53995c3f42cd8ad8`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
