//go:build amd64 || arm64

package sandbox

import (
	"net"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkStart measures the start of a trivial program to its end, plain and
// on every level in the same run; the rounds take turns, so that what else the
// machine does hits all of them. p50-x is the median as a multiple of the plain
// start's. Run it with
//
//	go test -run '^$' -bench Start -benchtime 500x ./internal/runner/sandbox
func BenchmarkStart(b *testing.B) {
	for _, at := range []int{1, 6} {
		b.Run(map[int]string{1: "alone", 6: "six-at-once"}[at], func(b *testing.B) { benchStart(b, at) })
	}
}

func benchStart(b *testing.B, at int) {
	const program = "/bin/true"
	kinds := []string{"plain"}
	starts := map[string]func() error{"plain": func() error {
		c := exec.Command(program)
		c.Env = []string{}
		return c.Run()
	}}
	add := func(name string, l level, o Options, n Network) {
		h := openLevel(b, l, o)
		dirs := make(chan Spec, at)
		for range at {
			s := newSpec(b, h)
			s.Argv, s.MemoryMB, s.Network = []string{program}, 128, n
			dirs <- s
		}
		kinds = append(kinds, name)
		starts[name] = func() error {
			s := <-dirs
			defer func() { dirs <- s }()
			p, err := h.Start(b.Context(), s)
			if err == nil {
				p.Exit()
			}
			return err
		}
	}
	for _, l := range levels() {
		add(l.name, l, Options{}, NetworkOpen)
	}
	add("platform-only", levels()[0], Options{}, NetworkPlatformOnly)
	add("own-network", levels()[0], Options{NetworkNamespaces: true}, NetworkPlatformOnly)
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, k := range kinds {
			var wg sync.WaitGroup
			began := time.Now()
			for range at {
				wg.Go(func() {
					if err := starts[k](); err != nil {
						b.Error(err)
					}
					d := time.Since(began)
					mu.Lock()
					took[k] = append(took[k], d)
					mu.Unlock()
				})
			}
			wg.Wait()
		}
	}
	median := func(k string, at float64) float64 {
		slices.Sort(took[k])
		return float64(took[k][int(at*float64(len(took[k])-1))].Microseconds())
	}
	for _, k := range kinds {
		b.ReportMetric(median(k, 0.5), k+"-p50-µs")
		b.ReportMetric(median(k, 0.99), k+"-p99-µs")
		b.ReportMetric(median(k, 0.5)/median("plain", 0.5), k+"-p50-x")
	}
}

// BenchmarkOpen measures what a Host costs at start-up, with its closing.
func BenchmarkOpen(b *testing.B) {
	for _, l := range levels() {
		b.Run(l.name, func(b *testing.B) {
			dir := b.TempDir()
			var opening time.Duration
			for b.Loop() {
				began := time.Now()
				s, err := openSystem(Options{Dir: dir}, l.can)
				if err != nil {
					b.Fatal(err)
				}
				opening += time.Since(began)
				if err := s.close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(opening.Microseconds())/float64(b.N), "open-µs/op")
		})
	}
}

// BenchmarkThaw measures freezing and thawing an idle process.
func BenchmarkThaw(b *testing.B) {
	for _, l := range levels() {
		b.Run(l.name, func(b *testing.B) {
			h := openLevel(b, l, Options{})
			p := start(b, h, newSpec(b, h, "wait"))
			p.line()
			var thawing time.Duration
			for b.Loop() {
				if err := p.Freeze(); err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				if err := p.Thaw(); err != nil {
					b.Fatal(err)
				}
				thawing += time.Since(began)
			}
			b.ReportMetric(float64(thawing.Nanoseconds())/1000/float64(b.N), "thaw-µs/op")
		})
	}
}

// BenchmarkGuard measures what a new connection costs to be recognised.
func BenchmarkGuard(b *testing.B) {
	for _, l := range levels() {
		b.Run(l.name, func(b *testing.B) {
			h := openLevel(b, l, Options{})
			p := start(b, h, newSpec(b, h, "wait"))
			p.line()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer ln.Close()
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			peer, err := ln.Accept()
			if err != nil {
				b.Fatal(err)
			}
			defer peer.Close()
			for b.Loop() {
				if ok, err := p.child.(owner).owns(peer); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
