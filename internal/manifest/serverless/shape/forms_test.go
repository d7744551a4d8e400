package shape

import "testing"

func TestForms(t *testing.T) {
	tests := []struct {
		name string
		is   func(string) bool
		yes  []string
		no   []string
	}{
		{"service", isServiceName, []string{"ab", "my-service-2"}, []string{"", "a", "1a", "a_b", "-a", "a.b"}},
		{"stack", isStackName, []string{"a", "A-1"}, []string{"", "1", "a_b"}},
		{"stage", IsStage, []string{"dev", "1", "a-b"}, []string{"", "a_b", "a.b", "é"}},
		{"environment", isVariableName, []string{"A", "_a1"}, []string{"", "1A", "A-B"}},
		{"tag", isTagKey, []string{"a b", "x:y/z=1", "_"}, []string{"", "aws:x", "a,b"}},
		{"logical resource", isLogicalResource, []string{"MyTable", "table/a*", "a.b"}, []string{"", "*", "a**", "a b"}},
		{"bucket", isBucketName, []string{"abc", "my-bucket.name", "1.2.3"}, []string{"ab", "-abc", "abc-", "a..b", "Abc", "1.2.3.4", "a_b"}},
		{"schedule", IsSchedule, []string{"rate(1 minute)", "rate(10 days)", "cron(0 12 * * ? *)"},
			[]string{"", "rate(1 minutes)", "rate(2 minute)", "rate(0 days)", "rate(01 days)", "rate(5 weeks)", "cron(0 12 * * ?)", "cron(0  12 * * ? *)", "every day"}},
		{"method and path", isMethodAndPath, []string{"GET /", "any /a/{b}"}, []string{"GET", "GET a", "FETCH /a", "* /a", "GET /a b", "/a"}},
		{"mount path", isMountPath, []string{"/mnt/a-b"}, []string{"/mnt/", "/mnt", "/tmp/a", "/mnt/a/b"}},
		{"status", isStatus, []string{"200"}, []string{"2xx", "20", "2000"}},
		{"account", isAccount, []string{"123456789012"}, []string{"12345678901", "12345678901x"}},
	}
	for _, tt := range tests {
		for _, s := range tt.yes {
			if !tt.is(s) {
				t.Errorf("%s: %q is refused", tt.name, s)
			}
		}
		for _, s := range tt.no {
			if tt.is(s) {
				t.Errorf("%s: %q is accepted", tt.name, s)
			}
		}
	}
}
