package runner

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// The ceiling of a warm function is its own client: aws-lambda-go makes two
// HTTP requests an invocation. Compare:
//
//	go test -run '^$' -bench 'Warm|Bare' -benchtime 3s ./internal/runner/
//
// BenchmarkBare drives the same, unmodified program from a Runtime API that
// knows nothing but its next answer. BenchmarkWarm must reach 80 % of it.

func answerSpec(b *testing.B) *Spec {
	return &Spec{
		Function: arn.In("eu-west-1", "123456789012").Function("answer"), Name: "answer", Version: "$LATEST",
		Runtime: "provided.al2023", Handler: "bootstrap", CodeDir: goFunction(b, "answer"),
		MemoryMB: 1769, Timeout: 10 * time.Second, TmpMB: 512,
	}
}

// nolog takes logs to nowhere: what is measured is the way of an invocation.
type nolog struct{}

func (nolog) Append(LogStream, []LogEvent) {}

type nometer struct{}

func (nometer) Invoked(Use) {}

// modes are how processes are confined: what that costs is the sandbox's.
func modes() []sandbox.Mode { return []sandbox.Mode{sandbox.Off, sandbox.Auto} }

func BenchmarkWarm(b *testing.B) {
	for _, mode := range modes() {
		for _, callers := range []int{1, 4} {
			b.Run(fmt.Sprintf("isolation=%s/callers=%d", mode, callers), func(b *testing.B) { benchmarkWarm(b, mode, callers) })
		}
	}
}

func benchmarkWarm(b *testing.B, mode sandbox.Mode, callers int) {
	g := newRigIn(b, mode, func(o *Options) { o.Logs, o.Meter = nolog{}, nometer{} })
	s := answerSpec(b)
	g.invoke(s, nil)
	drive(b, callers, func() {
		res, err := g.Invoke(context.Background(), s, Invocation{RequestID: "5f6b8f5e-3a4b-4c5d-8e6f-7a8b9c0d1e2f", ARN: s.Function, Payload: []byte("{}")})
		if err != nil || res.Fault != nil {
			b.Errorf("%v %s", err, res.Payload)
		}
	})
}

func BenchmarkBare(b *testing.B) {
	for _, callers := range []int{1, 4} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			var all []*bare
			free := make(chan *bare, callers)
			for range callers {
				p := startBare(b, answerSpec(b).CodeDir)
				all = append(all, p)
				free <- p
			}
			drive(b, callers, func() {
				p := <-free
				p.invoke(b)
				free <- p
			})
			b.StopTimer()
			for _, p := range all {
				p.stop()
			}
		})
	}
}

// drive calls f b.N times from several goroutines, and reports its median.
func drive(b *testing.B, callers int, f func()) {
	took := make([]time.Duration, b.N)
	var next sync.Mutex
	n := 0
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				next.Lock()
				i := n
				n++
				next.Unlock()
				if i >= b.N {
					return
				}
				start := time.Now()
				f()
				took[i] = time.Since(start)
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invocations/s")
}

// bare is a function under a Runtime API that knows nothing: every GET is
// answered with the same event, every POST with the same acceptance.
type bare struct {
	ln   net.Listener
	cmd  *exec.Cmd
	wire wire
}

func startBare(t testing.TB, dir string) *bare {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &bare{ln: ln, cmd: exec.Command(filepath.Join(dir, "bootstrap"))}
	p.cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+ln.Addr().String(), "GOMAXPROCS=1")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p.wire = wire{conn: conn, buf: make([]byte, 4<<10)}
	p.read(t)
	return p
}

func (p *bare) read(t testing.TB) {
	head, err := p.wire.head()
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseHead(head)
	if err != nil {
		t.Fatal(err)
	}
	p.wire.r += len(head)
	if _, _, err := p.wire.body(&r, 1<<20); err != nil {
		t.Fatal(err)
	}
}

// invoke answers the open GET, and takes the answer and the next GET.
func (p *bare) invoke(t testing.TB) {
	deadline := time.Now().Add(10 * time.Second).UnixMilli()
	p.write(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 5f6b8f5e-3a4b-4c5d-8e6f-7a8b9c0d1e2f\r\n"+
		"Lambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:answer\r\nContent-Length: 2\r\n\r\n{}", deadline))
	p.read(t)
	p.write(t, "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"+`{"status":"OK"}`+"\n")
	p.read(t)
}

func (p *bare) write(t testing.TB, s string) {
	if _, err := p.wire.conn.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func (p *bare) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.wire.conn.Close()
	_ = p.ln.Close()
}

// A cold start is a process that loads, initialises and answers. The platform
// may add 2 ms to what the same program takes bare, and six starts at once may
// take 1.3 times as long as six bare ones. What is left of a round is cleared
// away before the next, outside of what is measured:
//
//	go test -run '^$' -bench 'Cold' -benchtime 50x ./internal/runner/
func BenchmarkCold(b *testing.B) {
	for _, burst := range []int{1, 6} {
		for _, mode := range modes() {
			b.Run(fmt.Sprintf("isolation=%s/burst=%d", mode, burst), func(b *testing.B) {
				g := newRigIn(b, mode, func(o *Options) { o.Logs, o.Meter = nolog{}, nometer{} })
				median(b, burst, func(round, k int) func() {
					s := answerSpec(b)
					s.Code = fmt.Sprint(round, k) // a pool of its own
					res, err := g.Invoke(context.Background(), s, Invocation{RequestID: "5f6b8f5e-3a4b-4c5d-8e6f-7a8b9c0d1e2f", ARN: s.Function, Payload: []byte("{}")})
					if err != nil || !res.Cold {
						b.Error(err)
					}
					return func() {
						g.Retire(s)
						for g.running(s) {
							runtime.Gosched()
						}
					}
				})
			})
		}
		b.Run(fmt.Sprintf("bare/burst=%d", burst), func(b *testing.B) {
			dir := answerSpec(b).CodeDir
			median(b, burst, func(int, int) func() {
				p := startBare(b, dir)
				p.invoke(b)
				return p.stop
			})
		})
	}
}

// median measures rounds of burst calls at once, and reports the middle one.
func median(b *testing.B, burst int, call func(round, k int) (clear func())) {
	took := make([]time.Duration, b.N)
	clear := make([]func(), burst)
	for round := range took {
		start := time.Now()
		var wg sync.WaitGroup
		for k := range burst {
			wg.Go(func() { clear[k] = call(round, k) })
		}
		wg.Wait()
		took[round] = time.Since(start)
		for _, f := range clear {
			f()
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[0].Microseconds())/1000, "best-ms")
}
