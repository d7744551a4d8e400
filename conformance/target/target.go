// Package target is what the conformance suites run against: the endpoint in AWS_ENDPOINT_URL, be it nube, another
// program or AWS itself, or else a cloud in memory that is built from this repository and started for the run.
//
// It never imports anything of nube: suites see what any client sees.
package target

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const endpointVariable = "AWS_ENDPOINT_URL"

// Main runs a suite's tests. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(target.Main(m)) }
func Main(m *testing.M) int {
	if os.Getenv(endpointVariable) != "" {
		return m.Run()
	}
	stop, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

// start builds and starts a cloud in memory and names its endpoint in the environment.
func start() (stop func(), err error) {
	dir, err := os.MkdirTemp("", "nube-conformance-")
	if err != nil {
		return nil, err
	}
	clean := func() { os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			clean()
		}
	}()
	binary := filepath.Join(dir, "nube")
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-o", binary, "./cmd/nube")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building nube: %w\n%s", err, out)
	}
	cmd := exec.Command(binary, "start", "--data", "memory", "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--output", "json")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	clean = func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		os.RemoveAll(dir)
	}
	var ready struct{ Endpoint string }
	if err := json.NewDecoder(stdout).Decode(&ready); err != nil || ready.Endpoint == "" {
		return nil, fmt.Errorf("nube did not say where it listens: %w", err)
	}
	return clean, os.Setenv(endpointVariable, ready.Endpoint)
}

// Config is the SDK's configuration for the target: the credentials of the environment, or those of a local cloud.
func Config() aws.Config {
	or := func(name, def string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return def
	}
	return aws.Config{
		Region:       or("AWS_REGION", "us-east-1"),
		BaseEndpoint: aws.String(os.Getenv(endpointVariable)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: or("AWS_ACCESS_KEY_ID", "test"), SecretAccessKey: or("AWS_SECRET_ACCESS_KEY", "test"),
				SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
}
