package stack

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestScripts runs testdata/*.txt: a comment, files between "-- name --" lines,
// of which "script" is run and "want" is what it prints. The commands are those
// of [script.command].
//
// refused: what cannot be made is refused before anything is touched, and no
// stack says success for nothing: types that are not offered (floci#2967,
// fakecloud PR#1693, ministack#1601) and custom resources (floci#1145).
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := parseArchive(string(text))
			s := &script{rig: newRig(t, newWorld(t), 1), files: files, seen: map[string]int{}}
			defer s.close()
			for line := range strings.Lines(files.get("script")) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					s.run(line)
				}
			}
			if *update {
				if err := os.WriteFile(path, []byte(files.with("want", s.out.String())), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(files.get("want"), s.out.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

// archive is a comment and named files, as in golang.org/x/tools/txtar.
type archive struct {
	comment string
	names   []string
	texts   []string
}

func parseArchive(s string) *archive {
	a := &archive{}
	for line := range strings.Lines(s) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(name, " --") {
			a.names = append(a.names, strings.TrimSuffix(name, " --"))
			a.texts = append(a.texts, "")
			continue
		}
		if n := len(a.texts); n > 0 {
			a.texts[n-1] += line
		} else {
			a.comment += line
		}
	}
	return a
}

func (a *archive) get(name string) string {
	if i := slices.Index(a.names, name); i >= 0 {
		return a.texts[i]
	}
	return ""
}

// with returns the archive with another text for a name.
func (a *archive) with(name, text string) string {
	b := a.comment
	if !slices.Contains(a.names, name) {
		a.names, a.texts = append(a.names, name), append(a.texts, "")
	}
	for i, n := range a.names {
		t := a.texts[i]
		if n == name {
			t = text
		}
		b += "-- " + n + " --\n" + t
	}
	return b
}

// script runs commands and prints what became of them.
type script struct {
	*rig
	files *archive
	out   strings.Builder
	seen  map[string]int // events printed, by stack id
	calls int            // calls printed
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

// run runs one command and prints it with its error.
func (s *script) run(line string) {
	s.printf("> %s\n", line)
	args := strings.Fields(line)
	if err := s.command(args[0], args[1:]); err != nil {
		var ds template.Diagnostics
		if errors.As(err, &ds) {
			for _, d := range ds {
				s.printf("%s", d.Render())
			}
			return
		}
		s.printf("error: %v\n", err)
	}
}

// command runs one of
//
//	create|update|up <stack> <file> [Param=Value | tag:Key=Value | -flag]...
//	changeset <stack> <name> <file> [...]    execute <stack> <name>
//	delete <stack> [Logical...]    continue <stack> [Logical...]
//	protect <stack> on|off    fail <verb> <Logical> <why>    fix
//	events|resources|outputs|world|exports [<stack>]
//
// Operations are waited for, and their events and calls printed.
func (s *script) command(name string, args []string) error {
	ctx := s.t.Context()
	switch name {
	case "create", "update", "up":
		d, err := s.deploy(args[0], args[1], args[2:])
		if err != nil {
			return err
		}
		var out Outcome
		switch name {
		case "create":
			out.StackID, err = s.e.Create(ctx, d)
		case "update":
			out.StackID, err = s.e.Update(ctx, d)
		default:
			if out, err = s.e.Up(ctx, d); err == nil && !out.Changed {
				s.printf("unchanged\n")
			}
		}
		if err != nil {
			return err
		}
		return s.wait(args[0])
	case "changeset":
		q := ChangeSetRequest{ChangeSet: args[1]}
		if i := slices.Index(args, "-create"); i >= 0 {
			q.Creates, args = true, slices.Delete(args, i, i+1)
		}
		var err error
		if q.Deploy, err = s.deploy(args[0], args[2], args[3:]); err != nil {
			return err
		}
		cs, err := s.e.CreateChangeSet(ctx, q)
		if err != nil {
			return err
		}
		s.printf("%s %s %s\n", cs.Status, cs.Execution, cs.Reason)
		for _, c := range cs.Changes {
			s.printf("  %s %s %s %s replacement=%s policy=%s %v\n", c.Action, c.LogicalID, c.Type, c.PhysicalID, c.Replacement, c.PolicyAction, c.Scope)
			for _, d := range c.Details {
				s.printf("    %s\n", strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s", d.Attribute, d.Name, d.Recreation, d.Evaluation, d.Source, d.Entity)), " "))
			}
		}
		return nil
	case "execute":
		if _, err := s.e.Execute(ctx, ExecuteRequest{Scope: testScope, Stack: args[0], ChangeSet: args[1]}); err != nil {
			return err
		}
		return s.wait(args[0])
	case "delete":
		st, err := s.e.Stack(ctx, testScope, args[0])
		if err != nil {
			return err
		}
		if err := s.e.Delete(ctx, DeleteRequest{Scope: testScope, Name: args[0], Retain: args[1:]}); err != nil {
			return err
		}
		return s.wait(st.ID)
	case "continue":
		if err := s.e.ContinueRollback(ctx, testScope, args[0], Deploy{}.Actor, args[1:], ""); err != nil {
			return err
		}
		return s.wait(args[0])
	case "protect":
		_, err := s.e.SetTerminationProtection(ctx, testScope, args[0], args[1] == "on")
		return err
	case "fail":
		s.w.fails[args[0]+" "+args[1]] = strings.Join(args[2:], " ")
	case "fix":
		clear(s.w.fails)
	case "outputs":
		st, err := s.e.Stack(ctx, testScope, args[0])
		if err != nil {
			return err
		}
		for _, o := range st.Outputs {
			s.printf("  %s = %s %s\n", o.Key, o.Value, o.Export)
		}
	case "resources":
		_, rs, err := s.e.Resources(ctx, testScope, args[0])
		if err != nil {
			return err
		}
		for _, r := range rs {
			s.printf("  %s %s %s %s\n", r.LogicalID, r.PhysicalID, r.Status, r.Properties)
		}
	case "world":
		for _, id := range s.w.ids() {
			s.printf("  %s %s\n", id, s.w.items[id])
		}
	case "exports":
		xs, err := s.e.Exports(ctx, testScope)
		if err != nil {
			return err
		}
		for _, x := range xs {
			s.printf("  %s = %s\n", x.Name, x.Value)
		}
	default:
		s.t.Fatalf("unknown command %q", name)
	}
	return nil
}

func (s *script) deploy(stack, file string, args []string) (Deploy, error) {
	body := s.files.get(file)
	tmpl, ds := template.Parse(&template.File{Name: file, Text: []byte(body)})
	if err := ds.Err(); err != nil {
		return Deploy{}, err
	}
	d := Deploy{Scope: testScope, Name: stack, Template: tmpl, Body: body, Parameters: map[string]string{}}
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		tag, isTag := strings.CutPrefix(k, "tag:")
		switch {
		case isTag:
			d.Tags = append(d.Tags, Tag{tag, v})
		case ok:
			d.Parameters[k] = v
		case a == "-do-nothing":
			d.OnFailure = DoNothing
		case a == "-delete":
			d.OnFailure = DeleteOnFail
		case a == "-retain-except":
			d.RetainExceptOnCreate = true
		case strings.HasPrefix(a, "-previous:"):
			d.UsePrevious = append(d.UsePrevious, strings.TrimPrefix(a, "-previous:"))
		default:
			s.t.Fatalf("unknown argument %q", a)
		}
	}
	return d, nil
}

// wait waits for a stack and prints the events and calls since the last time.
func (s *script) wait(nameOrID string) error {
	st, err := s.e.Wait(s.t.Context(), testScope, nameOrID)
	if err != nil {
		return err
	}
	_, events, _, err := s.e.Events(s.t.Context(), testScope, st.ID, "", 1000)
	if err != nil {
		return err
	}
	slices.Reverse(events)
	from := s.seen[st.ID]
	s.seen[st.ID] = len(events)
	for _, ev := range events[from:] {
		s.printf("  %s %s %s", ev.LogicalID, ev.Status, strings.Replace(ev.PhysicalID, st.ID, "<stack id>", 1))
		if ev.Reason != "" {
			s.printf(" %q", ev.Reason)
		}
		s.printf("\n")
	}
	for ; s.calls < len(s.w.calls); s.calls++ {
		s.printf("  $ %s\n", s.w.calls[s.calls])
	}
	return nil
}
