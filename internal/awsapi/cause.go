package awsapi

import (
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/record"
)

// cause is why a request is made: what its headers say, else what the holder of
// its key is doing.
func (f *Front) cause(r *http.Request, call *Call, key string) record.Cause {
	c := record.FromHeaders(r.Header, call.ID)
	if c.Trace.IsZero() && f.traceOf != nil && key != "" {
		if known, ok := record.ParseXRay(f.traceOf(key)); ok {
			known.Request = call.ID
			return known
		}
	}
	return c
}

// attempt is which try of an SDK a request is, "" for the first one and for
// clients that do not say it.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func attempt(r *http.Request) string {
	said := r.Header["Amz-Sdk-Request"]
	if len(said) == 0 {
		return ""
	}
	_, n, _ := strings.Cut(said[0], "attempt=")
	n, _, _ = strings.Cut(n, ";")
	n = strings.TrimSpace(n)
	if n == "1" || len(n) > 4 {
		return ""
	}
	return n
}
