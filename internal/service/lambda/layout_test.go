package lambda

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

var update = flag.Bool("update", false, "write the golden files")

// The keys and rows lie on disks: a change here is a change of the store's
// format, and needs a line in its history.
func TestLayoutGolden(t *testing.T) {
	sp := spaceOf(testCell)
	var b strings.Builder
	key := func(name string, k kv.Key) { fmt.Fprintf(&b, "%-10s %s\n%-10s %x\n", name, k, "", []byte(k)) }
	key("function", sp.function("resize"))
	key("version", sp.version(7, 300))
	key("lastLayer", sp.lastLayer("libs"))
	key("layer", sp.layer("libs", 2))
	key("next", sp.next())
	key("reserved", sp.reserved())
	key("url", sp.url("abc"))
	row := func(name string, v any) {
		raw, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-10s %s\n", name, raw)
	}
	at := clock.Unix(1795301973, 5)
	row("function", &function{
		ID: 7, Name: "resize", LastVersion: 3, Reserved: ptr(int32(5)), Tags: map[string]string{"team": "green"},
		Latest: config{
			Version: latest, Description: "d", Runtime: "nodejs20.x", Handler: "index.handler", Role: testRole, Timeout: 3, Memory: 128, Tmp: 512,
			Env: map[string]string{"A": "1"}, HasEnv: true, Layers: []layerRef{{"arn", "digest", 9}}, Code: code{"digest", "sha", 10}, Arch: "x86_64",
			Tracing: "PassThrough", DeadLetter: "arn", KMSKey: "key", Lock: []byte{1}, Subnets: []string{"s"}, Groups: []string{"g"}, LogGroup: "group", Modified: at,
			Revision: "r", Failed: "why", FailedCode: "FunctionError",
		},
		Aliases:     map[string]*alias{"prod": {Version: "3", Description: "d", Weights: map[string]float64{"2": 0.1}, Revision: "r"}},
		Policies:    map[string]*permissions{"": {Revision: "r", Statements: []json.RawMessage{json.RawMessage(`{"Sid":"x"}`)}}},
		Async:       map[string]*async{latest: {Attempts: ptr(int32(1)), Age: ptr(int32(60)), OnSuccess: "a", OnFailure: "b", Modified: at}},
		URLs:        map[string]*functionURL{"": {ID: "abc", Auth: "NONE", CORS: &shapes.Cors{MaxAge: ptr(int32(5))}, Created: at, Modified: at}},
		Provisioned: map[string]*provisioning{"3": {Wanted: 2, Modified: at}},
	})
	row("url", urlOwner{"resize", "prod"})
	row("layer", &layer{Version: 2, Description: "d", License: "MIT", Runtimes: []string{"nodejs20.x"}, Archs: []string{"arm64"}, Code: code{"digest", "sha", 10}, Created: at})
	const golden = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the layout has changed (-golden +now):\n%s", d)
	}
}

// Every key can be read back, and those of one function are its own.
func TestKeysRoundTrip(t *testing.T) {
	sp := spaceOf(testCell)
	d := sp.Decode(sp.layer("a\x00b", 9))
	if kind, name, n := d.Str(), d.Str(), d.Uint(); kind != "layer" || name != "a\x00b" || n != 9 || d.Done() != nil {
		t.Errorf("%s %q %d %v", kind, name, n, d.Err())
	}
	if r := sp.versions(1); string(sp.version(1, 1)) < string(r.Start) || string(sp.version(10, 1)) < string(r.End) && string(sp.version(10, 1)) > string(r.Start) {
		t.Error("the versions of function 10 are among those of function 1")
	}
}

func FuzzParseRef(f *testing.F) {
	c := newCloud(f, nil)
	for _, s := range []string{"f", "f:1", fnARN + "f:prod", "123456789012:function:f", "a:b:c", ":", "arn:aws:lambda:eu-west-1:123456789012:layer:x", "\x00", "f:$LATEST", "f:\x00"} {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, name, qualifier string) {
		r, err := parseRef(c.ctx, &name, &qualifier)
		if err != nil {
			return
		}
		again, err := parseRef(c.ctx, ptr(fnARN+r.name), &r.qualifier)
		if strings.ContainsAny(r.name, ":\x00") || err == nil && again != r {
			t.Errorf("%q %q is %+v, by its ARN %+v", name, qualifier, r, again)
		}
	})
}
