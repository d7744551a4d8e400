package e2e

import (
	"os/exec"
	"testing"
)

// TestQueuesByBoto3 uses queues through the SDK for Python, and in the protocol of
// older clients.
func TestQueuesByBoto3(t *testing.T) {
	c := start(t, "memory", "start")
	c.script(t, exec.Command(tool(t, "python"), "testdata/sdk/queues.py"))
}
