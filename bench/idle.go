package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	idleQueues = 1000
	idleFor    = 10 * time.Second
)

// idle measures what 1,000 queues cost, each of which a function waits for,
// while nothing is sent.
func (b *bench) idle(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "nube-bench-idle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := compile(ctx, b.source(), "./functions/arrive", filepath.Join(dir, "bootstrap")); err != nil {
		return err
	}
	if err := pack(filepath.Join(dir, "bootstrap"), filepath.Join(dir, "arrive.zip")); err != nil {
		return err
	}
	for _, n := range []int{0, idleQueues} {
		cpu, resident, err := b.idleWith(ctx, dir, n)
		if err != nil {
			return fmt.Errorf("%d queues: %w", n, err)
		}
		who := fmt.Sprintf("nube, durable, %s queues with a mapping each", thousands(n))
		b.report.value("Queues that nobody sends to", who, "processor time in "+idleFor.String(), cpu.String())
		b.report.value("Queues that nobody sends to", who, "resident memory", megabytes(int64(resident)))
	}
	return nil
}

func (b *bench) idleWith(ctx context.Context, dir string, n int) (cpu time.Duration, resident int, err error) {
	if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(idleManifest), 0o644); err != nil {
		return 0, 0, err
	}
	run, err := startNube(ctx, false, "up", dir, "--watch=false")
	if err != nil {
		return 0, 0, err
	}
	defer run.stop()
	l, err := dial(ctx, run.host)
	if err != nil {
		return 0, 0, err
	}
	defer l.close()
	for i := range n {
		name := fmt.Sprint("idle-", i)
		if err := l.sqs(ctx, "CreateQueue", map[string]any{"QueueName": name}, nil); err != nil {
			return 0, 0, err
		}
		body := `{"FunctionName":"idle-dev-arrive","EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:` + name + `"}`
		raw, err := signREST(ctx, run.host, "lambda", "/2015-03-31/event-source-mappings/", body)
		if err != nil {
			return 0, 0, err
		}
		if err := sendRaw(ctx, run.host, raw, func(status int, _ []byte) bool { return status == 202 }); err != nil {
			return 0, 0, err
		}
	}
	if err := pause(ctx, idleAfter); err != nil { // what was written settles
		return 0, 0, err
	}
	pid := run.cmd.Process.Pid
	before, err := processorTime(pid)
	if err != nil {
		return 0, 0, err
	}
	if err := pause(ctx, idleFor); err != nil {
		return 0, 0, err
	}
	after, err := processorTime(pid)
	if err != nil {
		return 0, 0, err
	}
	resident, _, err = memory(pid)
	return after - before, resident, err
}

// processorTime is what a process has used of the processors, to a hundredth of
// a second.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %s", pid, text)
	}
	var user, system int
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		return 0, err
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// childrenOf are the processes that a process has started.
func childrenOf(pid int) ([]int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("/proc/%d/task/*/children: %w", pid, cmp.Or(err, os.ErrNotExist))
	}
	var out []int
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f, err)
			}
			out = append(out, n)
		}
	}
	return out, nil
}

const idleManifest = `service: idle
provider:
  name: aws
  runtime: provided.al2023
  region: us-east-1
  iam:
    role:
      statements:
        - {Effect: Allow, Action: 'sqs:*', Resource: '*'}
functions:
  arrive:
    handler: bootstrap
    package: {artifact: arrive.zip}
    environment: {ARRIVALS: '127.0.0.1:9'}
`
