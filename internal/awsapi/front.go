package awsapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/sigv4"
	"github.com/nube-run/nube/internal/work"
)

// Front is the front door of all services: the HTTP handler of the AWS
// endpoint and the [Caller] of everything inside. Safe for concurrent use.
type Front struct {
	services    []*Service
	identities  Identities
	denials     Denials
	observer    Observer
	causeOf     func(key string, trace record.TraceID) record.Cause
	enforcement Enforcement
	account     string
	region      string
	model       *clock.Model
	machine     clock.Machine
	verifier    *sigv4.Verifier
	ledger      *work.Ledger
	disturber   Disturber
	served      Meter
	log         *slog.Logger
}

// Options says what a front is made of. Services, Identities, Account, Region
// and Model are needed; the rest may be zero.
type Options struct {
	Services    []*Service
	Identities  Identities
	Account     string // of unsigned requests, and of the platform itself
	Region      string // of requests that name none
	Model       *clock.Model
	Enforcement Enforcement
	Denials     Denials
	Observer    Observer
	// CauseOf returns why requests are made that do not say by whom in a trace,
	// or nothing at all, and are signed with a key; the zero Cause where nobody
	// knows.
	CauseOf func(key string, trace record.TraceID) record.Cause
	Ledger  *work.Ledger // counts the requests under way
	// Disturber makes calls go wrong; nil is nobody.
	Disturber Disturber
	Meter     Meter // may be nil
	Log       *slog.Logger
}

// Meter is told of each call that was permitted: what went in, what came out, and
// how long it took. It must not block or change what it sees.
type Meter interface {
	Served(ctx context.Context, op *schema.Op, in, out any, err error, took time.Duration)
}

// New returns the front of the given services.
func New(o Options) *Front {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ledger == nil {
		o.Ledger = work.NewLedger()
	}
	return &Front{
		services: o.Services, identities: o.Identities, denials: o.Denials, observer: o.Observer, causeOf: o.CauseOf, enforcement: o.Enforcement,
		account: o.Account, region: o.Region, model: o.Model, verifier: sigv4.New(maxSigningKeys), ledger: o.Ledger, disturber: o.Disturber, served: o.Meter, log: o.Log,
	}
}

// Services returns the services in the order of their registration.
func (f *Front) Services() []*Service { return f.services }

func (f *Front) service(m *schema.Model) *Service {
	for _, s := range f.services {
		if s.Model == m {
			return s
		}
	}
	return nil
}

func (f *Front) observe(ctx context.Context, service, op string) (context.Context, func(error, int, int)) {
	if f.observer == nil {
		return ctx, func(error, int, int) {}
	}
	return f.observer.Begin(ctx, service, op)
}

// NewID returns a fresh request id: a random UUID (RFC 9562, version 4).
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

func stack() []byte { return debug.Stack() }
