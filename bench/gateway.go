package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contender is one of the servers that are measured in turn.
type contender struct {
	name  string
	group string // of those of which the best counts
	host  string
	// requests are sent one after the other, over and over.
	requests [][]byte
	results  []result // of each round, in order
	median   result
}

// beside returns how c's throughput compares with o's: of each round by itself,
// since what else the machine does changes from one moment to the next and is
// most alike for neighbours; in order of size.
func (c *contender) beside(o *contender) ratios {
	rs := make(ratios, len(c.results))
	for i := range rs {
		rs[i] = c.results[i].perSec / o.results[i].perSec
	}
	slices.Sort(rs)
	return rs
}

// ratios are in order of size.
type ratios []float64

func (rs ratios) median() float64 { return rs[len(rs)/2] }

// half returns the bounds of the half that is in the middle.
func (rs ratios) half() (from, to float64) { return rs[len(rs)/4], rs[len(rs)-1-len(rs)/4] }

const (
	gatewayConns  = 16
	gatewayRounds = 16 // each contender in each; the first warm up, of the others the median counts
	gatewayWarm   = 3
	gatewayTurns  = 4 // in the time that a load has: many short ones rather than a few long ones
	userCount     = 100
)

// processes are the sizes of the bare path; nube starts one process for each
// request under way.
var processes = []int{1, 2, 4, gatewayConns}

// The groups of contenders.
const (
	barePath    = "bare"
	throughNube = "nube"
	offlinePath = "offline"
	alongside   = "" // in no comparison
)

// answers measures the function that only answers.
func (b *bench) answers(ctx context.Context) error {
	app, err := newApplication(ctx, b.source(), 0)
	if err != nil {
		return err
	}
	defer os.RemoveAll(app.dir)
	var started field
	defer started.stop()
	get := func(host, path string) [][]byte { return [][]byte{request(http.MethodGet, host, path, "")} }
	r, err := started.add(startNube(ctx, false, "up", app.dir))
	if err != nil {
		return err
	}
	started.enter(throughNube, "nube, Go", r.gateway, get(r.gateway, "/answer"))
	started.enter(alongside, "nube, Node.js", r.gateway, get(r.gateway, "/node"))
	var widest *running
	for _, n := range processes {
		r, err := started.add(startBare(ctx, app.binary, n))
		if err != nil {
			return err
		}
		widest = r
		started.enter(barePath, fmt.Sprintf("bare path, Go, %d processes", n), r.gateway, get(r.gateway, "/answer"))
	}
	for _, o := range offlines {
		r, err := started.add(startOffline(ctx, "", o.args...))
		if err != nil {
			return err
		}
		started.enter(offlinePath, o.name+", Node.js", r.host, get(r.host, "/answer"))
	}
	const table = "A function that only answers"
	if err := started.measure(ctx, b, table); err != nil {
		return err
	}
	return b.ceiling(ctx, table, widest, get(widest.gateway, "/answer"))
}

// ceiling reports what the function's own processes take of the processors for an
// answer, and how many answers there can be for that alone, whatever stands before
// the processes.
func (b *bench) ceiling(ctx context.Context, table string, bare *running, requests [][]byte) error {
	children := func() (total time.Duration, err error) {
		pids, err := childrenOf(bare.cmd.Process.Pid)
		for _, pid := range pids {
			cpu, err := processorTime(pid)
			if err != nil {
				return 0, err
			}
			total += cpu
		}
		return total, err
	}
	before, err := children()
	if err != nil {
		return err
	}
	l := load{addr: bare.gateway, conns: gatewayConns, duration: b.duration, ok: func(status int, _ []byte) bool { return status == http.StatusOK },
		next: func(int, int) []byte { return requests[0] }}
	res, err := l.once(ctx, l.duration)
	if err != nil {
		return err
	}
	after, err := children()
	if err != nil {
		return err
	}
	each := (after - before) / time.Duration(res.requests)
	b.report.value(table, "the function's own processes, on the bare path", fmt.Sprintf("%d connections", gatewayConns),
		fmt.Sprintf("%s of a processor for each answer: %d processors can do no more than %d/s", round(each), runtime.NumCPU(), time.Duration(runtime.NumCPU())*time.Second/each))
	return nil
}

// users measures GET /users/{id} of the shop: one read of DynamoDB.
func (b *bench) users(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "nube-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	shop := filepath.Join(b.examples, "shop")
	binary := filepath.Join(dir, "bootstrap")
	if err := compile(ctx, shop, "./functions/userapi", binary); err != nil {
		return err
	}
	var started field
	defer started.stop()
	nube, err := started.add(startNube(ctx, false, "up", shop))
	if err != nil {
		return err
	}
	gets, err := makeUsers(ctx, nube.gateway)
	if err != nil {
		return err
	}
	started.enter(throughNube, "nube, Go, its own DynamoDB, durable", nube.gateway, gets(nube.gateway))
	for _, n := range processes {
		r, err := started.add(startBare(ctx, binary, n, "AWS_ENDPOINT_URL=http://"+nube.host, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "TABLE_NAME=users-dev"))
		if err != nil {
			return err
		}
		started.enter(barePath, fmt.Sprintf("bare path, Go, %d processes, nube's DynamoDB", n), r.gateway, gets(r.gateway))
	}
	db, err := started.add(dynamoLocal("", true).start(ctx))
	if err != nil {
		return err
	}
	table, err := call(ctx, db.host, "CreateTable", `{"TableName":"users-dev","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`)
	if err != nil {
		return err
	}
	if err := one(ctx, db.host, table); err != nil {
		return err
	}
	for _, o := range offlines {
		r, err := started.add(startOffline(ctx, "http://"+db.host, o.args...))
		if err != nil {
			return err
		}
		gets, err := makeUsers(ctx, r.host)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		started.enter(offlinePath, o.name+", Node.js, DynamoDB Local in memory", r.host, gets(r.host))
	}
	return started.measure(ctx, b, "GET /users/{id}: a function that reads DynamoDB")
}

// makeUsers creates users and returns the requests that read them, for
// whichever host has them.
func makeUsers(ctx context.Context, host string) (func(host string) [][]byte, error) {
	var ids []string
	for i := range userCount {
		body := fmt.Sprintf(`{"name":"User %d","email":"user%d-%s@example.com"}`, i, i, strings.ReplaceAll(host, ":", "-"))
		raw := request(http.MethodPost, host, "/users", body, "Content-Type", "application/json")
		err := sendRaw(ctx, host, raw, func(status int, body []byte) bool {
			var user struct{ ID string }
			if status != http.StatusCreated || json.Unmarshal(body, &user) != nil || user.ID == "" {
				return false
			}
			ids = append(ids, user.ID)
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("create a user: %w", err)
		}
	}
	return func(host string) [][]byte {
		var out [][]byte
		for _, id := range ids {
			out = append(out, request(http.MethodGet, host, "/users/"+id, ""))
		}
		return out
	}, nil
}

// source is the directory of this module.
func (b *bench) source() string { return filepath.Join(filepath.Dir(b.examples), "bench") }

// startBare starts the bare path in a process of its own.
func startBare(ctx context.Context, binary string, n int, env ...string) (*running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startReady(ctx, env, self, bareCommand, "--function", binary, "--instances", strconv.Itoa(n))
}

// offlines are the ways in which serverless-offline runs functions.
var offlines = []struct {
	name string
	args []string
}{
	{"serverless-offline 13.9.0, worker threads (its default)", nil},
	{"serverless-offline 13.9.0, --useInProcess", []string{"--useInProcess"}},
}

// startOffline starts serverless-offline under osls.
func startOffline(ctx context.Context, dynamodb string, more ...string) (*running, error) {
	var ports []string
	for range 3 {
		p, err := freePort()
		if err != nil {
			return nil, err
		}
		ports = append(ports, strconv.Itoa(p))
	}
	env := []string{"AWS_ENDPOINT_URL=" + dynamodb, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off"}
	return startOther(ctx, tools("node/offline"), env, func(port string) []string {
		return append([]string{tools("node/node_modules/.bin/osls"), "offline", "start", "--noPrependStageInUrl",
			"--httpPort", port, "--lambdaPort", ports[0], "--albPort", ports[1], "--websocketPort", ports[2]}, more...)
	})
}

// field is the contenders of one table and what runs for them.
type field struct {
	running    []*running
	contenders []*contender
}

// add remembers a server, to be stopped at the end.
func (f *field) add(r *running, err error) (*running, error) {
	if err == nil {
		f.running = append(f.running, r)
	}
	return r, err
}

func (f *field) stop() {
	for _, r := range slices.Backward(f.running) {
		r.stop()
	}
}

func (f *field) enter(group, name, host string, requests [][]byte) {
	f.contenders = append(f.contenders, &contender{name: name, group: group, host: host, requests: requests})
}

// race loads the contenders in turn, several times, so that what else the machine
// does meets them all, and notes each one's median. Their order changes from round
// to round: what one leaves behind, in caches and to be collected, is the next one's
// burden.
func (f *field) race(ctx context.Context, duration time.Duration) error {
	for round := range gatewayRounds {
		for _, i := range rand.New(rand.NewPCG(0, uint64(round))).Perm(len(f.contenders)) {
			c := f.contenders[i]
			l := load{addr: c.host, conns: gatewayConns, duration: duration / gatewayTurns, ok: func(status int, _ []byte) bool { return status == http.StatusOK },
				next: func(conn, n int) []byte { return c.requests[(conn*31+n)%len(c.requests)] }}
			res, err := l.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= gatewayWarm {
				c.results = append(c.results, res)
			}
		}
	}
	for _, c := range f.contenders {
		sorted := slices.SortedFunc(slices.Values(c.results), func(a, b result) int { return cmp.Compare(a.perSec, b.perSec) })
		c.median = sorted[len(sorted)/2]
	}
	return nil
}

// measure has the contenders race, and reports how they and their groups did.
func (f *field) measure(ctx context.Context, b *bench, table string) error {
	if err := f.race(ctx, b.duration); err != nil {
		return err
	}
	best := map[string]*contender{}
	for _, c := range f.contenders {
		if o := best[c.group]; o == nil || c.median.perSec > o.median.perSec {
			best[c.group] = c
		}
		b.report.add(table, c.name, fmt.Sprintf("%d connections", gatewayConns), c.median)
	}
	rs := best[throughNube].beside(best[barePath])
	from, to := rs.half()
	b.report.value(table, "nube beside the best bare path", fmt.Sprintf("%d connections", gatewayConns),
		fmt.Sprintf("%.0f %% (the middle half of %d rounds: %.0f to %.0f %%)", 100*rs.median(), len(rs), 100*from, 100*to))
	rs = best[throughNube].beside(best[offlinePath])
	b.report.value(table, "nube beside serverless-offline's best", fmt.Sprintf("%d connections", gatewayConns), fmt.Sprintf("%.1f×", rs.median()))
	return nil
}
