package lambda

import (
	"context"
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/runner/build"
)

// inMemory is how many functions and Specs the service keeps in memory.
func (c *cloud) inMemory() string {
	var n [2]int
	for i, m := range []interface{ Range(func(k, v any) bool) }{&c.s.rows, &c.s.specs} {
		m.Range(func(_, _ any) bool { n[i]++; return true })
	}
	return fmt.Sprintf("%d functions, %d specs", n[0], n[1])
}

// What is kept in memory is what there is, however often it has changed, and
// nothing of what was deleted.
func TestMemory(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	for i := range 3 {
		c.do("UpdateFunctionConfiguration", fmt.Sprintf(`{"FunctionName":"f","Description":"d%d"}`, i)) // the same instances
		c.do("AddPermission", fmt.Sprintf(`{"FunctionName":"f","StatementId":"s%d","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`, i))
		if _, err := c.s.ResourcePolicy(c.ctx, arn.ARN(fnARN+"f")); err != nil {
			t.Fatal(err)
		}
		c.do("Invoke", `{"FunctionName":"f"}`)
	}
	if got := c.inMemory(); got != "1 functions, 1 specs" {
		t.Error(got)
	}
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	for range 2 {
		c.do("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"1","ProvisionedConcurrentExecutions":1}`)
		c.do("DeleteProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"1"}`)
	}
	if got := c.inMemory(); got != "1 functions, 1 specs" {
		t.Error(got)
	}
	c.do("DeleteFunction", `{"FunctionName":"f"}`)
	if got := c.inMemory(); got != "0 functions, 0 specs" {
		t.Errorf("after its end: %s", got)
	}
}

// codeless has no code any more.
type codeless struct{ Artifacts }

func (codeless) Artifact(digest string) (build.Artifact, error) {
	return build.Artifact{}, fmt.Errorf("%w: %s", build.ErrUnknown, digest)
}

// A cloud starts although the code of a function is gone: a deployment, for which
// it must run, brings it back. It starts what is provisioned in every region.
func TestStart(t *testing.T) {
	c := newCloud(t, nil)
	c.ctx = awsapi.With(c.ctx, &awsapi.Call{Scope: arn.In("ap-south-1", testAccount), Actor: awsapi.RootOf(testAccount)})
	c.create("f", "")
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	c.do("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"1","ProvisionedConcurrentExecutions":2}`)
	c.run.kept = nil
	if err := c.s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.kept("1:2")
	c.s.specs.Clear()
	c.s.Artifacts = codeless{c.s.Artifacts}
	if err := c.s.Start(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a function has provisioned is brought up although whoever asked for it has
// gone away meanwhile.
func TestProvisionedWithoutTheCaller(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	c.do("PutProvisionedConcurrencyConfig", `{"FunctionName":"f","Qualifier":"1","ProvisionedConcurrentExecutions":2}`)
	c.run.kept = nil
	gone, cancel := context.WithCancel(c.ctx)
	cancel()
	if err := c.s.keep(gone, testCell, "f"); err != nil {
		t.Error(err)
	}
	c.kept("1:2")
}
