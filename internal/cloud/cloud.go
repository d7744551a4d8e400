package cloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/inject"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/otlp"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/seal"
	"github.com/nube-run/nube/internal/work"
)

// Cloud is a running cloud.
type Cloud struct {
	opts  Options
	place place
	scope arn.Scope
	log   *slog.Logger
	model *clock.Model

	instance  string         // this process among those that share a store
	deploying turns          // one application's files at a time, and nothing while a state is exchanged
	debug     *debuggers     // nil: nothing is debugged
	madeOf    []string       // the files that were looked at last; guarded by deploying
	goes      sync.WaitGroup // what goes on by itself
	errands   *errands       // what is done beside

	ledger   *work.Ledger
	builds   *build.Store
	db       *kv.DB
	master   seal.Keys // that the cloud has made or read itself; nil until it is needed
	vault    *vault
	recorder *record.Recorder
	exporter *otlp.Exporter // nil when nothing is exported
	sandbox  *sandbox.Host
	parts    *parts
	settler  *work.Settler
	clock    *modelClock
	faults   *inject.Set
	api      *control.Server
	front    *awsapi.Front

	listeners *listeners
	gate      *gate
	turn      sync.Mutex                    // of exchanging the state, and of closing
	stops     []func(context.Context) error // in the order of starting
	base      int                           // how many of them are not of the state
	closed    bool
	broken    chan struct{} // closed when the cloud can only be started again
	breaks    sync.Once
}

// Open starts a cloud. It returns when every service answers.
func Open(ctx context.Context, o Options) (*Cloud, error) {
	o.setDefaults()
	c := &Cloud{
		opts: o, scope: arn.In(o.Region, o.Account), log: o.Log, ledger: work.NewLedger(), instance: rand.Text()[:12], faults: &inject.Set{}, gate: newGate(), deploying: make(turns, 1), broken: make(chan struct{}),
	}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cloud) open(ctx context.Context) (err error) {
	// Bound first, so that whoever starts the cloud and connects at once
	// waits instead of failing.
	if c.listeners, err = c.listen(); err != nil {
		return err
	}
	c.stopping(c.listeners.close)
	if c.place, err = c.opts.place(); err != nil {
		return err
	}
	if c.place.temp {
		c.stopping(func(context.Context) error { return os.RemoveAll(c.place.work) })
	}
	c.stopping(func(context.Context) error {
		if c.sandbox == nil {
			return nil
		}
		return c.sandbox.Close()
	})
	c.base = len(c.stops)
	if !c.place.temp {
		c.place.fs = c.faults.Disk(c.place.fs)
		if err := finishLoading(c.place.fs, c.place.dir); err != nil {
			return fmt.Errorf("a snapshot that was being loaded: %w", err)
		}
	}
	// The one waits for the disk, the other asks the kernel what it can do:
	// together they take as long as the first alone.
	boxed := make(chan error, 1)
	go func() { boxed <- c.openSandbox() }()
	if err := errors.Join(c.openStore(ctx), <-boxed); err != nil {
		return err
	}
	if err := c.openDebuggers(); err != nil {
		return err
	}
	if err := c.openParts(ctx); err != nil {
		return err
	}
	c.gate.open(c.handlers())
	c.listeners.serve(c.gate.handlers())
	return nil
}

// stopping has fn called when the cloud closes, before what was opened
// earlier.
func (c *Cloud) stopping(fn func(context.Context) error) { c.stops = append(c.stops, fn) }

// openStore opens the key-value store and the records.
func (c *Cloud) openStore(ctx context.Context) error {
	switch {
	case c.place.temp && c.db == nil: // else it was loaded
		c.db = kv.Open(c.sealing(memkv.New()))
		if c.place.fs == nil {
			c.place.fs = disk.Mem()
		}
	case !c.place.temp:
		engine, err := pebblekv.Open(c.place.fs.PathJoin(c.place.dir, "kv"), pebblekv.Options{FS: c.place.fs, Log: c.log})
		if err != nil {
			return fmt.Errorf("opening the store: %w", err)
		}
		c.db = kv.Open(c.sealing(engine))
	}
	db := c.db
	c.stopping(func(context.Context) error { return db.Close() })
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stopping(func(context.Context) error { stop(); return nil })
	go func() {
		select {
		case <-db.Broken():
			c.fail()
		case <-watching.Done():
		}
	}()
	var err error
	if c.model, err = recallClock(ctx, c.db, c.opts.Account, c.opts.ClockAt); err != nil {
		return err
	}
	c.vault = &vault{account: c.opts.Account, db: c.db, master: c.masterKey}
	if err := c.vault.open(ctx); err != nil {
		return err
	}
	o := record.Options{
		FS: c.place.fs, Dir: c.place.fs.PathJoin(c.place.dir, "records"), Model: c.model, NoTraces: c.opts.NoTraces, NoExchanges: c.opts.NoExchanges,
	}
	if c.place.temp {
		o.ExchangeBytes = exchangesInMemory
	} else {
		o.Sealer = atRest{c}
	}
	c.recorder, err = record.Open(o)
	if err != nil {
		return fmt.Errorf("opening the records: %w", err)
	}
	c.stopping(func(context.Context) error { return c.recorder.Close() })
	return c.openExport()
}

// exchangesInMemory bounds what is kept for replays by a cloud whose disk is
// memory.
const exchangesInMemory = 32 << 20

// openSandbox finds out what this machine can confine functions with. It runs
// beside openStore and touches nothing that that sets.
func (c *Cloud) openSandbox() error {
	run := c.workDir("run")
	o := sandbox.Options{Mode: c.opts.Isolation, Dir: run}
	if !c.place.temp {
		o.Hidden = []string{c.workDir("kv"), c.workDir("records"), c.workDir("root-key"), c.workDir(masterKeyFile)}
		o.Masked = []string{c.place.work}
	}
	if path := c.opts.MasterKey.File(); path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("master key: %w", err)
		}
		o.Hidden = append(o.Hidden, abs)
	}
	if err := os.MkdirAll(run, 0o755); err != nil {
		return err
	}
	var err error
	if c.sandbox, err = sandbox.Open(o); err != nil {
		return fmt.Errorf("isolation: %w", err)
	}
	return nil
}

// workDir is a path below the cloud's directory on the operating system.
func (c *Cloud) workDir(name string) string { return filepath.Join(c.place.work, name) }

// codeDir is where functions' code is.
func (c *Cloud) codeDir() string {
	if c.opts.Code != "" {
		return c.opts.Code
	}
	return c.workDir("code")
}

// API is the platform's own API, for whoever runs the cloud in his own process.
func (c *Cloud) API() *control.Server { return c.api }

// Close stops the cloud: what is under way is given until ctx ends.
func (c *Cloud) Close(ctx context.Context) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.closed = true
	return c.stopTo(ctx, 0)
}

// stopTo stops everything but the first n that were started.
func (c *Cloud) stopTo(ctx context.Context, n int) error {
	var errs []error
	for i := len(c.stops) - 1; i >= n; i-- {
		if err := c.stops[i](ctx); err != nil {
			errs = append(errs, err)
		}
	}
	c.stops = c.stops[:min(n, len(c.stops))]
	return errors.Join(errs...)
}

// fail says that the cloud can only be started again.
func (c *Cloud) fail() { c.breaks.Do(func() { close(c.broken) }) }

// ErrBroken says that the disk failed: nothing is acknowledged any more, and
// only a new start tells what is left.
var ErrBroken = errors.New("the store has failed, most likely because of its disk; start again to see what is there")

// Run returns when ctx ends, or with ErrBroken when the store fails.
func (c *Cloud) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.broken:
		return ErrBroken
	}
}

// Endpoint is the URL of the AWS APIs.
func (c *Cloud) Endpoint() string { return urlOf(c.listeners.aws) }

// GatewayURL is the URL of the application.
func (c *Cloud) GatewayURL() string { return urlOf(c.listeners.gateway) }

// urlOf is the URL by which this machine reaches a listener.
func urlOf(l net.Listener) string {
	addr := l.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// RootKey is the account's root access key.
func (c *Cloud) RootKey() (id, secret string) { return c.parts.rootKey, c.parts.rootSecret }

// Isolation says in sentences what confines functions.
func (c *Cloud) Isolation() []string { return c.sandbox.Report().Sentences() }
