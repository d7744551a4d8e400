package runner

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the log of a function looks like, line by line.
func TestLogLines(t *testing.T) {
	const report = `REPORT RequestId: ID\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\t`
	for _, tt := range []struct {
		lang int
		do   []do
		want []string
	}{
		{0, []do{{"do": "print", "text": "one\ntwo"}}, []string{
			`INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:[0-9a-f]{64}`,
			`init`, `START RequestId: ID Version: \$LATEST`, `one`, `two`, `END RequestId: ID`, report + `Init Duration: \d+\.\d\d ms\t`}},
		{1, []do{{"do": "print", "text": "one\ntwo"}, {"do": "write", "text": "no end"}}, []string{
			`INIT_START Runtime Version: nodejs:20\.v20[0-9.]+\tRuntime Version ARN: .*`,
			`START RequestId: ID Version: \$LATEST`, "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\\tID\\tINFO\\tone\ntwo",
			`END RequestId: ID`, report + `Init Duration: \d+\.\d\d ms\t`,
			`START RequestId: ID Version: \$LATEST`, `no end`, `END RequestId: ID`, report}},
		{2, []do{{"do": "print", "text": "one\ntwo"}, {"do": "log", "text": "a\nb"}, {"do": "fail", "text": "oh"}}, []string{
			`INIT_START Runtime Version: python:3\.11\.v3\.11[0-9.]+\tRuntime Version ARN: .*`,
			`START RequestId: ID Version: \$LATEST`, `one`, `two`, `END RequestId: ID`, report + `Init Duration: \d+\.\d\d ms\t`,
			`START RequestId: ID Version: \$LATEST`, "\\[WARNING\\]\\t\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\\tID\\ta\nb", `END RequestId: ID`, report,
			`START RequestId: ID Version: \$LATEST`, "\\[ERROR\\] Mistake: oh\nTraceback \\(most recent call last\\):\n  File \"[^\n]*index.py\", line \\d+, in handler\n    raise Mistake\\(text\\)", `END RequestId: ID`, report}},
	} {
		l := languages()[tt.lang]
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t)
			id := newID()
			for n, d := range tt.do {
				g.invoke(s, d, func(in *Invocation) { in.RequestID = id })
				g.logs.until(t, func(log string) bool { return strings.Count(log, "REPORT ") == n+1 })
			}
			g.logs.mu.Lock()
			defer g.logs.mu.Unlock()
			var got []string
			for _, e := range g.logs.events {
				got = append(got, strings.ReplaceAll(e.Message, id, "ID"))
			}
			if len(got) != len(tt.want) {
				t.Fatalf("%d events, want %d:\n%s", len(got), len(tt.want), strings.Join(got, ""))
			}
			for n, want := range tt.want {
				if !regexp.MustCompile(`^` + want + "\n$").MatchString(got[n]) {
					t.Errorf("event %d is %q, want %s", n, got[n], want)
				}
			}
		})
	}
}

// A caller that asks for the log gets all of it, up to 4 KB, with the answer.
func TestTail(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t)
			tail := func(in *Invocation) { in.Tail = true }
			for range 2 {
				res := g.invoke(s, do{"do": "print", "text": "hello"}, tail)
				log := string(res.Tail)
				if !strings.HasPrefix(log, "START RequestId: ") || !strings.Contains(log, "hello\nEND RequestId: ") || !strings.Contains(log, "\nREPORT ") {
					t.Errorf("tail:\n%s", log)
				}
			}
			res := g.invoke(s, do{"do": "print", "text": strings.Repeat("long ", 4000)}, tail)
			if len(res.Tail) != 4096 || !strings.Contains(string(res.Tail), "long \nEND RequestId: ") {
				t.Errorf("tail of %d bytes:\n%s", len(res.Tail), res.Tail)
			}
		})
	}
	t.Run("time-out", func(t *testing.T) {
		g := newRig(t, nil)
		s := languages()[0].spec(t, func(s *Spec) { s.Timeout = 300 * time.Millisecond })
		res := g.invoke(s, do{"do": "sleep", "n": 60000}, func(in *Invocation) { in.Tail = true })
		if log := string(res.Tail); !strings.Contains(log, "Task timed out after 0.30 seconds") || !strings.Contains(log, "Status: timeout") {
			t.Errorf("tail:\n%s", log)
		}
	})
}
