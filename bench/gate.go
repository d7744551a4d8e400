package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The limits that continuous integration holds nube to.
const (
	upLimit       = 150 * time.Millisecond
	startLimit    = 30 * time.Millisecond
	residentLimit = 30e6
	anonLimit     = 10e6
	binaryLimit   = 40e6
	initLimit     = 6 * time.Millisecond
)

// gateRuns is how often a start may be tried.
const gateRuns = 30

// gate checks the limits in a few seconds. Other work on the machine only ever
// adds to a time, so that a time counts as kept when one of gateRuns starts
// kept it, and a series ends there; memory and sizes are measured once. What
// the times usually are is what bench/run measures.
func (b *bench) gate(ctx context.Context) error {
	kept := func(took []time.Duration, limit time.Duration) bool { return len(took) > 0 && took[0] <= limit }
	f, err := measureFootprint(ctx, b.examples, gateRuns, func(f footprint) (up, start bool) {
		return kept(f.up, upLimit), kept(f.start, startLimit)
	})
	if err != nil {
		return err
	}
	var broken []error
	for _, g := range []struct {
		what            string
		measured, limit string
		ok              bool
	}{
		{"stripped binary", megabytes(f.binary), megabytes(binaryLimit), f.binary <= binaryLimit},
		{"package initialisation", round(f.init).String(), initLimit.String(), f.init <= initLimit},
		{fmt.Sprintf("nube up of the built shop, best of %d", len(f.up)), round(f.up[0]).String(), upLimit.String(), kept(f.up, upLimit)},
		{fmt.Sprintf("nube start after a clean stop, best of %d", len(f.start)), round(f.start[0]).String(), startLimit.String(), kept(f.start, startLimit)},
		{"idle resident memory", megabytes(int64(f.resident)), megabytes(residentLimit), f.resident <= residentLimit},
		{"idle anonymous memory", megabytes(int64(f.anon)), megabytes(anonLimit), f.anon <= anonLimit},
	} {
		line := fmt.Sprintf("%-48s %10s   limit %s", g.what, g.measured, g.limit)
		fmt.Println(line)
		if !g.ok {
			broken = append(broken, errors.New("broken: "+line))
		}
	}
	return errors.Join(broken...)
}
