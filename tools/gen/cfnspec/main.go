// Command cfnspec writes the package internal/resource/spec from AWS's
// CloudFormation resource schemas as the npm package
// @aws-cdk/aws-service-spec publishes them (Apache-2.0): names, types and
// mutability, without prose.
//
// Run it from the repository's root:
//
//	go run -C tools/gen ./cfnspec            # write
//	go run -C tools/gen ./cfnspec --check    # fail when what is committed is not current
//
// Which types are distilled is declared in cfnspec/types.txt, one name a line.
// The package is fetched once, by npm pack, into the user's cache directory,
// and verified against the hash below.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare with what is committed instead of writing")
	root := flag.String("root", "../..", "the repository's root")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "cfnspec:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	text, err := os.ReadFile(filepath.Join(root, "tools/gen/cfnspec/types.txt"))
	if err != nil {
		return err
	}
	db, err := fetch()
	if err != nil {
		return err
	}
	code, err := generate(db, strings.Fields(string(text)))
	if err != nil {
		return err
	}
	path := filepath.Join(root, "internal/resource/spec/spec.go")
	have, _ := os.ReadFile(path)
	switch {
	case bytes.Equal(have, code):
		return nil
	case check:
		return fmt.Errorf("%s is not current; run go run -C tools/gen ./cfnspec", path)
	}
	return os.WriteFile(path, code, 0o644)
}
