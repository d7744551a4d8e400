package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// arrivals is how many are measured.
const arrivals = 500

// arrival is a way from a request to the function that it ends in.
type arrival struct {
	table    string
	cause    string // what the request is called
	manifest string // of the application; %s is the address that the function reports to
	request  func(ctx context.Context, host, id string) ([]byte, error)
}

// arrivals sends one request after another and waits for each to reach the
// function.
func (b *bench) arrivals(ctx context.Context, a arrival) error {
	dir, err := os.MkdirTemp("", "nube-bench-arrivals-")
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
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), fmt.Appendf(nil, a.manifest, in.LocalAddr()), 0o644); err != nil {
		return err
	}
	run, err := startNube(ctx, false, "up", dir)
	if err != nil {
		return err
	}
	defer run.stop()
	var fromRequest, fromAnswer []time.Duration
	buf := make([]byte, 64)
	for i := range arrivals + 20 {
		id := fmt.Sprint("item-", i)
		raw, err := a.request(ctx, run.host, id)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := one(ctx, run.host, raw); err != nil {
			return fmt.Errorf("%s: %w", a.cause, err)
		}
		answered := time.Now()
		if err := in.SetReadDeadline(began.Add(30 * time.Second)); err != nil {
			return err
		}
		n, _, err := in.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("%s does not arrive: %w", id, err)
		}
		arrived := time.Now()
		if got := string(buf[:n]); got != id {
			return fmt.Errorf("%s arrived, not %s", got, id)
		}
		if i >= 20 { // the first ones start the function
			fromRequest, fromAnswer = append(fromRequest, arrived.Sub(began)), append(fromAnswer, arrived.Sub(answered))
		}
	}
	for _, m := range []struct {
		who  string
		took []time.Duration
	}{{"from the " + a.cause + "'s request", fromRequest}, {"from its answer", fromAnswer}} {
		sorted := slices.Sorted(slices.Values(m.took))
		b.report.value(a.table, m.who, "one at a time",
			fmt.Sprintf("p50 %s, p99 %s", round(sorted[len(sorted)/2]), round(sorted[len(sorted)*99/100])))
	}
	return nil
}
