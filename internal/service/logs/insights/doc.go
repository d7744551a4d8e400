// Package insights is the query language of CloudWatch Logs Insights: commands
// separated by pipes, each of which takes the rows of the one before it.
//
//	fields @timestamp, @message
//	| parse @message "user=* took *ms" as user, ms
//	| filter ms > 100 and user like /^a/
//	| stats count(*) as n, avg(ms), pct(ms, 99) by bin(5m)
//	| sort n desc | limit 20
//
// It has fields, display, filter, parse, stats, sort, limit and dedup. Commands and
// functions that CloudWatch has and this package has not are refused by their name.
// It knows rows, not logs: who calls it reads the events.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
package insights

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by the errors of [Parse].
var ErrInvalid = errors.New("invalid query")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Row is the fields of one event, or of what a command made of some: texts,
// numbers (float64) and truths (bool).
type Row map[string]any

// command takes rows and returns others.
type command interface{ run(t *table) }

// table is rows and the names of the fields that are shown.
type table struct {
	rows  []Row
	shown []string
	limit int
}

// Query is a parsed query. It is safe for concurrent use.
type Query struct{ commands []command }

// Result is the answer of a query.
type Result struct {
	Rows    []Row
	Fields  []string // in the order in which they are shown
	Matched int      // rows that passed the filters
}

// maxRows is how many rows an answer has, if nothing is said.
const maxRows = 10_000

// Run answers a query over the rows of events, the newest first.
func (q *Query) Run(rows []Row, limit int) Result {
	if limit <= 0 || limit > maxRows {
		limit = maxRows
	}
	t := &table{rows: rows, limit: limit}
	matched := -1
	for _, c := range q.commands {
		if _, isFilter := c.(filterCommand); !isFilter && matched < 0 {
			if _, same := c.(fieldsCommand); !same {
				if _, same := c.(parseCommand); !same {
					matched = len(t.rows)
				}
			}
		}
		c.run(t)
	}
	if matched < 0 {
		matched = len(t.rows)
	}
	if t.shown == nil {
		t.shown = []string{"@timestamp", "@message"}
	}
	return Result{Rows: t.rows[:min(len(t.rows), t.limit)], Fields: t.shown, Matched: matched}
}
