package vtl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// upper is an object with one method and one property.
type upper struct{}

func (upper) Get(name string) (any, bool) { return "a property", name == "is" }

func (upper) Call(name string, args []any) (any, error) {
	if name != "of" || len(args) != 1 {
		return nil, fmt.Errorf("no method %s", name)
	}
	return strings.ToUpper(fmt.Sprint(args[0])), nil
}

// variables are those of all tests.
func variables(t testing.TB) Vars {
	t.Helper()
	payload, err := FromJSON(`{"id":7,"price":249.99,"name":"O'Neil","ok":true,"none":null,"tags":["a","b",{"c":[1,2.5]}],"deep":{"er":{"x-y":"z"}},"header":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	loud := &Map{}
	loud.Put("k", "v")
	return Vars{"in": payload, "s": "text", "n": int64(6), "f": 1.5, "yes": true, "no": false, "empty": "", "up": upper{}, "loud": loud, "zero": int64(0)}
}

func TestExecute(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"text", "a # b $ c 5$ #1 #fff {#} $5 $!5 ${5}", "a # b $ c 5$ #1 #fff {#} $5 $!5 ${5}"},
		{"references", "$s|${s}x|$!s|$!{s}x|$s.|$s.5", "text|textx|text|textx|text.|text.5"},
		{"nothing", "$a|${a}|$!a|$!{a}|$a.b.c()|$loud.x|$!loud.x", "$a|${a}|||$a.b.c()|$loud.x|"},
		{"nothing in a quiet map", "[$in.a|${in.a.b}|$in.none|$in.deep.a]", "[|||]"},
		{"escaped", `\$s \\$s \$a \#if \#x \x \\`, `$s \text \$a #if \#x \x \\`},
		{"properties", "$in.id $in.deep.er.x-y $in['id'] $in.tags[0] $in.tags[-1].c[1] $up.is $up.of('x')", "7 z 7 a 2.5 a property X"},
		{"printed", "$in.price $in.deep $in.tags $f $yes", `249.99 {er={x-y=z}} ["a","b",{"c":[1,2.5]}] 1.5 true`},
		{"made lists and maps", `#set($l = [1, 'a', [2]])#set($m = {"a": 1, 'b': $l})$l $m $m.b[2][0] ${m.a}`, "[1, a, [2]] {a=1, b=[1, a, [2]]} 2 1"},
		{"comments", "a ## b\nc #* d\n *#e #** f *# ##", "a c e  "},
		{"unparsed", "#[[ $s #if ]]#", " $s #if "},
		{"set eats its line", "a\n  #set($x = 1)  \nb $x #set( $x = 2 ) $x", "a\nb 1 2"},
		{"set null", "#set($x = 1)#set($x = $nothing)$x", "1"},
		{"set properties", "#set($in.header.X-Tag = $s)#set($in.tags[1] = 'z')#set($in['new'] = 1)$in.header $in.tags[1] $in.new", "{X-Tag=text} z 1"},
		{"branches", "#if($n == 5)5#elseif($n == 6)6#{else}0#end #if($no)a#{else}b#end#if($no)c#end", "6 b"},
		{"lines", "#if($yes)\na\n#else\nb\n#end\nc\n", "a\nc\n"},
		{"truth", "#if($empty)1#end#if($zero)2#end#if($nothing)3#end#if(!$nothing)4#end#if(null)5#end", "124"},
		{"loops", "#foreach($x in ['a', 'b'])$foreach.index$foreach.count$velocityCount$x#if($foreach.hasNext), #end#end$x$foreach.index", "011a, 122b$x$foreach.index"},
		{"loops within loops", "#foreach($x in [1..2])#foreach($y in [2..1])$foreach.parent.index$foreach.first$foreach.last#end;#end", "0truefalse0falsetrue;1truefalse1falsetrue;"},
		{"loops over maps and nothing", "#foreach($x in {'a': 1, 'b': 2})$x#end#foreach($x in $nothing)x#end", "12"},
		{"entries", "#foreach($e in $in.deep.entrySet())$e.key=$e.value.size() ${e.getKey()}#end", "er=1 er"},
		{"break and stop", "#foreach($x in [1..9])#if($x > 2)#break#end$x#end a#stop b", "12 a"},
		{"define", "#define($d)<$x>#end#set($x = 1)$d#set($x = 2)$d ${d.length()} #set($e = $d)$e \"$d\"", `<1><2> 3<2> "<2>"`},
		{"interpolation", `#set($x = "$s ${in.id}#if($yes)!#end")$x #set($y = '$s')$y #set($z = "a""b")$z #set($w = 'it''s')$w`, `text 7!$sa"bit's`},
		{"no escapes in strings", `#set($x = "\n\\'")$x`, `\n\\'`},
		{"arithmetic", "#set($x = 1 + 2 * 3 - 8 / 3 % 2)$x #set($x = (1 + 2) * 3)$x #set($x = 7 / 2.0)$x #set($x = -$n)$x #set($x = -1 - -2)$x", "793.5-61"},
		{"adding text", "#set($x = 'a' + 1 + 2)$x #set($x = 1 + 2 + 'a')$x", "a123a"},
		{"comparison", "#if(1 < 2 && 2 <= 2 && 3 > 2.5 && 3 >= 3 && 1 != 2 && 1 == 1.0)a#end#if(1 lt 2 and 2 le 2 and 3 gt 2 and 3 ge 3 and 1 ne 2 and 1 eq 1)b#end", "ab"},
		{"equality", "#if('1' == 1)a#end#if($nothing == $none)b#end#if($nothing == '')c#end#if([1] == [1])d#end#if($in.deep == $in.deep)e#end#if('a' != 'b')f#end", "abdef"},
		{"logic", "#if($no || !$no && $yes)a#end#if(not $no or $nothing.x())b#end#if($no and $up.wrong())c#end", "ab"},
		{"ranges", "#foreach($i in [1..3])$i#end #foreach($i in [$n..4])$i#end #set($r = [0..-1])$r", "123 654[0, -1]"},
		{"doubles", "#set($x = 1.0)$x|#set($x = 1.0e10)$x|#set($x = 1.25e-7)$x|#set($x = 123456.75)$x", "1.0|1.0E10|1.25E-7|123456.75"},
		{"strings", `$s.length() $s.substring(1) $s.substring(1, 3) $s.indexOf("x") $s.indexOf("q") $s.lastIndexOf("t") $s.toUpperCase() $s.toUpperCase().toLowerCase() $s.concat("!") $s.charAt(0)`, "4 ext ex 2 -1 3 TEXT text text! t"},
		{"questions to strings", `$s.contains("ex") $s.startsWith("te") $s.endsWith("te") $s.equals("text") $s.equals(1) $s.equalsIgnoreCase("TEXT") $s.isEmpty() $empty.isEmpty() $s.matches("t.*") $s.matches("t") $s.empty`, "true true false true false true false true true false false"},
		{"replacing", `$s.replace("t", "$") $s.replaceAll("[ex]+", "<$0>") $s.replaceFirst("t", "") $s.replaceAll("(e)(x)", '$2$1\$') $s.replace("", "-")`, `$ex$ t<ex>t ext txe$t -t-e-x-t-`},
		{"the cure for escapeJavaScript", `#set($q = "it\'s")$q.replaceAll("\\'", "'")`, `it's`},
		{"splitting", `#set($x = "a=1&b=&&")#set($y = "a=")#set($z = "abc")#set($w = "a,b,c")#foreach($p in $x.split("&"))[$p]#end $y.split("=").size() $z.split("") $w.split(",", 2) "$empty.split(',').size()"`, `[a=1][b=] 1 [a, b, c] [a, b,c] "1"`},
		{"trimming", `#set($x = "  a b ")[$x.trim()]`, "[a b]"},
		{"lists", `#set($l = [])$l.isEmpty() $l.add("a") $l.add(2) $l.size() $l.get(0) $l.contains(2) $l.contains("2") $l.indexOf("a"),#set($u = $l.addAll([3, 4]))$l $l.remove(0) $l.remove("x") $l.set(0, 9) $l`, "true true true 2 a true false 0,[a, 2, 3, 4] a false 2 [9, 3, 4]"},
		{"maps", `#set($m = {})$m.isEmpty() [$m.put("b", 1)] [$m.put("b", 2)] $m.put("a", 3) $m.size() $m.get("b") $m.containsKey("a") $m.containsKey("z") $m.containsValue(3) $m.keySet() $m.values() $m.remove("b") $m $m.getOrDefault("z", 0)`, "true [] [1]  2 2 true false true [b, a] [2, 3] 2 {a=3} 0"},
		{"numbers", `#set($Integer = 0)#set($x = $Integer.parseInt("41") + 1)$x $f.intValue() $n.toString().length() $n.equals(6)`, "42 1 1 true"},
		{"any object", `$in.deep.toString() $yes.toString()`, "{er={x-y=z}} true"},
		{"photos", `#set($inputRoot = [{"id": 1, "type": "dog", "price": 249.99}, {"id": 2, "type": "cat", "price": 124.99}])
[
#foreach($elem in $inputRoot)
  {
    "description": "Item $elem.id is a ${elem.type}.",
    "askingPrice": $elem.price
  }#if($foreach.hasNext),#end

#end
]`, `[
  {
    "description": "Item 1 is a dog.",
    "askingPrice": 249.99
  },
  {
    "description": "Item 2 is a cat.",
    "askingPrice": 124.99
  }
]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Execute(variables(t))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no end", "a\n #if($x)\nb", `line 2, column 2: #if without #end`},
		{"no beginning", "a #end", `line 1, column 3: #end without a directive that it belongs to`},
		{"else in a loop", "#foreach($x in $y)é#else#end", `line 1, column 20: #else in a #foreach`},
		{"two elses", "#if(1)#else#else#end", `line 1, column 12: #else after #else`},
		{"no parenthesis", "#set $x = 1", `line 1, column 6: #set needs a (`},
		{"not closed", "#set($x = 1", `line 1, column 12: #set needs a ), not the end`},
		{"nothing to set", "#set(1 = 1)", `line 1, column 6: #set needs a reference, not "1"`},
		{"a method's result", "#set($x.y() = 1)", `line 1, column 6: a method's result cannot be set`},
		{"no value", "#set($x = )", `line 1, column 11: a value is needed, not ")"`},
		{"a string without end", `#set($x = "a)`, `line 1, column 11: a string without its end`},
		{"within a string", "#set($x = \"a\n${b\")", `line 2, column 4: ${b needs a }, not the end`},
		{"arguments", "$x.y(1 2)", `line 1, column 8: a , or a ) is needed, not "2"`},
		{"index", "$x[1", `line 1, column 5: an index needs a ], not the end`},
		{"in", "#foreach($x of $y)", `line 1, column 13: #foreach needs in, not "o"`},
		{"macro", "#macro(a)#end", `line 1, column 1: #macro is not supported`},
		{"parse", "\n#parse('a')", `line 2, column 1: #parse is not supported`},
		{"break", "#break", `line 1, column 1: #break outside of a #foreach`},
		{"break of a define", "#foreach($x in [1])#define($y)#break#end#end", `line 1, column 31: #break outside of a #foreach`},
		{"number", "#set($x = 99999999999999999999)", `line 1, column 11: 99999999999999999999 is too large a number`},
		{"deep", strings.Repeat("#if(1)", 100), `line 1, column 383: more than 64 directives and expressions within each other`},
		{"too long", strings.Repeat(" ", maxSize+1), `line 1, column 1: the template has 307201 bytes; the most are 307200`},

		{"no method", "\n  $s.foo(1)", `line 2, column 6: a string has no method foo with 1 arguments`},
		{"of an object", "$up.x()", `line 1, column 5: no method x`},
		{"no text", "$up", `line 1, column 1: an object that has no text`},
		{"division", "#set($x = 1 / 0)", `line 1, column 13: a division by zero`},
		{"kinds", "#if(1 < 'a')#end", `line 1, column 7: < needs two numbers, not a number and a string`},
		{"element", "$in.tags[3]", `line 1, column 9: the list has no element 3: it has 3`},
		{"substring", "$s.substring(2, 1)", `line 1, column 4: substring from 2 to 1 of a string of 4 characters`},
		{"pattern", "$s.matches('(?=a)')", "line 1, column 4: a pattern that is not supported: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{"group", "$s.replaceAll('a|t', '$1')", `line 1, column 4: the pattern has no group 1`},
		{"loop over a string", "#foreach($x in $s)#end", `line 1, column 1: a #foreach needs a list, not a string`},
		{"a long loop", "#foreach($x in [1..1001])#end", `line 1, column 1: a #foreach over 1001 elements; API Gateway lets it have 1000`},
		{"a long range", "#set($x = [-9000000000000000000..9000000000000000000])", `line 1, column 11: a range of more than 65536 numbers`},
		{"a define of itself", "#define($d)$d#end$d", `a #define or a value that leads to itself`},
		{"a list in itself", "#set($l = [])#if($l.add($l))$l#end", `line 1, column 29: a value of more than 64 lists and maps within each other`},
		{"many steps", strings.Repeat("#foreach($x in [1..1000])", 4) + "#if($x)#end" + strings.Repeat("#end", 4), `the template takes more than 262144 steps`},
		{"much text", "#set($x = 'aaaaaaaaaa')#foreach($i in [1..1000])#set($x = $x + $x)#end", `bytes of text`},
		{"much output", "#set($x = 'aaaaaaaaaa')#foreach($i in [1..19])#set($x = \"$x$x\")#end$x$x$x", `the result has more than 10485760 bytes`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := Parse(tt.text)
			if err == nil {
				_, err = tmpl.Execute(variables(t))
			}
			if err == nil {
				t.Fatalf("no error; want %s", tt.want)
			}
			if got := err.Error(); got != tt.want && !strings.Contains(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if e := new(Error); !errors.As(err, &e) {
				t.Errorf("no place: %v", err)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		` {"b": 1, "a" : [true, null, 1.50, "x\n\"<é\u0001"]} `: `{"b":1,"a":[true,null,1.5,"x\n\"<é\u0001"]}`,
		`"x"`:                   `"x"`,
		`123456789012345678901`: `1.2345678901234568e+20`,
	} {
		v, err := FromJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := JSON(v)
		if err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	for _, text := range []string{"", "{", "1 2", "a=b", strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		if v, err := FromJSON(text); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
}

// FuzzTemplate: every template is read, or refused with its place; every
// execution ends, the same way each time.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"#set($x = \"a $s ${in.id}\")#foreach($i in [1..3])$i#if($foreach.hasNext), #end#end",
		"#define($d){#foreach($k in $in.keySet())\"$k\": \"$in.get($k)\"#end}#end$d", "#if($s.matches('t.*') || !$no && 1 + 2 * 3 <= 4)a#elseif($x)b#{else}c#end",
		"$!{in.tags[2].c[0]}\\$s #[[x]]# ## c\n#* d *#", "#set($m = {'a': [1, -2.5e1]})$m.a.add($m)$m", "$s.replaceAll('(t)', '$1\\$').split('e')[0]", "#stop#break#macro",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := Parse(text)
		if err != nil {
			if e := new(Error); !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("no place: %v", err)
			}
			return
		}
		first, err := tmpl.Execute(variables(t))
		second, again := tmpl.Execute(variables(t))
		if first != second || (err == nil) != (again == nil) {
			t.Fatalf("%q, %v and %q, %v", first, err, second, again)
		}
		if e := new(Error); err != nil && !errors.As(err, &e) {
			t.Fatalf("no place: %v", err)
		}
	})
}
