package target

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Reply is an HTTP response with its body.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// HTTP sends a request to an address that a service gave. Where the endpoint is not AWS, the address's host need not be
// found by DNS: the request goes to the endpoint and says whom it is for. Headers are "Name: value".
func HTTP(t testing.TB, method, address, body string, headers ...string) Reply {
	t.Helper()
	u, err := url.Parse(address)
	Must(t, err)
	host := u.Host
	endpoint, err := url.Parse(os.Getenv(endpointVariable))
	Must(t, err)
	if !strings.HasSuffix(endpoint.Hostname(), ".amazonaws.com") {
		u.Scheme, u.Host = endpoint.Scheme, endpoint.Host
	}
	r, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(body))
	Must(t, err)
	r.Host = host
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	Must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	Must(t, err)
	return Reply{resp.StatusCode, resp.Header, string(text)}
}
