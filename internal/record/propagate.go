package record

import "strings"

// Headers by which traces come in and go out.
const (
	XRayHeader   = "X-Amzn-Trace-Id"
	ParentHeader = "Traceparent"
)

// XRay returns the cause as the value of an X-Amzn-Trace-Id header, which is
// also what a function finds in _X_AMZN_TRACE_ID:
// Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1.
// Where nobody has decided yet it says nothing of sampling.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func (c Cause) XRay() string {
	s := "Root=" + c.Trace.XRay()
	if !c.Span.IsZero() {
		s += ";Parent=" + c.Span.String()
	}
	switch {
	case c.Sampled:
		return s + ";Sampled=1"
	case c.Refused:
		return s + ";Sampled=0"
	}
	return s
}

// Root returns the cause as a gateway passes it on that does not trace: as long
// as nobody has decided on sampling the root alone. A parent without a decision
// would be a decision against it for those who read the header.
func (c Cause) Root() string {
	if c.Sampled || c.Refused {
		return c.XRay()
	}
	return "Root=" + c.Trace.XRay()
}

// Traceparent returns the cause as the value of a W3C traceparent header.
//
// https://www.w3.org/TR/trace-context/#traceparent-header
func (c Cause) Traceparent() string {
	flags := "-00"
	if c.Sampled {
		flags = "-01"
	}
	return "00-" + c.Trace.String() + "-" + c.Span.String() + flags
}

// ParseXRay reads an X-Amzn-Trace-Id header. Fields that it does not know
// (Self, Lineage) are left out. It reports false if there is no valid root.
func ParseXRay(header string) (Cause, bool) {
	var c Cause
	found := false
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToLower(name) {
		case "root":
			t, err := ParseTraceID(value)
			if err != nil {
				return Cause{}, false
			}
			c.Trace, found = t, true
		case "parent":
			if s, err := ParseSpanID(value); err == nil {
				c.Span = s
			}
		case "sampled":
			c.Sampled, c.Refused = value == "1", value == "0"
		}
	}
	if !found {
		return Cause{}, false
	}
	return c, true
}

// ParseTraceparent reads a W3C traceparent header, of version 00 or of a later
// one that begins like it. Its flag says that the caller may have recorded the
// trace; without it nothing is decided. It reports false if the header is invalid, which by
// the standard is as good as none.
func ParseTraceparent(header string) (Cause, bool) {
	const size = 55
	header = strings.TrimSpace(header)
	if len(header) < size || header[2] != '-' || header[35] != '-' || header[52] != '-' ||
		strings.ToLower(header) != header {
		return Cause{}, false
	}
	version, rest := header[:2], header[size:]
	if !hexDigits(version) || version == "ff" || version == "00" && rest != "" || rest != "" && rest[0] != '-' {
		return Cause{}, false
	}
	flags := header[53:55]
	if !hexDigits(flags) {
		return Cause{}, false
	}
	t, err := ParseTraceID(header[3:35])
	if err != nil {
		return Cause{}, false
	}
	s, err := ParseSpanID(header[36:52])
	if err != nil {
		return Cause{}, false
	}
	const odd = "13579bdf"
	return Cause{Trace: t, Span: s, Sampled: strings.IndexByte(odd, flags[1]) >= 0}, true
}

func hexDigits(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}
