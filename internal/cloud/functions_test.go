package cloud

import (
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
)

// A role that a service assumes for some resources only, or for those of one account,
// as AWS advises against the confused deputy, is not assumed for others.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func TestRolesForResources(t *testing.T) {
	w := openWalk(t)
	const source = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/nightly"
	for name, test := range map[string]struct {
		condition string
		want      bool
	}{
		"account":        {`"StringEquals":{"aws:SourceAccount":"123456789012"}`, true},
		"anotherAccount": {`"StringEquals":{"aws:SourceAccount":"210987654321"}`, false},
		"group":          {`"ArnEquals":{"aws:SourceArn":"` + source + `"}`, true},
		"anotherGroup":   {`"ArnEquals":{"aws:SourceArn":"` + source + `2"}`, false},
	} {
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole",` +
			`"Condition":{` + test.condition + `}}]}`
		r, err := awsapi.Do(w.root, w.cloud.front, shapes.CreateRole, &shapes.CreateRoleRequest{RoleName: &name, AssumeRolePolicyDocument: &trust})
		if err != nil {
			t.Fatal(err)
		}
		for service, want := range map[string]bool{"scheduler.amazonaws.com": test.want, "events.amazonaws.com": false} {
			if ok, err := (assumable{w.cloud.parts.iam}).AssumableBy(t.Context(), arn.ARN(*r.Role.Arn), service, source); err != nil || ok != want {
				t.Errorf("%s by %s: %v, %v; want %v", service, name, ok, err, want)
			}
		}
	}
}
