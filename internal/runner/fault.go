package runner

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/runner/sandbox"
)

// MaxResponse is the size of the largest buffered response: 6 MB and 100
// bytes, as Lambda's own error message says.
const MaxResponse = 6291556

// A Fault is an error of an invocation as its caller sees it: the payload of
// an answer whose X-Amz-Function-Error is "Unhandled".
//
// The function's own errors pass through as the runtime posted them. The
// others are the platform's, in the words that Lambda uses:
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
type Fault struct {
	// Type is the error's type, such as "Sandbox.Timedout", "Runtime.ExitError"
	// or the name of an exception.
	Type string
	// Payload is the JSON document for the caller.
	Payload []byte
	// Err is why no process could be started at all; nil in all other cases.
	Err error

	status status // as REPORT says it
	log    string // the platform's line about it, without a final newline; "" for none
}

// Error makes a Fault usable as an error, by those who start instances without
// an invocation.
func (f *Fault) Error() string { return f.Type + ": " + string(f.Payload) }

// status is what REPORT says about an invocation that did not succeed.
type status struct{ status, kind string }

// platformFault is an error that the platform found, with errorType first as
// Lambda writes it.
func platformFault(kind, message string) []byte {
	b, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil {
		panic(err) // two strings
	}
	return b
}

// seconds formats a time-out as Lambda does, "3.00".
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

// timedOut is the answer to an invocation that ran out of time.
func timedOut(id string, limit time.Duration) *Fault {
	message := fmt.Sprintf("Task timed out after %s seconds", seconds(limit))
	return &Fault{
		Type:    "Sandbox.Timedout",
		Payload: platformFault("Sandbox.Timedout", "RequestId: "+id+" Error: "+message),
		status:  status{status: "timeout"},
		log:     id + " " + message + "\n", // Lambda leaves an empty line behind it
	}
}

// exited is the answer to an invocation whose process ended.
func exited(id string, e sandbox.Exit) *Fault {
	reason := "Runtime exited with error: " + e.String()
	kind := "Runtime.ExitError"
	switch {
	case e.OOM:
		// The process dies of SIGKILL, and that is all that Lambda tells the
		// caller; REPORT is more precise.
		reason, kind = "Runtime exited with error: signal: killed", "Runtime.OutOfMemory"
	case e.Signal == nil && e.Code == 0:
		reason = "Runtime exited without providing a reason"
	}
	text := "RequestId: " + id + " Error: " + reason
	return &Fault{
		Type:    "Runtime.ExitError",
		Payload: platformFault("Runtime.ExitError", text),
		status:  status{status: "error", kind: kind},
		log:     text + "\nRuntime.ExitError",
	}
}

// unstartable is the answer when no process could be started at all. Lambda
// has this error for a missing bootstrap file.
func unstartable(id string, err error) *Fault {
	text := "RequestId: " + id + " Error: " + err.Error()
	return &Fault{
		Type:    "Runtime.InvalidEntrypoint",
		Err:     err,
		Payload: platformFault("Runtime.InvalidEntrypoint", text),
		status:  status{status: "error", kind: "Runtime.InvalidEntrypoint"},
		log:     text + "\nRuntime.InvalidEntrypoint",
	}
}

// tooLarge is the answer to an invocation whose response is larger than limit.
func tooLarge(limit int) *Fault {
	b := []byte(`{"errorMessage":"Response payload size exceeded maximum allowed payload size (` +
		strconv.Itoa(limit) + ` bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
	return &Fault{Type: "Function.ResponseSizeTooLarge", Payload: b,
		status: status{status: "error", kind: "Function.ResponseSizeTooLarge"}}
}

// reported is an error that the runtime posted. The type comes from the header
// Lambda-Runtime-Function-Error-Type when the runtime sends it. REPORT says
// nothing about it: for the platform the invocation went well.
func reported(kind string, payload []byte) *Fault {
	if kind == "" || kind == "Unhandled" || kind == "Handled" {
		var doc struct {
			Type string `json:"errorType"`
		}
		if json.Unmarshal(payload, &doc) == nil && doc.Type != "" {
			kind = doc.Type
		}
	}
	if kind == "" {
		kind = "Runtime.Unknown"
	}
	return &Fault{Type: kind, Payload: payload}
}
