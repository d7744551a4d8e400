package nubetest

import (
	"context"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
)

// Cloud is a running cloud. Its methods may be called from several goroutines;
// those that take a [testing.TB] fail it, and must be called from its own.
type Cloud struct {
	cloud  *cloud.Cloud
	broken bool // by the test: that it cannot end in order is no failure
}

// api is the platform's own API.
func (c *Cloud) api() *control.Server { return c.cloud.API() }

// Endpoint is the URL of the AWS APIs: what AWS_ENDPOINT_URL is set to.
func (c *Cloud) Endpoint() string { return c.cloud.Endpoint() }

// Gateway is the URL of the application: its paths follow, without a stage.
func (c *Cloud) Gateway() string { return c.cloud.GatewayURL() }

// Region is the region of the application, or the cloud's.
func (c *Cloud) Region() string { return c.cloud.ApplicationRegion() }

// Env is what AWS's SDKs and tools read to find the cloud and to be its account's
// root: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
// and AWS_DEFAULT_REGION.
func (c *Cloud) Env() map[string]string {
	id, secret := c.cloud.RootKey()
	return map[string]string{
		"AWS_ENDPOINT_URL": c.Endpoint(), "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_REGION": c.Region(), "AWS_DEFAULT_REGION": c.Region(),
	}
}

// settleWithin is how long a test waits for its cloud to settle.
const settleWithin = 30 * time.Second

// Settle waits until nothing is under way: no request, invocation or delivery,
// nothing that is due at the clock's now, nothing that was committed and has not
// had its effects. What is due later is not waited for: [Clock.Advance] is. It
// fails the test, naming what is in the way, when that takes 30 seconds.
func (c *Cloud) Settle(t testing.TB) {
	t.Helper()
	ctx, cancel := clock.Machine{}.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	r, err := c.api().Settler.Settle(ctx, 0, false)
	if err != nil {
		t.Fatalf("nubetest: the cloud has not settled: %v%s", err, inTheWay(r))
	}
	for _, s := range r.Stuck {
		t.Errorf("nubetest: %s goes round without end: %s", s.ID, s.Why)
	}
}

// Invoke calls a function, named as in its manifest or in full, and returns its
// answer. The function's own error is an error of type [*FunctionError].
func (c *Cloud) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	answer, failed, err := c.cloud.Invoke(ctx, function, event)
	if err == nil && failed {
		return nil, &FunctionError{Function: function, Payload: answer}
	}
	return answer, err
}

// FunctionError is what a function that failed has answered.
type FunctionError struct {
	Function string
	Payload  []byte // JSON: errorType, errorMessage
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Function + " failed: " + string(e.Payload) }
