package lambda

import (
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/runner"
)

// The conversation with the API, and what the runner is told to keep up.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
func TestProvisionedConcurrency(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.want("PublishVersion", `{"FunctionName":"f"}`, `"Version":"1"`)
	c.want("CreateAlias", `{"FunctionName":"f","Name":"live","FunctionVersion":"1"}`, `"FunctionVersion":"1"`)
	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"$LATEST","ProvisionedConcurrentExecutions":1}`,
		"InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	c.want("GetProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live"}`,
		"ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"7","ProvisionedConcurrentExecutions":1}`, "ResourceNotFoundException", "Function not found: ")
	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live","ProvisionedConcurrentExecutions":901}`,
		"InvalidParameterValueException", "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")

	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live","ProvisionedConcurrentExecutions":3}`,
		`"RequestedProvisionedConcurrentExecutions":3`, `"Status":"IN_PROGRESS"`, `"AllocatedProvisionedConcurrentExecutions":0`)
	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"1","ProvisionedConcurrentExecutions":1}`,
		"InvalidParameterValueException", "Alias can't be used for Provisioned Concurrency Configuration on an already Provisioned version")
	c.want("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":2}`, "InvalidParameterValueException")
	c.run.up = 2
	c.want("GetProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live"}`, `"Status":"IN_PROGRESS"`, `"AllocatedProvisionedConcurrentExecutions":2`)
	c.run.up = 3
	c.want("GetProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live"}`, `"Status":"READY"`, `"AvailableProvisionedConcurrentExecutions":3`)
	c.want("ListProvisionedConcurrencyConfigs", `{"FunctionName":"f"}`, `"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:live"`)
	c.kept("1:3")

	// Only invocations by the name that has it go there.
	for qualifier, want := range map[string]bool{"live": true, "1": false, "$LATEST": false} {
		c.want("Invoke", fmt.Sprintf(`{"FunctionName":"f","Qualifier":%q}`, qualifier), ``)
		if in := c.run.calls[len(c.run.calls)-1]; (in.Provisioned != nil) != want {
			t.Errorf("%s: provisioned %v, want %v", qualifier, in.Provisioned != nil, want)
		}
	}

	// An alias that moves takes its instances along.
	c.want("UpdateFunctionConfiguration", `{"FunctionName":"f","Description":"two"}`, ``)
	c.want("PublishVersion", `{"FunctionName":"f","Description":"two"}`, `"Version":"2"`)
	c.want("UpdateAlias", `{"FunctionName":"f","Name":"live","FunctionVersion":"2"}`, ``)
	c.kept("1:0", "2:3")
	c.want("UpdateAlias", `{"FunctionName":"f","Name":"live","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`,
		"InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to an alias with a routing configuration.")
	c.want("DeleteProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"live"}`, ``)
	c.kept("1:0", "2:0")

	// A restart brings up what was provisioned; deleting the function ends it.
	c.want("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"2","ProvisionedConcurrentExecutions":1}`, ``)
	c.run.kept = nil
	if err := c.s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.kept("2:1")
	c.want("DeleteFunction", `{"FunctionName":"f"}`, ``)
	c.kept("2:0")
}

// kept checks what the runner was told to keep up, as version:instances.
func (c *cloud) kept(want ...string) {
	c.t.Helper()
	got := map[string]bool{}
	c.run.mu.Lock()
	defer c.run.mu.Unlock()
	for s, n := range c.run.kept {
		if !s.Provisioned {
			c.t.Errorf("%s is no Spec of provisioned concurrency", s.Version)
		}
		got[fmt.Sprintf("%s:%d", s.Version, n)] = true
	}
	for _, w := range want {
		if !got[w] {
			c.t.Errorf("kept up: %v, want %v", got, want)
		}
	}
	if len(got) != len(want) {
		c.t.Errorf("kept up: %v, want %v", got, want)
	}
}

var _ Runner = (*runner.Runner)(nil)
