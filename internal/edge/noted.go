package edge

import (
	"net/http"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// noted is a response of which the trace is told.
type noted struct {
	http.ResponseWriter
	status, bytes int
	exchange      *exchange // nil: what was exchanged is not recorded
}

// WriteHeader implements [http.ResponseWriter].
func (n *noted) WriteHeader(status int) {
	if n.status == 0 && status >= 200 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (n *noted) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	m, err := n.ResponseWriter.Write(b)
	n.bytes += m
	if n.exchange != nil {
		n.exchange.answer.Write(b[:m])
	}
	return m, err
}

// Unwrap lets [http.ResponseController] find what lies below.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// end ends the hop of a request with what it was answered. A gateway that
// answers by itself says why in a header.
func (n *noted) end(hop *record.Hop, r *http.Request) {
	h := n.Header()
	if n.status == 0 {
		n.status = http.StatusOK // what net/http answers when nobody else does
	}
	hop.Answered(n.status)
	hop.Carried(int(max(0, r.ContentLength)), n.bytes)
	if id := h["X-Amzn-Requestid"]; len(id) > 0 {
		hop.Requested(id[0])
	} else if id := h["Apigw-Requestid"]; len(id) > 0 {
		hop.Requested(id[0])
	}
	if why := h["X-Amzn-Errortype"]; len(why) > 0 && n.status >= 400 {
		hop.End(fault.New(why[0], ""))
	} else {
		hop.End(nil)
	}
	if n.exchange != nil {
		n.exchange.end(hop, n)
	}
}
