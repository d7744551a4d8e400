package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/otlp"
	"github.com/nube-run/nube/internal/record"
)

// listenOTLP binds the port at which applications' telemetry is received.
func (c *Cloud) listenOTLP() (net.Listener, error) {
	if c.opts.OTLP == NoOTLP {
		return nil, nil
	}
	l, err := net.Listen("tcp", c.opts.OTLP)
	if errors.Is(err, syscall.EADDRINUSE) && c.opts.OTLPElsewhere {
		host, _, _ := net.SplitHostPort(c.opts.OTLP)
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("the receiver of telemetry: %w; --otlp chooses another address, --otlp off does without", err)
	}
	return l, nil
}

// OTLP is the URL at which applications' telemetry is received; "" if it is
// not.
func (c *Cloud) OTLP() string {
	if c.listeners.otlp == nil {
		return ""
	}
	return urlOf(c.listeners.otlp)
}

// openExport begins to export telemetry, if it goes anywhere. It is the last to
// stop before the records.
func (c *Cloud) openExport() error {
	to := c.opts.Export
	if to.URL == "" {
		return nil
	}
	if c.isOTLP(to.URL) {
		c.log.Warn("telemetry is not exported: that is where it is received", "to", to.URL)
		return nil
	}
	e, err := otlp.NewExporter(otlp.ExporterOptions{
		Target: to, Recorder: c.recorder, Account: c.opts.Account, Region: c.opts.Region, Version: c.opts.Version, Log: c.log,
	})
	if err != nil {
		return err
	}
	c.exporter = e
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	c.stopping(func(context.Context) error {
		c.recorder.Metrics.Flush()
		stop()
		<-done
		return nil
	})
	return nil
}

// isOTLP reports whether a URL is the cloud's own receiver.
func (c *Cloud) isOTLP(to string) bool {
	own := c.listeners.otlp
	u, err := url.Parse(to)
	if own == nil || err != nil || u.Port() != strconv.Itoa(own.Addr().(*net.TCPAddr).Port) {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
}

// receiver answers on the port of OTLP.
func (c *Cloud) receiver() http.Handler {
	r := &otlp.Receiver{
		Recorder: c.recorder, Logs: &applicationLogs{functionLogs{c: c}}, Model: c.model, Ledger: c.ledger, Began: clock.Machine{}.Now(),
		Account: c.opts.Account, Region: c.opts.Region,
	}
	if c.exporter != nil {
		r.Forward = c.exporter.Forward
	}
	return r
}

// applicationLogs puts applications' log records where CloudWatch Logs finds
// them.
type applicationLogs struct{ functionLogs }

// Write implements [otlp.LogSink].
func (l *applicationLogs) Write(s record.Stream, at clock.Instant, text []byte) error {
	l.ensure(s)
	_, err := l.c.recorder.Logs.Writer(s).Append(at, l.c.model.Now(), text)
	return err
}
