package cloudwatch

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
)

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
	// Delivers reports whether there is a receiver for a target.
	Delivers(target string) bool
}

// Gauges are metrics that nobody measures until somebody asks for them.
type Gauges interface {
	// Look measures what may be asked for: of a name space, a name and dimensions, each
	// of any where it is empty.
	Look(ctx context.Context, scope arn.Scope, namespace, name string, dims []record.Attr) error
}

// Options says what the service needs. Gauges may be nil.
type Options struct {
	DB      *kv.DB
	Clock   *clock.Model
	Metrics *record.Metrics
	Emit    Emitter
	Timers  *timer.Timers
	Gauges  Gauges
}

// Service is CloudWatch.
type Service struct {
	Options
	api     *awsapi.Service
	watcher *watcher
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	s.api.ValidationCode = "ValidationError"
	s.watcher = newWatcher(s)
	s.registerMetrics()
	s.registerAlarms()
	s.registerDashboards()
	s.registerNotOffered()
	o.Timers.Handle(timerHistory, s.fireHistory)
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func (s *Service) registerMetrics() {
	awsapi.Handle(s.api, shapes.PutMetricData, accessPut, s.putMetricData)
	awsapi.Handle(s.api, shapes.GetMetricData, nil, s.getMetricData)
	awsapi.Handle(s.api, shapes.GetMetricStatistics, nil, s.getMetricStatistics)
	awsapi.Handle(s.api, shapes.ListMetrics, nil, s.listMetrics)
}

func (s *Service) registerAlarms() {
	awsapi.Handle(s.api, shapes.PutMetricAlarm, onAlarm("PutMetricAlarm", func(in *shapes.PutMetricAlarmInput) (*string, []shapes.Tag) { return in.AlarmName, in.Tags }), s.putMetricAlarm)
	awsapi.Handle(s.api, shapes.PutCompositeAlarm, onAlarm("PutCompositeAlarm", func(in *shapes.PutCompositeAlarmInput) (*string, []shapes.Tag) { return in.AlarmName, in.Tags }), s.putCompositeAlarm)
	awsapi.Handle(s.api, shapes.DeleteAlarms, onAlarms("DeleteAlarms", func(in *shapes.DeleteAlarmsInput) []string { return in.AlarmNames }), s.deleteAlarms)
	awsapi.Handle(s.api, shapes.DescribeAlarms, onAllAlarms[*shapes.DescribeAlarmsInput]("DescribeAlarms"), s.describeAlarms)
	awsapi.Handle(s.api, shapes.DescribeAlarmsForMetric, nil, s.describeAlarmsForMetric)
	awsapi.Handle(s.api, shapes.DescribeAlarmHistory, onAlarm("DescribeAlarmHistory", func(in *shapes.DescribeAlarmHistoryInput) (*string, []shapes.Tag) { return or(in.AlarmName, "*"), nil }), s.describeAlarmHistory)
	awsapi.Handle(s.api, shapes.SetAlarmState, onAlarm("SetAlarmState", func(in *shapes.SetAlarmStateInput) (*string, []shapes.Tag) { return in.AlarmName, nil }), s.setAlarmState)
	awsapi.Handle(s.api, shapes.EnableAlarmActions, onAlarms("EnableAlarmActions", func(in *shapes.EnableAlarmActionsInput) []string { return in.AlarmNames }), s.enableAlarmActions)
	awsapi.Handle(s.api, shapes.DisableAlarmActions, onAlarms("DisableAlarmActions", func(in *shapes.DisableAlarmActionsInput) []string { return in.AlarmNames }), s.disableAlarmActions)
	awsapi.Handle(s.api, shapes.TagResource, accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsForResource, accessListTags, s.listTags)
}

func (s *Service) registerDashboards() {
	awsapi.Handle(s.api, shapes.PutDashboard, onDashboard("PutDashboard", func(in *shapes.PutDashboardInput) *string { return in.DashboardName }), s.putDashboard)
	awsapi.Handle(s.api, shapes.GetDashboard, onDashboard("GetDashboard", func(in *shapes.GetDashboardInput) *string { return in.DashboardName }), s.getDashboard)
	awsapi.Handle(s.api, shapes.DeleteDashboards, accessDeleteDashboards, s.deleteDashboards)
	awsapi.Handle(s.api, shapes.ListDashboards, nil, s.listDashboards)
}

func (s *Service) registerNotOffered() {
	s.api.NotOffered("metrics leave by OTLP, not by Firehose",
		"DeleteMetricStream", "GetMetricStream", "ListMetricStreams", "PutMetricStream", "StartMetricStreams", "StopMetricStreams")
	s.api.NotOffered("nube has no Contributor Insights",
		"DeleteInsightRules", "DescribeInsightRules", "DisableInsightRules", "EnableInsightRules", "GetInsightRuleReport", "ListManagedInsightRules",
		"PutInsightRule", "PutManagedInsightRules")
	s.api.NotOffered("nube trains no models of metrics", "DeleteAnomalyDetector", "DescribeAnomalyDetectors", "PutAnomalyDetector")
	s.api.NotOffered("nube draws no graphs", "GetMetricWidgetImage")
}

// gauge has the gauges measured that are about to be read.
func (s *Service) gauge(ctx context.Context, scope arn.Scope, namespace, name string, dims []record.Attr) error {
	if s.Gauges == nil {
		return nil
	}
	if err := s.Gauges.Look(ctx, scope, namespace, name, dims); err != nil {
		return fmt.Errorf("measure %s %s: %w", namespace, name, err)
	}
	return nil
}

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "cloudwatch", 0)} }

func (s space) alarm(name string) kv.Key        { return s.Key().Str("alarm").Str(name).Done() }
func (s space) alarms() kv.Range                { return s.Key().Str("alarm").Range() }
func (s space) history(alarm string) kv.Key     { return s.Key().Str("history").Str(alarm).Done() }
func (s space) historyOf(alarm string) kv.Range { return s.Key().Str("history").Str(alarm).Range() }
func (s space) histories() kv.Range             { return s.Key().Str("history").Range() }
func (s space) dashboard(name string) kv.Key    { return s.Key().Str("dashboard").Str(name).Done() }
func (s space) dashboards() kv.Range            { return s.Key().Str("dashboard").Range() }

func cell(ctx context.Context) keyspace.Cell {
	scope := awsapi.From(ctx).Scope
	return keyspace.Cell{Account: scope.Account, Region: scope.Region}
}

func ptr[T any](v T) *T { return &v }

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func or[T any](p *T, otherwise T) *T {
	if p == nil {
		return &otherwise
	}
	return p
}
