package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

const (
	firstYear = 1970
	lastYear  = 2199
)

// fields is a cron expression: sets of numbers, one bit each.
type fields struct {
	minutes, hours, months uint64
	years                  [4]uint64 // since firstYear
	month                  monthDays
	week                   weekDays
}

// monthDays is the day-of-month field.
type monthDays struct {
	any     bool // "?"
	days    uint64
	last    bool
	weekday bool // the weekday that is closest to the one day, or to the last one
}

// weekDays is the day-of-week field. Sunday is 1.
type weekDays struct {
	any   bool
	days  uint64
	last  int // the last such day of the month; 0: not asked for
	nth   int // with day: the nth such day of the month
	ofNth int
}

// unit is what the values of a field may be.
type unit struct {
	name       string
	low, high  int
	most       int // the largest increment
	names      string
	firstNamed int
}

const (
	monthNames = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	dayNames   = "SUNMONTUEWEDTHUFRISAT"
)

func parseFields(body string) (f fields, err error) {
	parts := strings.Fields(body)
	if len(parts) != 6 {
		return f, fmt.Errorf("there are %d fields, not 6: minutes, hours, day of month, month, day of week and year", len(parts))
	}
	for i, field := range []struct {
		unit
		into *uint64
	}{
		0: {unit{name: "minutes", high: 59, most: 59}, &f.minutes},
		1: {unit{name: "hours", high: 23, most: 23}, &f.hours},
		3: {unit{name: "month", low: 1, high: 12, most: 12, names: monthNames, firstNamed: 1}, &f.months},
	} {
		if field.into == nil {
			continue
		}
		if err := field.parse(parts[i], func(n int) { *field.into |= 1 << n }); err != nil {
			return f, err
		}
	}
	years := unit{name: "year", low: firstYear, high: lastYear, most: lastYear - firstYear}
	if err := years.parse(parts[5], func(n int) { f.years[(n-firstYear)/64] |= 1 << ((n - firstYear) % 64) }); err != nil {
		return f, err
	}
	if f.month, err = parseMonthDays(parts[2]); err != nil {
		return f, err
	}
	if f.week, err = parseWeekDays(parts[4]); err != nil {
		return f, err
	}
	if f.month.any == f.week.any {
		return f, errors.New("one of day of month and day of week must be ?, and only one")
	}
	return f, nil
}

func parseMonthDays(text string) (m monthDays, err error) {
	u := unit{name: "day of month", low: 1, high: 31, most: 31}
	switch day, weekday := strings.CutSuffix(strings.ToUpper(text), "W"); {
	case text == "?":
		m.any = true
	case day == "L":
		m.last, m.weekday = true, weekday
	case weekday:
		n, err := u.value(day)
		if err != nil {
			return m, err
		}
		m.weekday, m.days = true, 1<<n
	default:
		err = u.parse(text, func(n int) { m.days |= 1 << n })
	}
	return m, err
}

func parseWeekDays(text string) (w weekDays, err error) {
	u := unit{name: "day of week", low: 1, high: 7, most: 7, names: dayNames, firstNamed: 1}
	upper := strings.ToUpper(text)
	day, last := strings.CutSuffix(upper, "L")
	before, after, nth := strings.Cut(upper, "#")
	switch {
	case text == "?":
		w.any = true
	case upper == "L":
		w.days = 1 << 7 // the last day of the week
	case last:
		w.last, err = u.value(day)
	case nth:
		if w.ofNth, err = u.value(before); err == nil {
			w.nth, err = unit{name: "which of the month", low: 1, high: 5}.value(after)
		}
	default:
		err = u.parse(text, func(n int) { w.days |= 1 << n })
	}
	return w, err
}

// parse reads a list of values, ranges and increments.
func (u unit) parse(text string, set func(int)) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := u.part(part, set); err != nil {
			return err
		}
	}
	return nil
}

func (u unit) part(text string, set func(int)) error {
	step := 1
	what, increment, stepped := strings.Cut(text, "/")
	if stepped {
		var err error
		if step, err = strconv.Atoi(increment); err != nil || step < 1 || step > u.most || increment[0] == '+' {
			return fmt.Errorf("%s: %q is no increment", u.name, increment)
		}
	}
	low, high := u.low, u.high
	if what != "*" {
		from, to, isRange := strings.Cut(what, "-")
		var err error
		if low, err = u.value(from); err != nil {
			return err
		}
		switch {
		case isRange:
			if high, err = u.value(to); err != nil {
				return err
			}
		case !stepped:
			high = low
		}
	}
	if high < low {
		if u.low == firstYear {
			return fmt.Errorf("%s: %q ends before it begins", u.name, what)
		}
		high += u.high - u.low + 1 // over the end
	}
	for n := low; n <= high; n += step {
		if n > u.high {
			set(n - (u.high - u.low + 1))
		} else {
			set(n)
		}
	}
	return nil
}

// value reads a number or a name.
func (u unit) value(text string) (int, error) {
	if at := strings.Index(u.names, strings.ToUpper(text)); len(text) == 3 && at >= 0 && at%3 == 0 {
		return at/3 + u.firstNamed, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || text[0] == '+' || text[0] == '-' || n < u.low || n > u.high {
		return 0, fmt.Errorf("%s: %q is not from %d to %d", u.name, text, u.low, u.high)
	}
	return n, nil
}

// after is the first number of a set that is not before n, or -1.
func after(set uint64, n int) int {
	if n > 63 {
		return -1
	}
	if set = set >> n << n; set == 0 {
		return -1
	}
	return bits.TrailingZeros64(set)
}

// hasYear reports whether a year is in the set.
func (f *fields) hasYear(y int) bool {
	return y >= firstYear && y <= lastYear && f.years[(y-firstYear)/64]>>((y-firstYear)%64)&1 == 1
}
