package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/control"
)

// What people see of replays is a golden file.
func TestShowReplay(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 8, 56, 0, time.UTC)
	const ms = time.Millisecond
	recorded := func(r control.Recorded) control.Recorded {
		r.Trace, r.Time = "6b025cc87b70923c61de92940ba9dae3", at
		return r
	}
	const fn = "arn:aws:lambda:us-east-1:000000000000:function:shop-dev-userApi"
	var out bytes.Buffer
	r := replaying{app: &app{terminal: terminal{out: &out}, output: "text"}}
	for _, got := range []control.Replay{
		{Function: fn, Same: true, Answer: control.Answer{Payload: json.RawMessage(`null`), Duration: ms}, Recorded: recorded(control.Recorded{Function: fn, Answer: control.Answer{Payload: json.RawMessage(`null`), Duration: 12 * ms}})},
		{
			Function: fn, Edited: true, Answer: control.Answer{Payload: json.RawMessage(`{"statusCode":200,"body":"{\"b\":1,\"a\":[1,2.50]}"}`), Duration: ms},
			Recorded: recorded(control.Recorded{Function: fn, Answer: control.Answer{Payload: json.RawMessage(`{"errorType":"Broken","errorMessage":"no luck"}`), Error: "Broken", Duration: 12 * ms}}),
		},
		{
			Answer: control.Answer{Status: 404, Body: "nothing\nhere\n", Header: http.Header{"Content-Type": {"text/plain"}, "Date": {"now"}}, Duration: 2 * time.Second},
			Recorded: recorded(control.Recorded{HTTP: &control.HTTPRequest{Method: "GET", Path: "/users?x=1"}, Answer: control.Answer{
				Status: 200, Body: `{"id":1}`, Header: http.Header{"Content-Type": {"application/json"}, "Date": {"then"}, "X-A": {"1", "2"}},
			}}),
		},
	} {
		got.Trace = "6b025cc9fdad4ff487f9446db7ce7b2f"
		if err := r.show(&got); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	golden(t, "replay.golden", out.Bytes())
}

// A marked text has both texts in it, each in its order, and no line is said to
// have changed that stands in both without anything else having moved.
func TestMarked(t *testing.T) {
	a := &app{terminal: terminal{out: &bytes.Buffer{}}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var was, is []string
		for range rng.IntN(12) {
			was = append(was, string(rune('a'+rng.IntN(4))))
		}
		for range rng.IntN(12) {
			is = append(is, string(rune('a'+rng.IntN(4))))
		}
		if rng.IntN(3) == 0 {
			is = append([]string{"new"}, was...)
		}
		var old, new []string
		changes := 0
		for line := range strings.Lines(a.marked(was, is)) {
			text := strings.TrimSuffix(line[2:], "\n")
			switch line[:2] {
			case "  ":
				old, new = append(old, text), append(new, text)
			case "- ":
				old, changes = append(old, text), changes+1
			case "+ ":
				new, changes = append(new, text), changes+1
			}
		}
		if cmp.Diff(was, old) != "" || cmp.Diff(is, new) != "" {
			t.Fatalf("%q and %q became\n%s", was, is, a.marked(was, is))
		}
		if len(is) == len(was)+1 && is[0] == "new" && changes != 1 {
			t.Errorf("a line before %q: %d changes", was, changes)
		}
	}
}
