package cloud

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/runner"
)

// The groups and streams of instances are there when the cloud has settled, and
// again when somebody has deleted a group under instances that go on.
func TestStreamsOfInstances(t *testing.T) {
	w := openWalk(t)
	l := &functionLogs{c: w.cloud}
	group := ptr("/aws/lambda/f")
	written := func(events int) {
		t.Helper()
		for i := range 20 {
			for range events {
				l.Append(runner.LogStream{Account: w.cloud.scope.Account, Region: w.cloud.scope.Region, Group: *group, Name: fmt.Sprint("s", i)},
					[]runner.LogEvent{{At: w.cloud.model.Now(), Message: "hello\n"}})
			}
		}
		w.cloud.settle(t)
		out, err := awsapi.Do(w.root, w.cloud.front, logs.FilterLogEvents, &logs.FilterLogEventsRequest{LogGroupName: group})
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]int{}
		for _, e := range out.Events {
			of[*e.LogStreamName]++
		}
		want := map[string]int{}
		for i := range 20 {
			want[fmt.Sprint("s", i)] = events
		}
		if d := cmp.Diff(want, of); d != "" {
			t.Errorf("events of each stream (-want +got)\n%s", d)
		}
	}
	written(2)
	if _, err := awsapi.Do(w.root, w.cloud.front, logs.DeleteLogGroup, &logs.DeleteLogGroupRequest{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	written(3)
}

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
