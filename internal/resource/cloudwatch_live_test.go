package resource_test

import (
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
)

const watchingV1 = `
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: g}
  Errors:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref Group
      FilterName: errors
      FilterPattern: ERROR
      MetricTransformations: [{MetricName: errors, MetricNamespace: App, MetricValue: "1", Dimensions: [{Key: path, Value: $.path}], Unit: Count}]
  Sink:
    Type: AWS::Logs::SubscriptionFilter
    Properties: {LogGroupName: !Ref Group, FilterName: sink, FilterPattern: "", DestinationArn: "arn:aws:lambda:eu-central-1:123456789012:function:sink"}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: many errors
      Namespace: App
      MetricName: errors
      Dimensions: [{Name: path, Value: /}]
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 5
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: ["arn:aws:sns:eu-central-1:123456789012:pager"]
      Tags: [{Key: team, Value: blue}]
  Rate:
    Type: AWS::CloudWatch::Alarm
    Properties:
      EvaluationPeriods: 1
      Threshold: 0.5
      ComparisonOperator: GreaterThanThreshold
      Metrics:
        - {Id: rate, Expression: errors / 2}
        - {Id: errors, ReturnData: false, MetricStat: {Metric: {Namespace: App, MetricName: errors}, Period: 60, Stat: Sum}}
  Any:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: {AlarmName: any, AlarmRule: !Sub 'ALARM("${Alarm}") OR ALARM("${Rate}")'}
  Query:
    Type: AWS::Logs::QueryDefinition
    Properties: {Name: shop/errors, QueryString: filter level = 'ERROR', LogGroupNames: [!Ref Group]}
  Board:
    Type: AWS::CloudWatch::Dashboard
    Properties: {DashboardName: board, DashboardBody: '{"widgets":[]}'}
Outputs:
  Alarm: {Value: !Ref Alarm}
  AlarmArn: {Value: !GetAtt Alarm.Arn}
  Any: {Value: !Ref Any}
  Board: {Value: !Ref Board}
  Errors: {Value: !Ref Errors}
  Query: {Value: !Ref Query}
  QueryId: {Value: !GetAtt Query.QueryDefinitionId}
`

func TestWatching(t *testing.T) {
	l := newLive(t)
	st := l.up(watchingV1)
	const alarmARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:many errors"
	for key, want := range map[string]string{"Alarm": "many errors", "AlarmArn": alarmARN, "Any": "any", "Board": "board", "Errors": "errors"} {
		if got := output(st, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	alarms := func() *cloudwatch.DescribeAlarmsOutput {
		return ask(l, cloudwatch.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []string{"MetricAlarm", "CompositeAlarm"}})
	}
	if got := alarms(); len(got.MetricAlarms) != 2 || len(got.CompositeAlarms) != 1 {
		t.Errorf("%d alarms, %d composite", len(got.MetricAlarms), len(got.CompositeAlarms))
	}
	filters := ask(l, logs.DescribeMetricFilters, &logs.DescribeMetricFiltersRequest{LogGroupName: ptr("g")}).MetricFilters
	if len(filters) != 1 || filters[0].MetricTransformations[0].Dimensions["path"] != "$.path" {
		t.Errorf("%+v", filters)
	}
	query := func() logs.QueryDefinition {
		t.Helper()
		all := ask(l, logs.DescribeQueryDefinitions, &logs.DescribeQueryDefinitionsRequest{}).QueryDefinitions
		if len(all) != 1 || *all[0].QueryDefinitionId != output(st, "Query") || output(st, "QueryId") != output(st, "Query") || all[0].LogGroupNames[0] != "g" {
			t.Fatalf("queries %+v", all)
		}
		return all[0]
	}
	if got := query(); *got.Name != "shop/errors" || *got.QueryString != "filter level = 'ERROR'" {
		t.Errorf("%+v", got)
	}
	l.up(strings.NewReplacer("'ERROR'", "'WARN'", "Threshold: 5", "Threshold: 7", "Value: blue", "Value: red", "FilterPattern: ERROR", "FilterPattern: WARN").Replace(watchingV1))
	if got := query(); *got.QueryString != "filter level = 'WARN'" {
		t.Errorf("%+v", got)
	}
	for _, a := range alarms().MetricAlarms {
		if *a.AlarmName == "many errors" && *a.Threshold != 7 {
			t.Errorf("threshold %v", *a.Threshold)
		}
	}
	if tags := ask(l, cloudwatch.ListTagsForResource, &cloudwatch.ListTagsForResourceInput{ResourceARN: ptr(alarmARN)}).Tags; len(tags) == 0 || *tags[0].Value != "red" {
		t.Errorf("tags %+v", tags)
	}
	l.down()
	if got := alarms(); len(got.MetricAlarms)+len(got.CompositeAlarms) != 0 {
		t.Errorf("%d alarms are left", len(got.MetricAlarms))
	}
	if all := ask(l, logs.DescribeQueryDefinitions, &logs.DescribeQueryDefinitionsRequest{}).QueryDefinitions; len(all) > 0 {
		t.Errorf("queries are left: %+v", all)
	}
}
