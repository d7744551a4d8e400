package awsapi

import (
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/record"
)

// cause is why a request is made: what its headers say, else what the holder of
// its key is doing. A function whose trace nobody has decided to keep knows the
// root alone, and its SDK passes that on.
func (f *Front) cause(r *http.Request, call *Call, key string) record.Cause {
	c := record.FromHeaders(r.Header, call.ID)
	if !c.Span.IsZero() || f.causeOf == nil || key == "" {
		return c
	}
	known := f.causeOf(key, c.Trace)
	if known.IsZero() {
		return c
	}
	known.Request, known.By, known.Sampled, known.Refused = call.ID, "", c.Sampled, c.Refused
	return known
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
