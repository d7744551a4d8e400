package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Keys of the Code of a function and the Content of a layer in a template of ours.
const (
	CodePath     = "nube:Path"     // as compiled: a path in the project
	CodeArtifact = "nube:Artifact" // as deployed: the digest of an artifact
)

// CodeKind says what stands at the path of a [Code].
type CodeKind uint8

const (
	GoPackage CodeKind = iota + 1 // a Go package with a main function, to be built
	Binary                        // an executable that speaks the Lambda Runtime API, to be run as bootstrap
	Archive                       // a zip file, to be unpacked
	Directory                     // files to be used as they are
)

// String returns the kind in words.
func (k CodeKind) String() string {
	switch k {
	case GoPackage:
		return "Go package"
	case Binary:
		return "binary"
	case Archive:
		return "archive"
	case Directory:
		return "directory"
	}
	return "unknown"
}

// Code is where a function's or layer's code is, and in which form.
type Code struct {
	Kind     CodeKind
	Path     string   // relative to the project, with slashes; "." is the project itself
	Patterns []string // which files of a Directory belong to it, in the order of the manifest; "!" excludes
}

// CodeError says why the code of a function cannot be found, and what would work.
type CodeError struct{ Why, Hint string }

func (e *CodeError) Error() string { return e.Why }

// FindCode finds the code that a runtime and a handler name in a project directory. For provided.* and go1.x the handler is
// a Go package, a Go file in it, or an executable; for Node and Python it is module.function in the project.
//
// When nothing is there the error is a *CodeError, and the code is where it would be.
func FindCode(dir, runtime, handler string) (Code, error) {
	switch {
	case strings.HasPrefix(runtime, "provided") || runtime == "go1.x":
		return findExecutable(dir, handler)
	case strings.HasPrefix(runtime, "nodejs"):
		return findModule(dir, handler, []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"}, "/index")
	case strings.HasPrefix(runtime, "python3"):
		return findModule(dir, strings.ReplaceAll(handler, "/", "."), []string{".py"}, "/__init__")
	}
	return Code{}, &CodeError{
		Why:  fmt.Sprintf("the runtime %q is not supported", runtime),
		Hint: "nube runs provided.al2023, provided.al2 and go1.x (Go packages and any bootstrap), nodejs*.x and python3.*",
	}
}

// findExecutable finds the code of a function that brings its own runtime.
func findExecutable(dir, handler string) (Code, error) {
	rel := path.Clean(filepath.ToSlash(handler))
	if path.IsAbs(rel) || rel == ".." || strings.HasPrefix(rel, "../") {
		return Code{Kind: Binary, Path: rel}, &CodeError{
			Why:  fmt.Sprintf("the handler %q is outside of the project", handler),
			Hint: "name a Go package or an executable in the project, relative to the manifest",
		}
	}
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(rel)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Code{Kind: Binary, Path: rel}, &CodeError{
			Why:  fmt.Sprintf("there is neither a Go package nor an executable at %q", handler),
			Hint: "name the directory of the function's main package, like ./functions/hello, or an executable that exists",
		}
	case err != nil:
		return Code{Kind: Binary, Path: rel}, fmt.Errorf("find the handler: %w", err)
	case !info.IsDir() && path.Ext(rel) == ".go":
		return Code{Kind: GoPackage, Path: path.Dir(rel)}, nil
	case !info.IsDir():
		return Code{Kind: Binary, Path: rel}, nil
	}
	entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(rel)))
	if err != nil {
		return Code{Kind: GoPackage, Path: rel}, fmt.Errorf("find the handler: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "bootstrap" && !e.IsDir() {
			return Code{Kind: Directory, Path: rel}, nil
		}
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".go" && !strings.HasSuffix(e.Name(), "_test.go") && !e.IsDir() {
			return Code{Kind: GoPackage, Path: rel}, nil
		}
	}
	return Code{Kind: GoPackage, Path: rel}, &CodeError{
		Why:  fmt.Sprintf("the directory %q holds neither Go files nor a bootstrap", handler),
		Hint: "name the directory of the function's main package",
	}
}

// findModule finds the module of a handler like src/users.handler. The whole project is the code.
func findModule(dir, handler string, extensions []string, index string) (Code, error) {
	code := Code{Kind: Directory, Path: "."}
	dot := strings.LastIndexByte(handler, '.')
	if dot <= 0 || dot == len(handler)-1 {
		return code, &CodeError{
			Why:  fmt.Sprintf("the handler %q does not name a function in a module", handler),
			Hint: fmt.Sprintf("write the module's path, a dot and the function, like src/hello.handler for src/hello%s", extensions[0]),
		}
	}
	module := handler[:dot]
	if index == "/__init__" {
		module = strings.ReplaceAll(module, ".", "/")
	}
	module = path.Clean(filepath.ToSlash(module))
	if module == ".." || strings.HasPrefix(module, "../") || path.IsAbs(module) {
		return code, &CodeError{Why: fmt.Sprintf("the handler %q is outside of the project", handler)}
	}
	for _, base := range []string{module, module + index} {
		for _, ext := range extensions {
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(base+ext)))
			if err == nil && !info.IsDir() {
				return code, nil
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
				return code, fmt.Errorf("find the handler: %w", err)
			}
		}
	}
	return code, &CodeError{
		Why:  fmt.Sprintf("there is no module for the handler %q", handler),
		Hint: fmt.Sprintf("it would be %s%s", module, extensions[0]),
	}
}
