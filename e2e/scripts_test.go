package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the outputs that scripts compare with")

// TestCommandLine holds the command line to the scripts in testdata/scripts:
// words needs no cloud, empty one without an application, shop one that runs
// examples/shop, and so does each of clock, fault and snapshot, which would get in
// the way of others. Scripts of a folder run at the same time against one cloud.
func TestCommandLine(t *testing.T) {
	t.Run("words", func(t *testing.T) { scripts(t, "words", nil) })
	t.Run("empty", func(t *testing.T) { scripts(t, "empty", start(t, "memory", "start")) })
	t.Run("shop", func(t *testing.T) { scripts(t, "shop", start(t, "memory", "up", "../examples/shop")) })
	for _, own := range []string{"clock", "fault", "snapshot"} {
		t.Run(own, func(t *testing.T) { scripts(t, own, start(t, "memory", "up", "../examples/shop")) })
	}
}

// scripts runs the scripts of a folder. Beside testscript's own commands they
// have
//
//	code N COMMAND…      COMMAND ends with the exit code N
//	json PATH REGEXP     the JSON on standard output has a value at PATH, such as .functions.0.name, that matches
//	http METHOD PATH [BODY]   the application's status, headers and body, on standard output
//	header NAME VARIABLE      a header that http has printed, for $VARIABLE
//	mail FROM TO SUBJECT TEXT [HTML]   an application sends mail
func scripts(t *testing.T, folder string, c *cloud) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	if bin, err = filepath.Abs(bin); err == nil {
		err = os.Symlink(bin, filepath.Join(path, "nube"))
	}
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "scripts", folder), UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", path+string(filepath.ListSeparator)+e.Getenv("PATH"))
			if c != nil {
				e.Setenv("AWS_ENDPOINT_URL", c.Endpoint)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":   endsWith,
			"json":   hasJSON,
			"header": header,
			"http":   func(ts *testscript.TestScript, neg bool, args []string) { ts.Check(c.exchange(ts, args)) },
			"mail":   func(ts *testscript.TestScript, neg bool, args []string) { c.sends(ts, neg, args) },
		},
	})
}

func endsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func hasJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH REGEXP")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	found := walk(v, strings.Split(strings.TrimPrefix(args[0], "."), "."))
	text, err := json.Marshal(found)
	ts.Check(err)
	if s, ok := found.(string); ok {
		text = []byte(s)
	}
	matches, err := regexp.MatchString(args[1], string(text))
	ts.Check(err)
	if matches == neg {
		ts.Fatalf("%s is %s", args[0], text)
	}
}

// walk is the value at a path of member names and indexes; null where there is
// none.
func walk(v any, path []string) any {
	for _, p := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func header(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: header NAME VARIABLE")
	}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if name, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(name, args[0]) {
			ts.Setenv(args[1], strings.TrimSpace(value))
			return
		}
	}
	ts.Fatalf("no header %s", args[0])
}

func (c *cloud) exchange(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("usage: http METHOD PATH [BODY]")
	}
	body := strings.Join(args[2:], "")
	r, err := c.try(args[0], args[1], body)
	if err != nil {
		return err
	}
	w := ts.Stdout()
	fmt.Fprintf(w, "%d %s\n", r.status, http.StatusText(r.status))
	r.header.Write(w)
	fmt.Fprintf(w, "\n%s\n", r.body)
	return nil
}
