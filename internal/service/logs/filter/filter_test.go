package filter

import (
	"errors"
	"strings"
	"testing"
)

// The examples are those of AWS's page, with what it says of them.
var (
	errorEvents = []string{
		"[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[ERROR 419] MISSING ARGUMENTS", "[ERROR 420] INVALID ARGUMENTS",
	}
	trail = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
		"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c"}`
	users = `{"user": {"id": 1, "email": "John.Stiles@example.com"},
		"users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
		"actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]}`
	access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	lines  = []string{
		"INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
		"INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310",
		"WARNING 09/25/2014 12:00:02 Invalid user request",
		"ERROR 09/25/2014 12:00:02 Failed to process request",
	}
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern  string
		messages []string
		want     string // a digit a message
	}{
		{"", []string{"", "anything"}, "11"},
		{"  ", []string{"anything"}, "1"},
		{`" "`, []string{"anything", "any thing"}, "11"},

		// Terms.
		{"ERROR", append(errorEvents, "an error", "ERRORS"), "111101"},
		{"Exception", []string{"java.lang.NullPointerException"}, "1"},
		{"ERROR ARGUMENTS", errorEvents, "0011"},
		{"?ERROR ?ARGUMENTS", append(errorEvents, "[INFO 200] ARGUMENTS", "[INFO 200]"), "111110"},
		{"?ERROR ?ARGUMENTS REQUEST", []string{"[INFO] REQUEST FAILED", "[WARN] UNAUTHORIZED REQUEST", "[ERROR] 400 BAD REQUEST", "[ERROR] MISSING ARGUMENTS"}, "1110"},
		{`"INTERNAL SERVER ERROR"`, []string{"[ERROR 500] INTERNAL SERVER ERROR", "[ERROR 500] INTERNAL ERROR SERVER"}, "10"},
		{"ERROR -ARGUMENTS", errorEvents, "1100"},
		{"-ARGUMENTS", errorEvents, "1100"},
		{`?"BAD REQUEST" ?"ERROR 420"`, errorEvents, "1001"},
		{`ERROR -"BAD REQUEST"`, errorEvents, "0111"},
		{`"say \"hi\" \\ bye"`, []string{`I say "hi" \ bye`, "say hi"}, "10"},
		{"Größe", []string{"Die Größe"}, "1"},

		// Regular expressions.
		{"%AUTHORIZED%", []string{"[ERROR 401] UNAUTHORIZED REQUEST", "[SUCCESS 200] AUTHORIZED REQUEST", "[OK]"}, "110"},
		{"%^[hc]at%", []string{"hat", "cat", "that"}, "110"},
		{"%[hc]at$%", []string{"the hat", "cats"}, "10"},
		{"%colou?r%", []string{"color", "colour", "colouur"}, "110"},
		{"%^a{3,5}$%", []string{"aa", "aaa", "aaaaa", "aaaaaa"}, "0110"},
		{"%^a{,2}$%", []string{"", "aa", "aaa"}, "110"},
		{"%^starting|^initializing|^shutting down%", []string{"starting ...", "shutting down", "skipping initializing ..."}, "110"},
		{`%\[.\]%`, []string{"[a]", "[ ]", "[]"}, "110"},
		{`%10\.10\.0\.1%`, []string{"10.10.0.1", "10010,051"}, "10"},
		{`%\d\s\w\x28%`, []string{"1 a(", "1 a)"}, "10"},

		// JSON: strings.
		{`{ $.eventType = "UpdateTrail" }`, []string{trail, `{"eventType": "Other"}`, "{}", "UpdateTrail", `x {"eventType": "UpdateTrail"}`, trail + " }"}, "100000"},
		{`{ $.eventType = UpdateTrail }`, []string{trail}, "1"},
		{`{$.eventType="Update*"}`, []string{trail}, "1"},
		{`{ $.sourceIPAddress != 123.123.* }`, []string{trail, `{"sourceIPAddress": "123.123.1.1"}`, `{}`}, "100"},
		{`{ $.arrayKey[0] = "value" }`, []string{trail, `{"arrayKey": ["other", "value"]}`, `{"arrayKey": []}`}, "100"},
		{`{ $.objectList[1].id = 2 }`, []string{trail}, "1"},
		{`{ $.eventType = %Trail% }`, []string{trail}, "1"},
		{`{ $.eventType != %Trail% }`, []string{trail, `{"eventType": "x"}`}, "01"},
		{`{ $.arrayKey[*] = %val.{2}% }`, []string{trail, `{"arrayKey": ["v"]}`}, "10"},
		{`{ $.* = %111\.111\.111\.1[0-9]{1,2}% }`, []string{trail}, "1"},
		{`{ $.['cluster.name'] = "c" }`, []string{trail}, "1"},
		{`{ $['cluster.name'] = "c" }`, []string{trail}, "1"},
		{`{ $.SomeObject IS NULL }`, []string{trail, `{"SomeObject": 1}`, `{}`}, "100"},
		{`{ $.a IS TRUE }`, []string{`{"a": true}`, `{"a": false}`, `{"a": "true"}`}, "100"},
		{`{ $.a is false }`, []string{`{"a": false}`}, "1"},
		{`{ $.SomeOtherObject NOT EXISTS }`, []string{trail, `{"SomeOtherObject": null}`, "no JSON"}, "100"},
		// Comparisons know neither what is missing nor arrays, objects, booleans and null.
		{`{ $.a != "x" }`, []string{`{}`, `{"a": []}`, `{"a": {}}`, `{"a": true}`, `{"a": null}`, `{"a": "y"}`, `{"a": 1}`}, "0000011"},
		{`{ $.a = "*" }`, []string{`{"a": ""}`, `{"a": 0}`, `{"a": null}`}, "110"},

		// JSON: numbers.
		{`{ $.n > 75 }`, []string{`{"n": 76}`, `{"n": 75}`, `{"n": "76"}`}, "100"},
		{`{ $.n < 50 }`, []string{`{"n": 49.9}`, `{"n": 50}`}, "10"},
		{`{ $.n >= 60 }`, []string{`{"n": 60}`, `{"n": 59}`}, "10"},
		{`{ $.n <= -5 }`, []string{`{"n": -5}`, `{"n": -4}`}, "10"},
		{`{ $.n = 400}`, []string{`{"n": 400}`, `{"n": 400.0}`, `{"n": "400"}`, `{"n": 401}`}, "1110"},
		{`{ $.n != 500 }`, []string{`{"n": 400}`, `{"n": 500}`}, "10"},
		{`{ $.n[0] = 1e+3 }`, []string{`{"n": [1000]}`, `{"n": [1]}`}, "10"},
		{`{ $.n[0] != 1e-3 }`, []string{`{"n": [0.001]}`, `{"n": [1]}`}, "01"},
		{`{ $.n = 4* }`, []string{`{"n": 404}`, `{"n": 504}`}, "10"},
		{`{ $.n = "123" }`, []string{`{"n": 123}`, `{"n": 123.0}`}, "10"},

		// JSON: compounds.
		{`{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, []string{users}, "1"},
		{`{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" }`, []string{users}, "1"},
		{`{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch") && $.actions[2] = "nonmatch" }`, []string{users}, "0"},
		{`{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`, []string{users}, "0"},
		{`{$.user.id=1&&$.user.id=1||$.x=2}`, []string{users}, "1"},

		// Fields.
		{`[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, []string{access, lines[0]}, "10"},
		{`[..., request =*.html*, status_code = 4*, bytes]`, []string{access}, "1"},
		{`[ip, ..., bytes > 1000]`, []string{access}, "1"},
		{`[ip, ..., bytes > 2000]`, []string{access}, "0"},
		{`[ip, user, ...]`, []string{access, "one two", "one"}, "110"},
		{`[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]`, []string{access, strings.Replace(access, "404", "410", 1), strings.Replace(access, "404", "500", 1)}, "110"},
		{`[a, b, c, timestamp = "10/Oct/2000:13:25:15 -0700", d, e, f]`, []string{access}, "1"},
		{`[a, b, c, d, e, f]`, []string{access}, "1"},
		{`[a, b, c, d, e, f = 404]`, []string{access}, "0"},
		{`[a, b, c, d, e, f, g, h]`, []string{access}, "0"},
		{`[w1=ERROR, w2]`, lines, "0001"},
		{`[w1=ERROR || w1=WARNING, w2]`, lines, "0011"},
		{`[w1!=ERROR && w1!=WARNING, w2]`, lines, "1100"},
		{`[w1!=ERROR&&w1!=WARNING,w2]`, lines, "1100"},
		{`[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]`, lines, "1000"},
		{`[logLevel, date, time, method, url=%/service/resource/[0-9]+/part/[0-9]+$%, response_time]`, lines, "0100"},
		{`[(w1=ERROR || w1=INFO) && w1!=INFO, w2]`, lines, "0001"},
		{`[]`, []string{"", "anything"}, "11"},
		{`[a]`, []string{"", "one"}, "01"},
		{`[a = "x y", b]`, []string{`"x y" z`, `[x y] z`, `x y z`}, "110"},
	} {
		p, err := Parse(test.pattern)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.pattern, err)
			continue
		}
		for i, m := range test.messages {
			if got := p.Match(m); got != (test.want[i] == '1') {
				t.Errorf("%s on %s: %v", test.pattern, m, got)
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	for pattern, want := range map[string]string{
		`foo:bar`:                              "Invalid character(s) in term 'foo:bar'",
		`foo-bar`:                              "Invalid character(s) in term 'foo-bar'",
		`"open`:                                `Invalid filter pattern: "open has no closing quotation mark`,
		`?`:                                    "Invalid filter pattern: a term is missing at \"?\"",
		`ERROR - x`:                            "Invalid filter pattern: a term is missing at \"- x\"",
		`%open`:                                "Invalid filter pattern: %open has no closing %",
		`%%`:                                   "Invalid filter pattern: an empty regular expression",
		`%something!%`:                         `Invalid filter pattern: "!" is not supported in regular expressions`,
		`%(ab)+%`:                              `Invalid filter pattern: "(" is not supported in regular expressions`,
		`%\(ab%`:                               `Invalid filter pattern: \( is not supported in regular expressions`,
		`%\p%`:                                 `Invalid filter pattern: \p is not supported in regular expressions`,
		`%[a%`:                                 `Invalid filter pattern: %[a% is no regular expression`,
		`%a% b`:                                `Invalid filter pattern: "b" follows a regular expression`,
		`{}`:                                   `Invalid filter pattern: "}" where a selector such as $.field is expected`,
		`{ $.a = }`:                            `Invalid filter pattern: a value is missing before "}"`,
		`{ $.a = 1`:                            `Invalid filter pattern: "" where an operator or } is expected`,
		`{ $.a = 1 } x`:                        `Invalid filter pattern: "x" after the closing brace`,
		`{ $.a > "1" }`:                        "Invalid character(s) in term '1'",
		`{ $.a >= x }`:                         "Invalid character(s) in term 'x'",
		`{ $.a IS NOT NULL }`:                  `Invalid filter pattern: "NOT NULL }" where NULL, TRUE or FALSE is expected`,
		`{ $.a EXISTS }`:                       `Invalid filter pattern: "EXISTS }" where an operator is expected`,
		`{ $.a NOT THERE }`:                    `Invalid filter pattern: "THERE }" where EXISTS is expected`,
		`{ $ = 1 }`:                            `Invalid filter pattern: "$ = 1 }" is no selector`,
		`{ $.a. = 1 }`:                         `Invalid filter pattern: "$.a. = 1 }" is no selector`,
		`{ $.a[x] = 1 }`:                       `Invalid filter pattern: "x" is no index`,
		`{ $.a[0 = 1 }`:                        `Invalid filter pattern: "$.a[0 = 1 }" has no closing bracket`,
		`{ ($.a = 1 }`:                         `Invalid filter pattern: a parenthesis is not closed before "}"`,
		`{ $.*.b.* = 1 }`:                      `Invalid filter pattern: $.*.b.* has more than one wildcard`,
		`{ $.*=1 || $.*=1 || $.*=1 || $.*=1 }`: "Invalid filter pattern: more than 3 wildcard selectors",
		`[a=%x%, b=%y%, c=%z%]`:                "Invalid filter pattern: more than 2 regular expressions",
		`[a, ..., b, ...]`:                     "Invalid filter pattern: more than one ellipsis",
		`[a, b`:                                `Invalid filter pattern: "" where a comma or ] is expected`,
		`[a,]`:                                 `Invalid filter pattern: "]" where the name of a field is expected`,
		`[a] b`:                                `Invalid filter pattern: "b" after the closing bracket`,
		`{ ` + strings.Repeat("(", 200):        "Invalid filter pattern: parentheses are nested too deep",
	} {
		_, err := Parse(pattern)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%s) = %v, want %s", pattern, err, want)
		}
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("Parse(%s): %v is not ErrInvalid", pattern, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range []string{
		`ERROR -x ?"y"`, `%a|b%`, `{ ($.a[0].*="x*" || $['b'] IS NULL) && $.c NOT EXISTS && $.d >= 1e3 }`, `[a=1||a!="x", ..., b=%c%]`,
	} {
		f.Add(p, access)
		f.Add(p, trail)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("Parse(%q): %v", pattern, err)
			}
			return
		}
		if first, second := p.Match(message), p.Match(message); first != second {
			t.Errorf("%q on %q: twice differently", pattern, message)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b*c", "axxbyyc")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if got, want := glob(pattern, s), slowGlob(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// slowGlob is glob by definition.
func slowGlob(pattern, s string) bool {
	ends := map[int]bool{0: true}
	for i := range len(pattern) {
		next := map[int]bool{}
		for e := range ends {
			if pattern[i] == '*' {
				for j := e; j <= len(s); j++ {
					next[j] = true
				}
			} else if e < len(s) && s[e] == pattern[i] {
				next[e+1] = true
			}
		}
		ends = next
	}
	return ends[len(s)]
}

func BenchmarkMatch(b *testing.B) {
	for name, pattern := range map[string]string{"terms": "ERROR -x", "json": `{ $.objectList[1].id = 2 }`, "fields": `[..., status = 4*, bytes]`} {
		p, err := Parse(pattern)
		if err != nil {
			b.Fatal(err)
		}
		message := trail
		if name == "fields" {
			message = access
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(message)
			}
		})
	}
}
