package awsapi

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

func TestRoutes(t *testing.T) {
	rs := newRoutes(&schema.Model{Ops: []schema.Op{
		{Name: "Create", Method: "POST", URI: "/2015-03-31/functions"},
		{Name: "List", Method: "GET", URI: "/2015-03-31/functions/"},
		{Name: "Get", Method: "GET", URI: "/2015-03-31/functions/{FunctionName}"},
		{Name: "Versions", Method: "GET", URI: "/2015-03-31/functions/{FunctionName}/versions"},
		{Name: "Settings", Method: "GET", URI: "/2015-03-31/functions/settings"},
		{Name: "GetObject", Method: "GET", URI: "/{Bucket}/{Key+}"},
		{Name: "ListParts", Method: "GET", URI: "/{Bucket}/{Key+}?uploadId"},
		{Name: "ListBuckets", Method: "GET", URI: "/"},
	}})
	for _, c := range []struct {
		method, path, want string
		labels             map[string]string
	}{
		{"GET", "/2015-03-31/functions", "List", nil},
		{"GET", "/2015-03-31/functions/", "List", nil},
		{"POST", "/2015-03-31/functions", "Create", nil},
		{"GET", "/2015-03-31/functions/settings", "Settings", nil},
		{"GET", "/2015-03-31/functions/f", "Get", map[string]string{"FunctionName": "f"}},
		{"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda", "Get", map[string]string{"FunctionName": "arn:aws:lambda"}},
		{"GET", "/2015-03-31/functions/f/versions", "Versions", map[string]string{"FunctionName": "f"}},
		{"GET", "/b/a/b%2Fc", "GetObject", map[string]string{"Bucket": "b", "Key": "a/b/c"}},
		{"GET", "/b/k?uploadId=1", "ListParts", map[string]string{"Bucket": "b", "Key": "k"}},
		{"GET", "/", "ListBuckets", nil},
		{"DELETE", "/2015-03-31/functions/f", "", nil},
	} {
		u, err := url.Parse(c.path)
		if err != nil {
			t.Fatal(err)
		}
		op, labels := rs.match(c.method, u)
		got := ""
		if op != nil {
			got = op.Name
		}
		if got != c.want {
			t.Errorf("%s %s is %q, want %q", c.method, c.path, got, c.want)
			continue
		}
		if diff := cmp.Diff(c.labels, labels); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.method, c.path, diff)
		}
	}
}
