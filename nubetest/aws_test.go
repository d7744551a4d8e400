package nubetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/sigv4"
)

// dynamodb calls an operation of DynamoDB as the account's root.
func (c *Cloud) dynamodb(t testing.TB, operation, body string, out any) {
	t.Helper()
	c.aws(t, "DynamoDB_20120810."+operation, body, out)
}

// aws calls an operation of DynamoDB or its streams as the account's root.
func (c *Cloud) aws(t testing.TB, target, body string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	id, secret := c.cloud.RootKey()
	sigv4.Sign(&sigv4.Request{
		Method: req.Method, Host: req.URL.Host, Path: "/", Header: req.Header, ContentLength: int64(len(body)), Body: []byte(body), Service: "dynamodb", Region: c.Region(),
	}, sigv4.Credentials{AccessKey: id, Secret: secret}, clock.Machine{}.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
}
