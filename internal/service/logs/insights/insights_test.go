package insights

import (
	"errors"
	"strings"
	"testing"
)

func rows() []Row {
	return []Row{ // the newest first
		{"@timestamp": "2026-03-01 12:09:00.000", "@message": "user=ana took 200ms", "level": "ERROR", "ms": 200.0},
		{"@timestamp": "2026-03-01 12:06:00.000", "@message": "user=bob took 30ms", "level": "INFO", "ms": "30"},
		{"@timestamp": "2026-03-01 12:01:00.000", "@message": "user=ana took 10ms", "level": "INFO", "ms": 10.0},
		{"@timestamp": "2026-03-01 12:00:00.000", "@message": "started"},
	}
}

func answer(q *Query) string {
	res := q.Run(rows(), 0)
	var lines []string
	for _, r := range res.Rows {
		var cells []string
		for _, f := range res.Fields {
			cells = append(cells, str(r[f]))
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	return strings.Join(res.Fields, ",") + ": " + strings.Join(lines, " | ")
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func TestQueries(t *testing.T) {
	for in, want := range map[string]string{
		"fields level | limit 2":                                                                                                "level: ERROR | INFO",
		"fields level, ms * 2 as double | filter level = 'INFO'":                                                                "level,double: INFO,60 | INFO,20",
		"filter ms >= 30 | display ms":                                                                                          "ms: 200 | 30",
		"filter @message like /took \\d{2}ms/ | display ms":                                                                     "ms: 30 | 10",
		"filter @message like 'ana' and not ms > 100 | display ms":                                                              "ms: 10",
		"filter level in ['ERROR', 'WARN'] | display ms":                                                                        "ms: 200",
		"filter level not in ['ERROR'] | display ms":                                                                            "ms: 30 | 10 | ",
		"filter not ispresent(level) | display @message":                                                                        "@message: started",
		`parse @message "user=* took *ms" as user, t | filter t > 20 | display user, t`:                                         "user,t: ana,200 | bob,30",
		`parse @message /user=(?<who>\w+)/ | stats count(*) by who | sort who`:                                                  "who,count(*): ana,2 | bob,1 | ,1",
		"stats count(*) as n, avg(ms), max(ms), pct(ms, 50)":                                                                    "n,avg(ms),max(ms),pct(ms, 50): 4,80,200,30",
		"stats sum(ms) as s by bin(5m) | sort s desc":                                                                           "bin(5m),s: 2026-03-01 12:05:00.000,230 | 2026-03-01 12:00:00.000,10",
		"stats count(level) as n, count_distinct(level) as d, earliest(ms) as e, latest(ms) as l, stddev(ms) > 0":               "",
		"stats min(ms) as a | filter a > 100":                                                                                   "a: ",
		"dedup level | display level":                                                                                           "level: ERROR | INFO | ",
		"sort ms asc | limit 1 | display ms":                                                                                    "ms: 10",
		"fields strlen(level) as n, tolower(level) as l, concat(level, '-', ms) as c | limit 1 | display n, l, c":               "n,l,c: 5,error,ERROR-200",
		"fields coalesce(level, 'NONE') as l | display l":                                                                       "l: ERROR | INFO | INFO | NONE",
		"fields substr(@message, 5, 3) as s, replace(level, 'R', 'x') as r | limit 1 | display s, r, datefloor(@timestamp, 1h)": "s,r,datefloor(@timestamp, 1h): ana,ExxOx,2026-03-01 12:00:00.000",
		"fields `ms` | limit 1 # a comment":                                                                                     "ms: 200",
		"filter ms != 30 | display ms":                                                                                          "ms: 200 | 10 | ",
		"filter (level = 'INFO' or ms = 200) and ms < 100 | stats count()":                                                      "count(): 2",
	} {
		q, err := Parse(in)
		if want == "" {
			if err == nil {
				t.Errorf("%s was read", in)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := answer(q); got != want {
			t.Errorf("%s\n gives %s\n want  %s", in, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for in, want := range map[string]string{
		"": "empty", "pattern @message": "pattern is a command that nube does not offer", "unmask a": "does not offer", "foo a": "there is no command foo",
		"fields": "a value is expected", "filter a like b": "like takes", "parse @message '*' as a, b": "1 asterisks and 2 names", "parse @message": "parse takes",
		"limit 0": "limit takes", "limit 99999": "limit takes", "stats foo(a)": "no function foo", "fields foo(a)": "no function foo", "fields bin(5 parsecs)": "no unit of time",
		"filter a like /(/": "regular expression", "fields 'a": "not closed", "filter " + strings.Repeat("(", 200): "deeper", "filter " + strings.Repeat("not ", 300) + "a": "deeper",
		"fields a b": "unexpected", "fields a; b": "unexpected", "filter a in (1)": "brackets",
	} {
		if _, err := Parse(in); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v, want something with %q", in, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range []string{
		"fields @timestamp, @message | filter ms > 10 and level like /E/ | stats count(*) by bin(5m) | sort ms desc | limit 3", `parse @message "a=* b=*" as a, b | dedup a`,
		"filter a in [1, 'x'] or not b =~ /y/", "stats pct(ms, 99) as p by level", "fields substr(a, -1, 9)", "display -1 * 3 % 0", "parse \"\x80\"",
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if q, err := Parse(in); err == nil {
			q.Run(rows(), 0)
		}
	})
}
