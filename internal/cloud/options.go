package cloud

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/otlp"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/seal"
)

// NoOTLP is the OTLP of a cloud that does not receive telemetry.
const NoOTLP = "off"

// InMemory is the Data of a cloud that keeps nothing.
const InMemory = "memory"

// The account and region of a cloud that is not told otherwise.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Options say what a cloud is like. The zero value is a cloud in memory on
// ports that the system picks.
type Options struct {
	Listen  string // address of the AWS endpoint; "" means 127.0.0.1:0
	Gateway string // address of the application's gateway; "" means 127.0.0.1:0
	OTLP    string // address at which applications' telemetry is received; "" means 127.0.0.1:0, NoOTLP none
	// OTLPElsewhere has the system pick another port for OTLP if that one is
	// taken: by a collector, say.
	OTLPElsewhere bool
	// Export says where all telemetry goes besides the records; its zero value
	// is nowhere.
	Export otlp.Target
	// NoTraces leaves out the spans. Nothing else is different.
	NoTraces bool
	// NoExchanges leaves out what functions and APIs are given and answer, and
	// so there are no replays. Nothing else is different.
	NoExchanges bool

	// Data is the directory of everything that is kept, or InMemory; "" means
	// InMemory.
	Data string
	// FS is where the store and the records are; nil means the operating
	// system's, or memory's. Functions' code and temporary files are always on
	// the operating system's.
	FS disk.FS

	// Code is the directory of functions' code as it was built; "" means one
	// in Data. Clouds of several processes may share it.
	Code string

	// ClockAt is where the model clock of a new cloud stands still; nil means
	// that it runs with the machine's.
	ClockAt *clock.Instant

	Account string
	Region  string

	// RootKey and RootSecret are the credentials of the account's root; ""
	// means test and test on loopback, and generated ones, kept in Data,
	// when the cloud listens to others.
	RootKey, RootSecret string

	// MasterKey is where the key comes from under which secrets lie in the store;
	// its zero value is a key of the cloud's own, made with the first secret and
	// kept in Data, readable for nobody but its owner.
	MasterKey seal.Source

	// Debug are the functions that run under a debugger. They are not confined.
	Debug []Debug

	// SMTP is the mail server to which mail goes on, as ses.ParseServer reads it;
	// "" means that it stays in the mailbox.
	SMTP string
	// VerifySenders makes SES refuse to send from what was not verified, as AWS
	// does.
	VerifySenders bool

	IAM       awsapi.Enforcement
	Isolation sandbox.Mode // "" means Auto
	Log       *slog.Logger // nil is nobody
	Version   string

	anyRegion bool // Region was not given: a manifest may say its own
}

func (o *Options) setDefaults() {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Gateway == "" {
		o.Gateway = "127.0.0.1:0"
	}
	if o.OTLP == "" {
		o.OTLP = "127.0.0.1:0"
	}
	if o.Data == "" {
		o.Data = InMemory
	}
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Region == "" {
		o.Region, o.anyRegion = DefaultRegion, true
	}
	if o.Isolation == "" {
		o.Isolation = sandbox.Auto
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// loopbackOnly reports whether nobody outside the machine can connect.
func (o *Options) loopbackOnly() bool {
	for _, addr := range []string{o.Listen, o.Gateway} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return false
		}
		if host == "localhost" {
			continue
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return false
		}
	}
	return true
}

// place is where a cloud's files are.
type place struct {
	fs   disk.FS // of store and records
	dir  string  // on fs
	work string  // on the operating system: code, instances
	temp bool    // work is removed at the end
}

func (o *Options) place() (place, error) {
	if o.Data != InMemory {
		dir, err := filepath.Abs(o.Data)
		if err != nil {
			return place{}, err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return place{}, fmt.Errorf("data directory: %w", err)
		}
		fs := o.FS
		if fs == nil {
			fs = disk.OS()
		}
		return place{fs: fs, dir: dir, work: dir}, nil
	}
	work, err := os.MkdirTemp("", "nube-")
	if err != nil {
		return place{}, err
	}
	return place{fs: o.FS, dir: "nube", work: work, temp: true}, nil
}

// rootKey is the id and secret of the account's root.
func (o *Options) rootKey(p place) (id, secret string, err error) {
	if o.RootKey != "" {
		return o.RootKey, o.RootSecret, nil
	}
	if o.loopbackOnly() {
		return "test", "test", nil
	}
	return generatedKey(filepath.Join(p.work, "root-key"))
}
