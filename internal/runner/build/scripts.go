package build

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Misread says which scripts of a Directory their interpreter cannot read, and
// where. It is for explaining a function that does not start: an interpreter
// that imports a module says what is wrong, but not always in which file. Where
// the interpreter is missing it says nothing.
func (s *Store) Misread(ctx context.Context, src Source) []Problem {
	var python []string
	var out []Problem
	for _, path := range s.Inputs(src) {
		switch filepath.Ext(path) {
		case ".py":
			python = append(python, path)
		case ".js", ".mjs", ".cjs":
			out = append(out, misreadByNode(ctx, path)...)
		}
	}
	return append(out, misreadByPython(ctx, python)...)
}

// misreadByNode asks Node.js, which answers with the place, the line, a caret
// under the column, and the message.
func misreadByNode(ctx context.Context, path string) []Problem {
	text, err := exec.CommandContext(ctx, "node", "--check", path).CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, filepath.Base(path)+":") })
	if at < 0 || at+2 >= len(lines) {
		return nil
	}
	p := Problem{File: path, Column: strings.IndexByte(lines[at+2], '^') + 1}
	p.Line, _ = strconv.Atoi(lines[at][strings.LastIndexByte(lines[at], ':')+1:]) // 0: not known
	if m := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "SyntaxError: ") }); m >= 0 {
		p.Message = lines[m]
	}
	return []Problem{p}
}

// checkPython compiles files and prints what it cannot as a list of JSON.
const checkPython = `
import json, sys
out = []
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as f:
            compile(f.read(), path, "exec", dont_inherit=True)
    except SyntaxError as e:
        out.append({"File": path, "Line": e.lineno or 0, "Column": e.offset or 0, "Message": type(e).__name__ + ": " + e.msg})
    except (OSError, ValueError) as e:
        out.append({"File": path, "Message": str(e)})
json.dump(out, sys.stdout)
`

func misreadByPython(ctx context.Context, paths []string) (out []Problem) {
	if len(paths) == 0 {
		return nil
	}
	text, err := exec.CommandContext(ctx, "python3", append([]string{"-I", "-c", checkPython}, paths...)...).Output()
	if err != nil || json.NewDecoder(bytes.NewReader(text)).Decode(&out) != nil {
		return nil
	}
	return out
}
