package cloud

import (
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
)

// A role that a service assumes for the resources of one account only, as AWS advises
// against the confused deputy, is assumed for those of its own.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func TestRolesForOwnAccount(t *testing.T) {
	w := openWalk(t)
	for account, want := range map[string]bool{w.cloud.opts.Account: true, "210987654321": false} {
		name := "for" + account
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole",` +
			`"Condition":{"StringEquals":{"aws:SourceAccount":"` + account + `"}}}]}`
		r, err := awsapi.Do(w.root, w.cloud.front, shapes.CreateRole, &shapes.CreateRoleRequest{RoleName: &name, AssumeRolePolicyDocument: &trust})
		if err != nil {
			t.Fatal(err)
		}
		for service, want := range map[string]bool{"scheduler.amazonaws.com": want, "events.amazonaws.com": false} {
			if ok, err := (assumable{w.cloud.parts.iam}).AssumableBy(t.Context(), arn.ARN(*r.Role.Arn), service); err != nil || ok != want {
				t.Errorf("%s for account %s: %v, %v; want %v", service, account, ok, err, want)
			}
		}
	}
}
