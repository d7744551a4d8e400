package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// flags are how AWS recommends to build Go functions: small, without what only
// the old go1.x runtime needed, and the same on every machine.
//
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
func flags(src Source) []string {
	if src.Debug { // with everything that a debugger wants, and where the sources are
		return []string{"-gcflags", ownPackages(src.Path) + "=-N -l", "-tags", "lambda.norpc"}
	}
	return []string{"-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc"}
}

// ownPackages is the pattern of the packages of the module around a directory:
// what its author steps through. To build all that it imports without
// optimisation too would take minutes.
func ownPackages(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if text, err := os.ReadFile(filepath.Join(d, "go.mod")); err == nil {
			for line := range strings.Lines(string(text)) {
				if f := strings.Fields(line); len(f) > 1 && f[0] == "module" {
					return strings.Trim(f[1], `"`) + "/..."
				}
			}
		}
		if d == filepath.Dir(d) {
			return "all"
		}
	}
}

// compile builds a Go package and finds out what went into it. Both run at the
// same time: each loads the package for itself.
func (s *Store) compile(ctx context.Context, src Source) (Artifact, *index, error) {
	tmp, remove, err := s.temp()
	if err != nil {
		return Artifact{}, nil, err
	}
	defer remove()
	x := &index{Source: src, Tool: tool(src)}
	listed := make(chan error, 1)
	go func() { listed <- x.inputs(ctx, src.Path) }()

	program := filepath.Join(tmp, src.Name)
	cmd := goCommand(ctx, src.Path, append(append([]string{"build"}, flags(src)...), "-o", program, ".")...)
	out, err := cmd.CombinedOutput()
	listErr := <-listed
	if err != nil {
		return Artifact{}, nil, compileError(src.Path, out, err)
	}
	if listErr != nil {
		return Artifact{}, nil, listErr
	}
	a, err := s.program(tmp, program)
	return a, x, err
}

// program makes an artifact of a directory with one program.
func (s *Store) program(dir, program string) (Artifact, error) {
	f, err := os.Open(program)
	if err != nil {
		return Artifact{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Artifact{}, err
	}
	sum := h.Sum(nil)
	// The name of the program is part of what is run.
	named := sha256.Sum256(append(sum, filepath.Base(program)...))
	if err := os.Chmod(dir, 0o755); err != nil {
		return Artifact{}, err
	}
	return s.keep(dir, Artifact{Digest: hex.EncodeToString(named[:]), SHA256: base64.StdEncoding.EncodeToString(sum), Size: n})
}

// goCommand is the go command in a directory. Functions run on this machine,
// whatever the architecture that their manifest names for AWS.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=", "GOARCH=", "PWD="+dir)
	return cmd
}

// tool describes what decides how the go command works: itself, its settings
// and the variables that it reads.
func tool(src Source) []string {
	dir := src.Path
	out := []string{"flags " + strings.Join(flags(src), " ")}
	if path, err := exec.LookPath("go"); err == nil {
		out = append(out, "go "+path+" "+stat(path))
	}
	if config, err := os.UserConfigDir(); err == nil {
		out = append(out, "env "+stat(filepath.Join(config, "go", "env")))
	}
	for _, name := range []string{"GOFLAGS", "GOEXPERIMENT", "GOWORK", "GOTOOLCHAIN", "GOROOT", "GOPATH", "GOMODCACHE", "GOAMD64", "GOARM64", "GO111MODULE", "GOFIPS140"} {
		if v := os.Getenv(name); v != "" {
			out = append(out, name+"="+v)
		}
	}
	// A workspace or module file that appears above changes what is built.
	for d := dir; ; d = filepath.Dir(d) {
		for _, name := range []string{"go.work", "go.mod"} {
			if _, err := os.Stat(filepath.Join(d, name)); err == nil {
				out = append(out, filepath.Join(d, name))
			}
		}
		if d == filepath.Dir(d) {
			return out
		}
	}
}

func stat(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return "none"
	}
	return strconv.FormatInt(st.Size(), 10) + " " + strconv.FormatInt(st.ModTime().UnixNano(), 10)
}

// listed is what go list says of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Main    bool
		Dir     string
		GoMod   string
		Replace *struct{ Version, Dir, GoMod string }
	}
	EmbedFiles []string
}

// local reports whether the package can change under its version: it belongs
// to the main module or the workspace, to a module that is replaced by a
// directory, or to none.
func (p *listed) local() bool {
	if p.Standard {
		return false
	}
	m := p.Module
	return m == nil || m.Main || m.Replace != nil && m.Replace.Version == ""
}

// inputs notes the files and directories of the packages that can change, and
// the files of their modules.
func (x *index) inputs(ctx context.Context, dir string) error {
	cmd := goCommand(ctx, dir, "list", "-deps", "-tags", "lambda.norpc", "-json=Dir,Standard,Module,EmbedFiles", ".")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	seen := map[string]bool{}
	add := func(path string) error {
		if seen[path] {
			return nil
		}
		seen[path] = true
		f, err := file(path)
		x.Files = append(x.Files, f)
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if !p.local() || seen[p.Dir] {
			continue
		}
		seen[p.Dir] = true
		d, err := list(p.Dir, GoPackage)
		if err != nil {
			return err
		}
		x.Dirs = append(x.Dirs, d)
		for _, name := range d.Names {
			path := filepath.Join(p.Dir, name)
			if isDir(path) || !source(name) && !slices.Contains(p.EmbedFiles, name) {
				continue
			}
			if err := add(path); err != nil {
				return err
			}
		}
		for _, name := range p.EmbedFiles {
			if err := add(filepath.Join(p.Dir, name)); err != nil {
				return err
			}
			sub := filepath.Join(p.Dir, filepath.Dir(name))
			if seen[sub] {
				continue
			}
			seen[sub] = true
			if d, err := list(sub, Directory); err == nil {
				x.Dirs = append(x.Dirs, d)
			}
		}
		if m := p.Module; m != nil {
			mod := m.GoMod
			if m.Replace != nil {
				mod = m.Replace.GoMod
			}
			if mod == "" {
				continue
			}
			root := filepath.Dir(mod)
			for _, path := range []string{mod, filepath.Join(root, "go.sum"), filepath.Join(root, "vendor", "modules.txt")} {
				if err := add(path); err != nil {
					return err
				}
			}
		}
	}
	for _, line := range x.Tool {
		if strings.HasSuffix(line, "go.work") {
			for _, path := range []string{line, strings.TrimSuffix(line, "go.work") + "go.work.sum"} {
				if err := add(path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// source reports whether the go command compiles files of such a name.
func source(name string) bool {
	return slices.Contains([]string{".go", ".s", ".h", ".syso", ".S"}, filepath.Ext(name))
}
