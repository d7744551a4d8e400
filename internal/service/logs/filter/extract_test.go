package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
func TestExtracted(t *testing.T) {
	for _, test := range []struct {
		pattern, message string
		want             map[string]string
	}{
		{`{ $.ms > 10 && $.user.name = "a*" }`, `{"ms":12.5,"user":{"name":"ana"}}`, map[string]string{"$.ms": "12.5", "$.user.name": "ana"}},
		{`[ip, user, ..., status = 4*, bytes]`, `127.0.0.1 ana - "GET /" 404 12`, map[string]string{"$ip": "127.0.0.1", "$user": "ana", "$status": "404", "$bytes": "12"}},
		{`ERROR`, `ERROR 1`, map[string]string{}},
	} {
		p, err := Parse(test.pattern)
		if err != nil || !p.Match(test.message) {
			t.Fatalf("%s: %v", test.pattern, err)
		}
		if diff := cmp.Diff(test.want, p.Extracted(test.message)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.pattern, diff)
		}
	}
	p, _ := Parse("")
	if v, ok := p.Value(`{"a":{"b":[3]}}`, "$.a.b[0]"); v != "3" || !ok {
		t.Errorf("%q, %v", v, ok)
	}
	if v, ok := p.Value(`{"a":1}`, "$.b"); ok {
		t.Errorf("%q", v)
	}
}
