// Command nube runs serverless applications from the files that teams already
// have, with AWS-compatible services behind them, in one process.
//
// The package is the command line and nothing else: one file a subcommand.
// What a command does to a running cloud goes through the platform's API
// (internal/control) or the AWS APIs, as anybody else's calls do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes that scripts can use.
const (
	exitOK      = 0
	exitFailed  = 1 // what was asked for did not come about
	exitUsage   = 2 // the words of the command are off
	exitNoCloud = 3 // no cloud answers at the endpoint
	exitUnready = 4 // not settled in time, or something is stuck
)

// exitError ends the program with a code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	startWithoutCollecting()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr}))
}

// run is the whole program but for its exit.
func run(ctx context.Context, args []string, t terminal) int {
	a := &app{terminal: t}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	if !errors.Is(err, errShown) {
		a.fail(err)
	}
	return code
}

// errShown is an error that the user has been told of.
var errShown = errors.New("shown")

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// app is one run of the command line.
type app struct {
	terminal
	output   string // text or json
	endpoint string // of the running cloud; "" means the environment's or the default
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nube",
		Short: "Run serverless applications from the files you have",
		Long: `nube runs serverless applications from the files that teams already have: it
reads serverless.yml, starts the AWS-compatible services that it names and runs
its functions as warm local processes, all in one program.

  nube up examples/shop     runs the application in a directory
  nube start                runs the cloud as it was left, without an application's files

Every other command talks to a running cloud. It is found by --endpoint, else by
AWS_ENDPOINT_URL, else at http://127.0.0.1:4566.

EXIT CODES
  0  done
  1  what was asked for did not come about
  2  the words of the command are off
  3  no cloud answers at the endpoint
  4  not settled in time, or something is stuck`,
		Args:          args(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.output != "text" && a.output != "json" {
				return usage("--output is text or json, not %q", a.output)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "text", "how results are written: text or json")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.up(), a.start(), a.deploy(), a.invoke(), a.logs(), a.mail(), a.settle(), a.trace(), a.iam(), a.version())
	root.AddCommand(a.clock(), a.fault(), a.replay(), a.snapshot())
	return root
}

// remote adds the flag of commands that talk to a running cloud.
func (a *app) remote(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.endpoint, "endpoint", "", "URL of the running cloud (default $AWS_ENDPOINT_URL or http://127.0.0.1:4566)")
	return c
}

// args wraps a check of the number of arguments, whose failure is one of usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usage("%w; see %s --help", err, cmd.CommandPath())
		}
		return nil
	}
}
