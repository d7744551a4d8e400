package runner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
)

// A Spec describes an execution environment. It must not be changed once it
// has been given to a Runner: instances are kept by its [Hash], and code or
// configuration that differs is another Spec.
type Spec struct {
	// Function is the unqualified function, whose concurrency is limited as one
	// and among whose versions nothing else is shared.
	Function arn.ARN
	Name     string // of the function
	Version  string // "$LATEST" or a number

	// Runtime is Lambda's identifier, such as "nodejs20.x" or "provided.al2023".
	Runtime string
	Handler string
	// CodeDir holds the unpacked code. The process cannot write to it.
	CodeDir string
	// Code names the content of CodeDir.
	Code string
	// Uses are directories elsewhere that the code has links to.
	Uses []string
	// Layers are the directories of the layers in the function's order.
	Layers []string

	Env       map[string]string
	Role      arn.ARN
	MemoryMB  int
	Timeout   time.Duration
	TmpMB     int // size of /tmp: EphemeralStorage
	LogGroup  string
	Isolated  bool // no network but the platform's
	NeverStop bool // not frozen when idle: a debugger is attached
	// Debug puts the function under a debugger: there is one instance at most,
	// so that who steps through it sees every invocation.
	Debug bool
	// Provisioned says that instances are those of [Runner.Provision], kept up
	// ahead of traffic.
	Provisioned bool

	// Open, when set, is asked before each start of an instance whether it can have
	// its variables. An error is why it cannot start.
	Open func(ctx context.Context) error
	Lock string // names what Open opens: variables under another key are another Spec

	once sync.Once
	hash Hash
}

// Hash is the identity of a Spec's content.
type Hash [sha256.Size]byte

// Hash returns the identity of the Spec's content.
func (s *Spec) Hash() Hash {
	s.once.Do(func() {
		h := sha256.New()
		for _, v := range []string{
			string(s.Function), s.Version, s.Runtime, s.Handler, s.CodeDir, s.Code, string(s.Role), s.LogGroup, s.Lock,
			strconv.Itoa(s.MemoryMB), s.Timeout.String(), strconv.Itoa(s.TmpMB),
			strconv.FormatBool(s.Isolated), strconv.FormatBool(s.NeverStop), strconv.FormatBool(s.Provisioned), strconv.FormatBool(s.Debug),
		} {
			put(h, v)
		}
		for _, list := range [][]string{s.Uses, s.Layers} {
			put(h, strconv.Itoa(len(list)))
			for _, v := range list {
				put(h, v)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(s.Env)) {
			put(h, k)
			put(h, s.Env[k])
		}
		h.Sum(s.hash[:0])
	})
	return s.hash
}

// put writes v with its length, so that neighbouring values cannot run into
// each other.
func put(h hash.Hash, v string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(v)))
	h.Write(n[:])
	h.Write([]byte(v))
}

// places is how many invocations an instance takes at a time. Lambda's managed
// instances announce it to runtimes in AWS_LAMBDA_MAX_CONCURRENCY; runtimes
// that do not know the variable ask for one invocation at a time regardless.
func (s *Spec) places() int {
	if n, err := strconv.Atoi(s.Env["AWS_LAMBDA_MAX_CONCURRENCY"]); err == nil && n > 1 {
		return n
	}
	return 1
}
