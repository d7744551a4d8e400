package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// footprint is what nube costs before it does anything.
type footprint struct {
	up, start      []time.Duration // from before the process is started to its ready line, sorted
	resident, anon int             // bytes, of a start after idleAfter
	binary         int64
	init           time.Duration // the shortest of several
}

// idleAfter is how long a started cloud is left alone before its memory is
// read.
const idleAfter = 3 * time.Second

// measureFootprint starts the shop example in a directory of its own: once to
// build and deploy it, then as often as asked from where a clean stop left it.
// enough, when not nil, ends each series early.
func measureFootprint(ctx context.Context, examples string, runs int, enough func(footprint) (up, start bool)) (f footprint, err error) {
	nube := os.Getenv("NUBE")
	if f.binary, err = strippedSize(nube); err != nil {
		return f, err
	}
	if f.init, err = initTime(ctx, nube); err != nil {
		return f, err
	}
	dir, err := os.MkdirTemp("", "nube-bench-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	ready := func(args ...string) (*running, time.Duration, error) {
		began := time.Now()
		r, err := startNubeIn(ctx, "", dir, args...)
		return r, time.Since(began), err
	}
	up, start := []string{"up", filepath.Join(examples, "shop")}, []string{"start"}
	r, _, err := ready(up...)
	if err != nil {
		return f, err
	}
	r.stop()
	for _, series := range []struct {
		args  []string
		took  *[]time.Duration
		ended func() bool
	}{
		{up, &f.up, func() bool { u, _ := enough(f); return u }},
		{start, &f.start, func() bool { _, s := enough(f); return s }},
	} {
		for n := 0; n < runs && (enough == nil || !series.ended()); n++ {
			r, took, err := ready(series.args...)
			if err != nil {
				return f, err
			}
			r.stop()
			*series.took = append(*series.took, took)
			slices.Sort(*series.took)
		}
	}
	if r, _, err = ready(start...); err != nil {
		return f, err
	}
	defer r.stop()
	if err := pause(ctx, idleAfter); err != nil {
		return f, err
	}
	f.resident, f.anon, err = memory(r.cmd.Process.Pid)
	return f, err
}

// startup reports the footprint.
func (b *bench) startup(ctx context.Context) error {
	f, err := measureFootprint(ctx, b.examples, 20, nil)
	if err != nil {
		return err
	}
	const table = "Start and footprint"
	for _, t := range []struct {
		what  string
		took  []time.Duration
		limit time.Duration
	}{{"`nube up` of the built shop, to ready", f.up, upLimit}, {"`nube start` after a clean stop, to ready", f.start, startLimit}} {
		b.report.value(table, t.what, "measured", fmt.Sprintf("p50 %s, best %s, worst %s of %d",
			round(t.took[len(t.took)/2]), round(t.took[0]), round(t.took[len(t.took)-1]), len(t.took)))
		b.report.value(table, t.what, "limit", t.limit.String())
	}
	for _, v := range []struct{ what, measured, limit string }{
		{fmt.Sprintf("resident memory, %s after start", idleAfter), megabytes(int64(f.resident)), megabytes(residentLimit)},
		{"of which anonymous", megabytes(int64(f.anon)), megabytes(anonLimit)},
		{"stripped binary", megabytes(f.binary), megabytes(binaryLimit)},
		{"package initialisation", round(f.init).String(), initLimit.String()},
	} {
		b.report.value(table, v.what, "measured", v.measured)
		b.report.value(table, v.what, "limit", v.limit)
	}
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// memory reads a process's resident and anonymous memory.
func memory(pid int) (resident, anon int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			resident = kb << 10
		case "RssAnon":
			anon = kb << 10
		}
	}
	if resident == 0 || anon == 0 {
		return 0, 0, fmt.Errorf("process %d has no memory: it has ended", pid)
	}
	return resident, anon, nil
}

// strippedSize is the size of a binary, which must have been stripped.
func strippedSize(name string) (int64, error) {
	f, err := elf.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil || f.Section(".zdebug_info") != nil {
		return 0, fmt.Errorf("%s is not stripped: build it with -ldflags '-s -w'", name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// initTime adds up what the runtime says each package's initialisation took,
// and returns the least of several runs: the work is the same each time, what
// else the machine does is not.
func initTime(ctx context.Context, nube string) (time.Duration, error) {
	clock := regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock`)
	best := time.Duration(-1)
	for range 10 {
		cmd := exec.CommandContext(ctx, nube, "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		text, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%s version: %w: %s", nube, err, text)
		}
		var sum time.Duration
		found := clock.FindAllSubmatch(text, -1)
		for _, m := range found {
			ms, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ms * float64(time.Millisecond))
		}
		if len(found) == 0 {
			return 0, fmt.Errorf("%s version: no trace of initialisation: %.300s", nube, text)
		}
		if best < 0 || sum < best {
			best = sum
		}
	}
	return best, nil
}
