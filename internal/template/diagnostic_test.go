package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	f := &File{Name: "m.yml", Text: []byte("first: line\n\tsecond:\té x\r\n" + strings.Repeat("long ", 60) + "end\n\n")}
	tests := []struct {
		d    Diagnostic
		want string
	}{
		{Errorf(Pos{f, 1, 8}, "wrong %s", "word").WithHint("write %q", "lines"),
			"m.yml:1:8: error: wrong word\n    1 | first: line\n      |        ^\n  hint: write \"lines\"\n"},
		{Warningf(Pos{f, 2, 12}, "odd"), "m.yml:2:12: warning: odd\n    2 | \tsecond:\té x\n      | \t       \t  ^\n"},
		{Errorf(Pos{f, 1, 1}, "a").WithNote(Pos{f, 2, 2}, "because of this").WithNote(Pos{}, "and that"),
			"m.yml:1:1: error: a\n    1 | first: line\n      | ^\n  m.yml:2:2: because of this\n    2 | \tsecond:\té x\n      | \t^\n  and that\n"},
		{Errorf(Pos{f, 9, 1}, "beyond the end"), "m.yml:9:1: error: beyond the end\n"},
		{Errorf(Pos{f, 1, 99}, "beyond the line"), "m.yml:1:99: error: beyond the line\n    1 | first: line\n      |            ^\n"},
		{Errorf(Pos{File: f}, "somewhere"), "m.yml: error: somewhere\n"},
		{Errorf(Pos{}, "nowhere"), "error: nowhere\n"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.d.Render()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	for _, col := range []int{1, 80, 150, 303} {
		lines := strings.Split(Errorf(Pos{f, 3, col}, "x").Render(), "\n")
		text, caret := []rune(strings.TrimPrefix(lines[1], "    3 | ")), strings.Index(strings.TrimPrefix(lines[2], "      | "), "^")
		if len(text) > widest+2 {
			t.Errorf("column %d: the excerpt has %d characters", col, len(text))
		}
		if want := []rune(strings.Repeat("long ", 60) + "end")[col-1]; text[caret] != want {
			t.Errorf("column %d: the caret is under %q, want %q", col, text[caret], want)
		}
	}
}

func TestDiagnosticsAsError(t *testing.T) {
	warning, wrong := Warningf(Pos{}, "careful"), Errorf(Pos{File: &File{Name: "f"}, Line: 1, Column: 2}, "bad").WithHint("good")
	if err := (Diagnostics{warning}).Err(); err != nil {
		t.Errorf("a warning is the error %v", err)
	}
	err := Diagnostics{warning, wrong, wrong}.Err()
	if got, want := err.Error(), "f:1:2: bad (good)\nf:1:2: bad (good)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var d Diagnostic
	if !errors.As(err, &d) || d.Message != "bad" {
		t.Errorf("errors.As found %v", d)
	}
}
