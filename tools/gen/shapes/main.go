// Command shapes writes the packages internal/awsapi/shapes/<service> from the
// API models that the frozen module github.com/aws/aws-sdk-go carries
// (Apache-2.0): names, bindings and constraints, without the models' prose.
//
// Run it from the repository's root:
//
//	go run -C tools/gen ./shapes            # write
//	go run -C tools/gen ./shapes --check    # fail when what is committed is not current
//
// Which operations have shapes is declared in shapes/declared/<service>.txt,
// one name a line. What AWS has added to an API since the models were frozen is in
// shapes/added/<service>.json.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const modelsModule = "github.com/aws/aws-sdk-go@v1.55.8"

func main() {
	check := flag.Bool("check", false, "compare with what is committed instead of writing")
	root := flag.String("root", "../..", "the repository's root")
	only := flag.String("only", "", "one service")
	flag.Parse()
	if err := run(*root, *only, *check); err != nil {
		fmt.Fprintln(os.Stderr, "shapes:", err)
		os.Exit(1)
	}
}

func run(root, only string, check bool) error {
	dir, err := modelsDir()
	if err != nil {
		return err
	}
	var stale []string
	for _, s := range services() {
		if only != "" && s.pkg != only {
			continue
		}
		ops, err := declared(filepath.Join(root, "tools/gen/shapes/declared", s.pkg+".txt"))
		if err != nil {
			return err
		}
		m, err := loadModel(filepath.Join(dir, "models/apis", s.dir, "api-2.json"))
		if err != nil {
			return err
		}
		if err := m.add(filepath.Join(root, "tools/gen/shapes/added", s.pkg+".json")); err != nil {
			return err
		}
		files, err := generate(s, m, ops)
		if err != nil {
			return fmt.Errorf("%s: %w", s.pkg, err)
		}
		out := filepath.Join(root, "internal/awsapi/shapes", s.pkg)
		for name, text := range files {
			path := filepath.Join(out, name)
			have, _ := os.ReadFile(path)
			if bytes.Equal(have, text) {
				continue
			}
			if check {
				stale = append(stale, path)
				continue
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("not current: %s; run go run -C tools/gen ./shapes", strings.Join(stale, ", "))
	}
	return nil
}

// modelsDir asks the go command for the unpacked module, which it verifies
// against its checksum database.
func modelsDir() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", modelsModule)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", modelsModule, err)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", err
	}
	return info.Dir, nil
}

func declared(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var ops []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ops = append(ops, line)
		}
	}
	return ops, nil
}
