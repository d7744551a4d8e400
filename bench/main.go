// Command bench measures nube beside what people use instead of it, in one
// run on one machine, and writes the tables of docs/measurements/bench.md.
//
//	bench/run                     installs what is compared with, measures everything
//	bench/run --only answers      one part: startup, cold, answers, users, recording, reload, dynamodb, streams, queues, rules, stuck, fanout or idle
//	bench/run gate                the limits that nothing may break, in seconds
//
// It is a module of its own and knows nube only from outside: the binary that
// NUBE names, its ports and /proc. It needs Linux.
//
// It does not test that answers are right beyond telling success from failure:
// the conformance suites do that.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the program.
type bench struct {
	report   *report
	duration time.Duration // of each load
	examples string        // the directory of the examples
	depth    int           // of a deep queue
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == bareCommand {
		return bare(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "comma-separated parts: startup, cold, answers, users, recording, reload, dynamodb, streams, queues, rules, stuck, fanout, idle")
	out := flags.String("out", "", "file for the tables")
	examples := flags.String("examples", filepath.Join("..", "examples"), "directory of the examples")
	duration := flags.Duration("duration", 5*time.Second, "how long each load lasts")
	depth := flags.Int("depth", 1_000_000, "messages in a deep queue")
	gated := len(args) > 0 && args[0] == "gate"
	if gated {
		args = args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Getenv("NUBE") == "" {
		return fmt.Errorf("NUBE names no binary; bench/run builds one")
	}
	dir, err := filepath.Abs(*examples)
	if err != nil {
		return err
	}
	b := &bench{report: &report{out: os.Stdout}, duration: *duration, examples: dir, depth: *depth}
	if gated {
		return b.gate(ctx)
	}
	return b.all(ctx, *only, *out)
}

// all measures the parts that were asked for and writes the tables.
func (b *bench) all(ctx context.Context, only, out string) error {
	wanted := func(part string) bool { return only == "" || strings.Contains(","+only+",", ","+part+",") }
	known := 0
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{{"startup", b.startup}, {"cold", b.cold}, {"answers", b.answers}, {"users", b.users}, {"recording", b.recording}, {"reload", b.reload}, {"dynamodb", b.dynamodb}, {"streams", b.streams},
		{"queues", b.queues}, {"rules", b.rules}, {"stuck", b.stuck}, {"fanout", b.fanout}, {"idle", b.idle}} {
		if !wanted(part.name) {
			continue
		}
		known++
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if known == 0 {
		return fmt.Errorf("no part is called %q", only)
	}
	if out == "" {
		return nil
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	b.report.markdown(f)
	return f.Close()
}

// dynamodb measures every server at 1, 16 and 64 connections.
func (b *bench) dynamodb(ctx context.Context) error {
	for _, s := range dynamoTargets() {
		if err := dynamo(ctx, b.report, s, []int{1, 16, 64}, b.duration); err != nil {
			return err
		}
	}
	return nil
}
