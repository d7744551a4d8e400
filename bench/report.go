package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report collects what was measured, in order.
type report struct {
	out  io.Writer
	rows []row
}

type row struct {
	table, who, column string
	value              string
}

// add adds a throughput.
func (r *report) add(table, who, column string, res result) {
	r.value(table, who, column, res.String())
}

// value adds any figure, and shows it at once.
func (r *report) value(table, who, column, value string) {
	r.rows = append(r.rows, row{table, who, column, value})
	fmt.Fprintf(r.out, "%-24s %-52s %-10s %s\n", table, who, column, value)
}

// markdown writes the tables.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Benchmarks\n\nMeasured %s with `bench/run` on %s.\n\n", time.Now().UTC().Format("2006-01-02"), machine())
	fmt.Fprintf(w, "%s\n", method)
	var tables []string
	for _, row := range r.rows {
		tables = appendNew(tables, row.table)
	}
	for _, t := range tables {
		var whos, columns []string
		cells := map[[2]string]string{}
		for _, row := range r.rows {
			if row.table == t {
				whos, columns = appendNew(whos, row.who), appendNew(columns, row.column)
				cells[[2]string{row.who, row.column}] = row.value
			}
		}
		fmt.Fprintf(w, "\n## %s\n\n| | %s |\n|---|%s\n", t, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		for _, who := range whos {
			fmt.Fprintf(w, "| %s |", who)
			for _, c := range columns {
				fmt.Fprintf(w, " %s |", cells[[2]string{who, c}])
			}
			fmt.Fprintln(w)
		}
	}
}

const method = `Everything in one run, on one machine that runs the load too: keep-alive connections over loopback, each with one request
under way, a quarter of the time to warm up. Requests to DynamoDB are signed with Signature Version 4; nube verifies the
signature, evaluates IAM policies and records each call; what the others do with it was not looked into. "fsync before the answer" is as system-call
traces show it: for a put nube on disk syncs its log once, DynamoDB Local syncs four times. Every put changes its item: nube
writes nothing for a put of what is there already.

The bare path is an unmodified aws-lambda-go function behind the least HTTP server and Runtime API that serve it, in a
process of their own; nube runs the same binary, and both send it the same fields and headers. Contenders take
short turns, many times, in another order each time; of each the median counts, and of two beside each other the median of what they
were round by round. What the function's own processes take is measured on the bare path: there can be no more answers of
unmodified functions on as many processors, even if nothing stood before them and the load cost nothing.

A message's way is three requests, each signed: it is sent, one is received, and that is deleted. A deep queue keeps its
depth. Each server of queues has ten seconds to warm up. ElasticMQ's H2 database was not filled. A put of events is acknowledged when what it causes is durable; the rule that
matches sends it to a queue. HTTP endpoints are paths of one server beside the load; the one that is stuck takes the request
and never answers.

What is compared with a cloud that records everything runs the same application and records less. A change of a handler is
of a text that it answers with; it is asked for every 2 ms until the new one is there. go build alone has the flags that
nube builds with; both compile what they have never seen, with all that it imports in the cache.

A time to ready is from before the process is started to its ready line, with the shop example as a clean stop left it. One
second after it is ready nube unmaps what starting alone has touched of its binary; memory is read after that and before the
first request, whose pages come back.
`

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// machine describes where this ran.
func machine() string {
	kernel, _ := exec.Command("uname", "-sr").Output()
	model := ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d processors (%s), %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version())
}
