package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what an expression is.
type Kind uint8

// The kinds.
const (
	Rate Kind = iota
	Cron
	At
)

// Expression is a schedule expression.
type Expression struct {
	Kind  Kind
	Every time.Duration // of Rate
	once  wall          // of At
	cron  fields        // of Cron
}

// Dialect is whose expressions are read.
type Dialect uint8

const (
	// Rules are of EventBridge: no at, and a unit in the singular goes with one
	// alone.
	Rules Dialect = iota
	// Scheduler is EventBridge Scheduler's: rate(1 hours) is as good as rate(1
	// hour).
	Scheduler
)

// Parse reads an expression.
func Parse(d Dialect, text string) (*Expression, error) {
	name, rest, ok := strings.Cut(text, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("%q is not of the form rate(…), cron(…) or at(…)", text)
	}
	e := &Expression{}
	var err error
	switch {
	case name == "rate":
		e.Kind = Rate
		e.Every, err = parseRate(d, body)
	case name == "cron":
		e.Kind = Cron
		e.cron, err = parseFields(body)
	case name == "at" && d == Scheduler:
		e.Kind = At
		e.once, err = parseAt(body)
	default:
		err = fmt.Errorf("%q is no kind of expression", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return e, nil
}

// maxEvery bounds rates: the years that there are.
const maxEvery = 230 * 366 * 24 * time.Hour

func parseRate(d Dialect, body string) (time.Duration, error) {
	parts := strings.Fields(body)
	if len(parts) != 2 || body != strings.TrimSpace(body) {
		return 0, errors.New("a rate is a number and a unit")
	}
	n, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no positive number", parts[0])
	}
	singular, plural := strings.CutSuffix(parts[1], "s")
	var unit time.Duration
	switch singular {
	case "minute":
		unit = time.Minute
	case "hour":
		unit = time.Hour
	case "day":
		unit = 24 * time.Hour
	default:
		return 0, fmt.Errorf("%q is none of minute, minutes, hour, hours, day and days", parts[1])
	}
	if d == Rules && plural != (n > 1) {
		return 0, fmt.Errorf("%d does not go with %q", n, parts[1])
	}
	if n > uint64(maxEvery/unit) {
		return 0, fmt.Errorf("%s is too long", body)
	}
	return time.Duration(n) * unit, nil
}

func parseAt(body string) (wall, error) {
	t, err := time.Parse("2006-01-02T15:04:05", body)
	if err != nil || len(body) != len("2006-01-02T15:04:05") {
		return wall{}, fmt.Errorf("%q is not of the form yyyy-mm-ddThh:mm:ss", body)
	}
	return wallOf(t), nil
}

// Next returns the first time after t that the expression names in a zone; false
// when there is none any more. Of a rate, which begins at start, start itself is
// the first.
func (e *Expression) Next(t, start time.Time, zone *time.Location) (time.Time, bool) {
	switch e.Kind {
	case Rate:
		if t.Before(start) {
			return start, true
		}
		next := start.Add((t.Sub(start)/e.Every + 1) * e.Every)
		return next, next.Year() <= lastYear
	case At:
		once, ok := e.once.in(zone)
		return once, ok && once.After(t)
	default:
		return e.cron.next(t, zone)
	}
}

// Once is the time of an At in a zone. A time that the zone skips is none.
func (e *Expression) Once(zone *time.Location) (time.Time, bool) { return e.once.in(zone) }
