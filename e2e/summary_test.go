package e2e

import (
	"slices"
	"testing"
)

// TestSummary: nube up says what calls each function, and what the application has
// beside them.
//
// Mutation that it finds: properties read as the template has them, before what they
// refer to is known.
func TestSummary(t *testing.T) {
	c := start(t, "memory", "up", "../examples/shop", "--watch=false")
	var got []string
	for _, f := range c.Deployed.Functions {
		for _, by := range f.Callers {
			got = append(got, f.Name+" < "+by.Kind+" "+by.Name+" "+by.Detail)
		}
	}
	want := []string{
		"my-serverless-app-dev-dynamoDbProcessor < stream users-dev up to 100 at a time",
		"my-serverless-app-dev-orderProcessor < queue orders-dev up to 10 at a time",
		"my-serverless-app-dev-orderTracker < rule my-serverless-app-dev-orderTracker-rule-1 on bus shop-dev: detail-type OrderProcessed, source shop.orders",
	}
	if !slices.Equal(got, want) {
		t.Errorf("callers\n%q, want\n%q", got, want)
	}
	got = nil
	for _, r := range c.Deployed.Beside {
		got = append(got, r.Kind+" "+r.Name+" "+r.Detail)
	}
	want = []string{
		"queue inactive-users-dev ", "queue new-users-dev ", "queue orders-dead-dev ", "queue orders-dev a message received 3 times goes to orders-dead-dev",
		"topic notifications-dev to email admin@company.com, sqs inactive-users-dev, sqs new-users-dev",
		"bus shop-dev ",
		"table analytics-dev key id", "table orders-dev key id", "table users-dev key id; with a stream",
	}
	if !slices.Equal(got, want) {
		t.Errorf("beside them\n%q, want\n%q", got, want)
	}
	c.stop()
}
