package keyspace

import "testing"

func TestServiceOf(t *testing.T) {
	for _, c := range []Cell{{"123456789012", "eu-west-1"}, {"000000000000", "x"}, {"", ""}, {"not a number", "eu"}, {"123456789012", ""}} {
		if got := ServiceOf(Service(c, "sqs", 7).Key().Str("a").Done()); string(got) != "sqs" {
			t.Errorf("of %v: %q", c, got)
		}
	}
	k := Service(Cell{"123456789012", "eu-west-1"}, "sqs", 0).Key().Done()
	for n := range len(k) - 2 {
		if got := ServiceOf(k[:n]); len(got) != 0 {
			t.Errorf("of its first %d bytes: %q", n, got)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = string(ServiceOf(k)) == "sqs" }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
