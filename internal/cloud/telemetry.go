package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/http"
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

// receiver answers on the port of OTLP.
func (c *Cloud) receiver() http.Handler {
	return &otlp.Receiver{
		Recorder: c.recorder, Logs: &applicationLogs{functionLogs{c: c}}, Model: c.model, Ledger: c.ledger, Began: clock.Machine{}.Now(),
		Account: c.opts.Account, Region: c.opts.Region,
	}
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
