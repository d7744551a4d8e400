package runner

import (
	"math"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// stamp is how Lambda writes times in its log.
const stamp = "2006-01-02T15:04:05.000Z"

// Use is what one invocation used: what Lambda bills, and prints in REPORT.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
type Use struct {
	Function  arn.ARN // unqualified
	Version   string
	RequestID string
	MemoryMB  int // of the function
	MemoryMax int // MB, the most that the instance used so far
	Duration  time.Duration
	Init      time.Duration // of the instance, in its first invocation; else 0
	Fault     string        // error type; empty when the function succeeded
	Underway  int           // invocations of the function at its end, itself among them
	// Provisioned and Spilled say of a function with provisioned concurrency
	// where the invocation went: to an instance of it, or past it.
	Provisioned, Spilled bool
}

// Billed is the time that is billed: the duration and, since August 2025, the
// initialisation, rounded up to a millisecond.
//
// https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
func (u Use) Billed() time.Duration {
	return time.Duration(math.Ceil(float64(u.Duration+u.Init)/float64(time.Millisecond))) * time.Millisecond
}

// GBSeconds is what Lambda's price is per.
func (u Use) GBSeconds() float64 { return u.Billed().Seconds() * float64(u.MemoryMB) / 1024 }

// Meter counts what functions use.
type Meter interface {
	// Invoked is called once for each invocation, after its answer. It must not
	// block.
	Invoked(Use)
}

// Refusals is a [Meter] that counts the invocations too that were refused for
// their number.
type Refusals interface{ Throttled(function arn.ARN) }

// The platform's lines in a function's log, byte for byte as Lambda prints
// them.

func startLine(id, version string) string {
	return "START RequestId: " + id + " Version: " + version + "\n"
}

func endLine(id string) string { return "END RequestId: " + id + "\n" }

func reportLine(id string, u Use, f *Fault) string {
	b := make([]byte, 0, 256)
	b = append(b, "REPORT RequestId: "...)
	b = append(b, id...)
	b = append(b, "\tDuration: "...)
	b = appendMillis(b, u.Duration)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, u.Billed().Milliseconds(), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(u.MemoryMB), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, int64(u.MemoryMax), 10)
	b = append(b, " MB\t"...)
	if u.Init > 0 {
		b = append(b, "Init Duration: "...)
		b = appendMillis(b, u.Init)
		b = append(b, " ms\t"...)
	}
	if f != nil {
		b = appendStatus(b, f.status)
	}
	return string(append(b, '\n'))
}

// initReport is printed when an initialisation does not succeed.
func initReport(took time.Duration, phase string, s status) string {
	b := append(make([]byte, 0, 128), "INIT_REPORT Init Duration: "...)
	b = appendMillis(b, took)
	b = append(b, " ms\tPhase: "...)
	b = append(b, phase...)
	b = append(b, '\t')
	return string(append(appendStatus(b, s), '\n'))
}

func appendStatus(b []byte, s status) []byte {
	if s.status == "" {
		return b
	}
	b = append(append(append(b, "Status: "...), s.status...), '\t')
	if s.kind != "" {
		b = append(append(append(b, "Error Type: "...), s.kind...), '\t')
	}
	return b
}

func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// megabytes rounds a use of memory up, as Lambda does.
func megabytes(u sandbox.Usage) int { return int((u.MemoryPeak + 1<<20 - 1) >> 20) }
