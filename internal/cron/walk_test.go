package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// walk finds the next occurrence of a cron expression the slow way: it looks at
// every minute. It knows nothing of sets, nor of how fields are read elsewhere.
func walk(body string, from time.Time, zone *time.Location, minutes int) (time.Time, bool) {
	parts := strings.Fields(body)
	seen := map[string]bool{}
	// What the clock showed in the hours before may be shown once more.
	start := from.Truncate(time.Minute).Add(-26 * time.Hour)
	for t := start; t.Before(from.Add(time.Duration(minutes) * time.Minute)); t = t.Add(time.Minute) {
		w := t.In(zone)
		if w.Second() != 0 { // zones were not always whole minutes
			continue
		}
		shown := w.Format("2006-01-02 15:04")
		again := seen[shown]
		seen[shown] = true
		if again || !t.After(from) {
			continue
		}
		if holds(parts[0], w.Minute(), 0, 59, "") && holds(parts[1], w.Hour(), 0, 23, "") && holds(parts[3], int(w.Month()), 1, 12, monthNames) &&
			holds(parts[5], w.Year(), firstYear, lastYear, "") && holdsDay(parts[2], parts[4], w) {
			return t, true
		}
	}
	return time.Time{}, false
}

// number is a value of a field.
func number(text, names string) int {
	if i := strings.Index(names, strings.ToUpper(text)); i >= 0 && len(text) == 3 {
		return i/3 + 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("%q was accepted", text))
	}
	return n
}

// holds reports whether a field has a value: it counts up from where each part of
// it begins.
func holds(field string, v, low, high int, names string) bool {
	for part := range strings.SplitSeq(field, ",") {
		what, by, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step = number(by, "")
		}
		from, to := low, high
		if what != "*" {
			a, b, isRange := strings.Cut(what, "-")
			from = number(a, names)
			if isRange {
				to = number(b, names)
			} else if !stepped {
				to = from
			}
		}
		for i, n := 0, from; ; i, n = i+1, n+1 {
			if n > high {
				n = low
			}
			if i%step == 0 && n == v {
				return true
			}
			if n == to {
				break
			}
		}
	}
	return false
}

// holdsDay reports whether the day fields have the day of t.
func holdsDay(month, week string, t time.Time) bool {
	y, m, d := t.Date()
	var days []time.Time // of its month
	for day := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC); day.Month() == m; day = day.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	today := int(t.Weekday()) + 1
	week, month = strings.ToUpper(week), strings.ToUpper(month)
	if month == "?" {
		switch {
		case week == "L":
			return today == 7
		case strings.HasSuffix(week, "L"):
			return today == number(strings.TrimSuffix(week, "L"), dayNames) && d+7 > len(days)
		case strings.Contains(week, "#"):
			day, nth, _ := strings.Cut(week, "#")
			return today == number(day, dayNames) && (d-1)/7+1 == number(nth, "")
		}
		return holds(week, today, 1, 7, dayNames)
	}
	if month == "L" {
		return d == len(days)
	}
	of, isWeekday := strings.CutSuffix(month, "W")
	if !isWeekday {
		return holds(month, d, 1, 31, "")
	}
	n := len(days)
	if of != "L" {
		n = number(of, "")
	}
	if n > len(days) {
		return false
	}
	weekdays := slices.DeleteFunc(slices.Clone(days), func(t time.Time) bool { return t.Weekday() == time.Sunday || t.Weekday() == time.Saturday })
	distance := func(t time.Time) int { return max(t.Day()-n, n-t.Day()) }
	slices.SortStableFunc(weekdays, func(a, b time.Time) int { return distance(a) - distance(b) })
	return weekdays[0].Day() == d
}

// FuzzCron compares Next with a walk over every minute of two weeks.
func FuzzCron(f *testing.F) {
	const spring, autumn = 1772900000, 1793400000 // 2026, a day before New York's clocks change
	for _, body := range []string{
		"0 10 * * ? *", "0/10 * ? * MON-FRI *", "30 2 * * ? *", "30 1 * * ? *", "0/30 20-2 ? * 2-6 *", "0 0 L * ? *", "0 0 LW * ? *", "15 3 15W * ? *", "0 0 ? * L *",
		"0 12 ? * 6L *", "0 0 ? * 3#2 *", "*/7 */5 */3 */2 ? */2", "* * * * ? *", "0 0 31W * ? *", "59 23 28-3 JAN,mar-MAY ? 2026-2030/2", "1-31/30 1-1 ? * 1,7 *",
	} {
		for zone := range uint8(4) {
			f.Add(body, int64(spring), zone)
			f.Add(body, int64(autumn), zone)
		}
	}
	zones := make([]*time.Location, 4)
	for i, name := range []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"} {
		var err error
		if zones[i], err = Zone(name); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, body string, unix int64, zone uint8) {
		e, err := Parse(Rules, "cron("+body+")")
		if err != nil {
			return
		}
		const first, last = -86400 * 365, 7_258_118_400 // 1969 to 2200
		if unix < first || unix > last {
			return
		}
		from, in := time.Unix(unix, 0).UTC(), zones[int(zone)%len(zones)]
		const minutes = 14 * 24 * 60
		want, found := walk(body, from, in, minutes)
		got, ok := e.Next(from, from, in)
		switch {
		case found && (!ok || !got.Equal(want)):
			t.Errorf("cron(%s) in %s after %s: %v, %v; want %v", body, in, from, got, ok, want)
		case !found && ok && got.Before(from.Add(minutes*time.Minute)):
			t.Errorf("cron(%s) in %s after %s: %v, and nothing is due then", body, in, from, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"rate(5 minutes)", "at(2026-01-01T00:00:00)", "cron(0 0 ? * 3#2 *)", "rate(1 hours)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse(Rules, text); err != nil {
			return
		}
		if _, err := Parse(Scheduler, text); err != nil {
			t.Errorf("a rule takes what a schedule does not: %v", err)
		}
	})
}
