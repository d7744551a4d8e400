package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	coldRounds = 5  // starts of nube, since a function is cold once a start
	coldAlone  = 12 // functions that are called one by one in each
	coldBursts = 4  // times that several are called at once in each
	coldBurst  = 6  // functions that are called at once
)

// coldTimes are the times from a request to its answer with no process there.
type coldTimes struct{ alone, burst []time.Duration }

// cold measures first answers: through the gateway, and of the same binary
// spawned bare, in turn.
func (b *bench) cold(ctx context.Context) error {
	app, err := newApplication(ctx, b.source(), coldAlone+coldBursts*coldBurst)
	if err != nil {
		return err
	}
	defer os.RemoveAll(app.dir)
	data, err := os.MkdirTemp("", "nube-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	r, err := startNubeIn(ctx, "", data, "up", app.dir)
	if err != nil {
		return err
	}
	r.stop()
	confinements := []string{"auto", "off"}
	bare, gateway := coldTimes{}, map[string]*coldTimes{}
	for _, c := range confinements {
		gateway[c] = &coldTimes{}
	}
	for range coldRounds {
		for _, c := range confinements {
			if err := coldRound(ctx, data, app.binary, c, gateway[c], &bare); err != nil {
				return err
			}
		}
	}
	const table = "Cold start, to the first answer"
	show := func(who string, t *coldTimes) {
		slices.Sort(t.alone)
		slices.Sort(t.burst)
		b.report.value(table, who, "one", fmt.Sprintf("p50 %s, p99 %s", round(median(t.alone)), round(t.alone[len(t.alone)*99/100])))
		b.report.value(table, who, "six at once, the last", fmt.Sprintf("p50 %s", round(median(t.burst))))
	}
	show("the same binary spawned bare", &bare)
	for _, c := range confinements {
		t := gateway[c]
		who := "nube, through the gateway, --isolation " + c
		show(who, t)
		b.report.value(table, who, "beyond bare", fmt.Sprintf("%s; six %.2f×",
			round(median(t.alone)-median(bare.alone)), float64(median(t.burst))/float64(median(bare.burst))))
	}
	return nil
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

// What a start leaves to do, such as surroundings for the next, happens before the
// next, and does not burden the other.
const (
	betweenStarts = 30 * time.Millisecond
	betweenBursts = 100 * time.Millisecond
)

// coldRound starts nube and calls each of its functions once.
func coldRound(ctx context.Context, data, binary, confinement string, nube, bare *coldTimes) error {
	r, err := startNubeIn(ctx, "", data, "start", "--isolation", confinement)
	if err != nil {
		return err
	}
	defer r.stop()
	get := func(name string) error {
		return sendRaw(ctx, r.gateway, request(http.MethodGet, r.gateway, "/"+name, ""), func(status int, _ []byte) bool { return status == http.StatusOK })
	}
	for range 20 { // nube itself is warm
		if err := get("answer"); err != nil {
			return err
		}
	}
	timed := func(after time.Duration, fn func() error) (time.Duration, error) {
		if err := pause(ctx, after); err != nil {
			return 0, err
		}
		began := time.Now()
		err := fn()
		return time.Since(began), err
	}
	spawnBare := func() error { return first(ctx, binary) }
	for i := range coldAlone {
		for _, m := range []struct {
			took *[]time.Duration
			fn   func() error
		}{{&nube.alone, func() error { return get(fmt.Sprintf("cold%d", i)) }}, {&bare.alone, spawnBare}} {
			d, err := timed(betweenStarts, m.fn)
			if err != nil {
				return err
			}
			*m.took = append(*m.took, d)
		}
	}
	for burst := range coldBursts {
		for _, m := range []struct {
			took *[]time.Duration
			fn   func(i int) error
		}{{&nube.burst, func(i int) error { return get(fmt.Sprintf("cold%d", coldAlone+burst*coldBurst+i)) }}, {&bare.burst, func(int) error { return spawnBare() }}} {
			d, err := timed(betweenBursts, func() error { return together(coldBurst, m.fn) })
			if err != nil {
				return err
			}
			*m.took = append(*m.took, d)
		}
	}
	return nil
}

// together runs fn n times at once and waits for the last.
func together(n int, fn func(i int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// first spawns a function and waits for its first answer.
func first(ctx context.Context, binary string) error {
	i, err := spawn(ctx, binary)
	if err != nil {
		return err
	}
	i.invoke([]byte(`{"httpMethod":"GET","path":"/"}`))
	go i.kill()
	return nil
}
