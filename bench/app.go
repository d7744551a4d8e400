package main

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// compile builds a Go function as nube does, so that both paths run the same
// binary.
func compile(ctx context.Context, module, pkg, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o", out, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, text)
	}
	return nil
}

// application is a directory with an application of functions that only
// answer: the binary, packed, and a manifest.
type application struct {
	dir    string
	binary string
}

// newApplication makes one whose Go functions answer at /answer, /cold0,
// /cold1 …; /node is the same in JavaScript.
func newApplication(ctx context.Context, source string, cold int) (a application, err error) {
	if a.dir, err = os.MkdirTemp("", "nube-bench-app-"); err != nil {
		return a, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(a.dir)
		}
	}()
	// Confined functions have a user of their own, who must reach the scripts.
	if err := os.Chmod(a.dir, 0o755); err != nil {
		return a, err
	}
	a.binary = filepath.Join(a.dir, "bin", "bootstrap")
	if err := compile(ctx, source, "./functions/answer", a.binary); err != nil {
		return a, err
	}
	if err := pack(a.binary, filepath.Join(a.dir, "answer.zip")); err != nil {
		return a, err
	}
	script, err := os.ReadFile(filepath.Join(source, "node", "offline", "answer.js"))
	if err != nil {
		return a, err
	}
	node := filepath.Join(a.dir, "node")
	if err := os.Mkdir(node, 0o755); err != nil {
		return a, err
	}
	if err := os.WriteFile(filepath.Join(node, "answer.mjs"), script, 0o644); err != nil {
		return a, err
	}
	return a, os.WriteFile(filepath.Join(a.dir, "serverless.yml"), []byte(manifest(cold)), 0o644)
}

func manifest(cold int) string {
	var b strings.Builder
	b.WriteString("service: bench\nprovider: {name: aws, runtime: provided.al2023, region: us-east-1, memorySize: 1769}\n" +
		"package: {patterns: ['!**', 'node/**']}\nfunctions:\n" +
		"  node:\n    handler: node/answer.handler\n    runtime: nodejs20.x\n    events: [{http: {path: node, method: ANY}}]\n")
	function := func(name string) {
		fmt.Fprintf(&b, "  %s:\n    handler: bootstrap\n    package: {artifact: answer.zip}\n    events: [{http: {path: %s, method: ANY}}]\n", name, name)
	}
	function("answer")
	for i := range cold {
		function(fmt.Sprintf("cold%d", i))
	}
	return b.String()
}

// pack puts a binary into an archive as bootstrap.
func pack(binary, out string) error {
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
