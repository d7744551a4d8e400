package resource_test

import (
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/fault"
)

const schedulesV1 = `
Resources:
  Group:
    Type: AWS::Scheduler::ScheduleGroup
    Properties: {Name: nightly, Tags: [{Key: team, Value: blue}]}
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      GroupName: !Ref Group
      ScheduleExpression: cron(0 2 * * ? *)
      ScheduleExpressionTimezone: Europe/Berlin
      StartDate: "2030-01-01T00:00:00Z"
      EndDate: "2031-01-01T00:00:00.000Z"
      FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 5}
      Target: {Arn: "arn:aws:lambda:eu-central-1:123456789012:function:f", RoleArn: "arn:aws:iam::123456789012:role/r", Input: "{}"}
  Connection:
    Type: AWS::Events::Connection
    Properties:
      AuthorizationType: API_KEY
      AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: X-Key, ApiKeyValue: secret}}
  Destination:
    Type: AWS::Events::ApiDestination
    Properties: {ConnectionArn: !GetAtt Connection.Arn, HttpMethod: POST, InvocationEndpoint: "https://example.com/hook"}
  Archive:
    Type: AWS::Events::Archive
    Properties: {SourceArn: !Sub "arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default", RetentionDays: 3}
Outputs:
  Group: {Value: !GetAtt Group.State}
  Schedule: {Value: !Ref Schedule}
  ScheduleArn: {Value: !GetAtt Schedule.Arn}
  Connection: {Value: !Ref Connection}
  Destination: {Value: !GetAtt Destination.Arn}
  Archive: {Value: !Ref Archive}
`

func TestSchedules(t *testing.T) {
	l := newLive(t)
	st := l.up(schedulesV1)
	name := output(st, "Schedule")
	if output(st, "Group") != "ACTIVE" || output(st, "ScheduleArn") != "arn:aws:scheduler:eu-central-1:123456789012:schedule/nightly/"+name ||
		!strings.HasPrefix(output(st, "Destination"), "arn:aws:events:eu-central-1:123456789012:api-destination/app-Destination-") {
		t.Errorf("outputs %v", st.Outputs)
	}
	schedule := func() *scheduler.GetScheduleOutput {
		return ask(l, scheduler.GetSchedule, &scheduler.GetScheduleInput{Name: &name, GroupName: ptr("nightly")})
	}
	if s := schedule(); s.StartDate.String() != "2030-01-01T00:00:00.000Z" || s.EndDate.String() != "2031-01-01T00:00:00.000Z" || *s.ScheduleExpressionTimezone != "Europe/Berlin" {
		t.Errorf("from %v to %v in %v", s.StartDate, s.EndDate, *s.ScheduleExpressionTimezone)
	}
	l.up(strings.NewReplacer("2030-01-01", "2030-02-01", "cron(0 2", "cron(0 3", "RetentionDays: 3", "RetentionDays: 4", "com/hook", "com/other").Replace(schedulesV1))
	if s := schedule(); s.StartDate.String() != "2030-02-01T00:00:00.000Z" || *s.ScheduleExpression != "cron(0 3 * * ? *)" {
		t.Errorf("from %v: %s", s.StartDate, *s.ScheduleExpression)
	}
	if a := ask(l, events.DescribeArchive, &events.DescribeArchiveRequest{ArchiveName: ptr(output(st, "Archive"))}); *a.RetentionDays != 4 {
		t.Errorf("%d days", *a.RetentionDays)
	}
	l.down()
	if _, err := awsapi.Do(l.ctx, l.front, scheduler.GetScheduleGroup, &scheduler.GetScheduleGroupInput{Name: ptr("nightly")}); !fault.Is(err, "ResourceNotFoundException") {
		t.Errorf("the group is still there: %v", err)
	}
}
