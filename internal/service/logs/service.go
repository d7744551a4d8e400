package logs

import (
	"context"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Options says what the service needs.
type Options struct {
	Metrics *record.Metrics // takes what logs hold of metrics
	Emit    Emitter         // calls subscribers; nil is nobody
	DB      *kv.DB
	Logs    *record.Logs
	Clock   *clock.Model
}

// Service is CloudWatch Logs.
type Service struct {
	api   *awsapi.Service
	db    *kv.DB
	logs  *record.Logs
	clock *clock.Model

	metrics     *record.Metrics
	emit        Emitter
	derivations sync.Map // record.Stream without a name → *derived

	mu        sync.Mutex
	known     map[record.Stream]struct{} // that Ensure has seen
	deletions int                        // of groups and streams
	answers   []*answered                // of queries, the newest last
	changes   uint64                     // of filters, so that no derivation is kept that was read before one
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{api: awsapi.NewService(&shapes.Model), db: o.DB, logs: o.Logs, clock: o.Clock, known: make(map[record.Stream]struct{}), metrics: o.Metrics, emit: o.Emit}
	s.api.ValidationCode = invalidParameter

	awsapi.Handle(s.api, shapes.CreateLogGroup, accessCreateGroup, s.createLogGroup)
	awsapi.Handle(s.api, shapes.DeleteLogGroup, onGroup("DeleteLogGroup", func(in *shapes.DeleteLogGroupRequest) (*string, *string) { return in.LogGroupName, nil }), s.deleteLogGroup)
	awsapi.Handle(s.api, shapes.DescribeLogGroups, accessAllGroups("DescribeLogGroups"), s.describeLogGroups)
	awsapi.Handle(s.api, shapes.PutRetentionPolicy, onGroup("PutRetentionPolicy", func(in *shapes.PutRetentionPolicyRequest) (*string, *string) { return in.LogGroupName, nil }), s.putRetentionPolicy)
	awsapi.Handle(s.api, shapes.DeleteRetentionPolicy, onGroup("DeleteRetentionPolicy", func(in *shapes.DeleteRetentionPolicyRequest) (*string, *string) { return in.LogGroupName, nil }), s.deleteRetentionPolicy)

	awsapi.Handle(s.api, shapes.CreateLogStream, onGroup("CreateLogStream", func(in *shapes.CreateLogStreamRequest) (*string, *string) { return in.LogGroupName, nil }), s.createLogStream)
	awsapi.Handle(s.api, shapes.DeleteLogStream, onStream("DeleteLogStream", func(in *shapes.DeleteLogStreamRequest) (_, _, _ *string) {
		return in.LogGroupName, nil, in.LogStreamName
	}), s.deleteLogStream)
	awsapi.Handle(s.api, shapes.DescribeLogStreams, onGroup("DescribeLogStreams", func(in *shapes.DescribeLogStreamsRequest) (*string, *string) {
		return in.LogGroupName, in.LogGroupIdentifier
	}), s.describeLogStreams)

	awsapi.Handle(s.api, shapes.PutLogEvents, onStream("PutLogEvents", func(in *shapes.PutLogEventsRequest) (_, _, _ *string) { return in.LogGroupName, nil, in.LogStreamName }), s.putLogEvents)
	awsapi.Handle(s.api, shapes.GetLogEvents, onStream("GetLogEvents", func(in *shapes.GetLogEventsRequest) (_, _, _ *string) {
		return in.LogGroupName, in.LogGroupIdentifier, in.LogStreamName
	}), s.getLogEvents)
	awsapi.Handle(s.api, shapes.FilterLogEvents, onGroup("FilterLogEvents", func(in *shapes.FilterLogEventsRequest) (*string, *string) {
		return in.LogGroupName, in.LogGroupIdentifier
	}), s.filterLogEvents)

	awsapi.Handle(s.api, shapes.TagResource, accessTagResource, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, accessUntagResource, s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsForResource, onARN("ListTagsForResource", func(in *shapes.ListTagsForResourceRequest) *string { return in.ResourceArn }), s.listTagsForResource)
	awsapi.Handle(s.api, shapes.TagLogGroup, accessTagGroup, s.tagLogGroup)
	awsapi.Handle(s.api, shapes.UntagLogGroup, onGroup("UntagLogGroup", func(in *shapes.UntagLogGroupRequest) (*string, *string) { return in.LogGroupName, nil }), s.untagLogGroup)
	awsapi.Handle(s.api, shapes.ListTagsLogGroup, onGroup("ListTagsLogGroup", func(in *shapes.ListTagsLogGroupRequest) (*string, *string) { return in.LogGroupName, nil }), s.listTagsLogGroup)

	awsapi.Handle(s.api, shapes.DescribeMetricFilters, onGroup("DescribeMetricFilters", func(in *shapes.DescribeMetricFiltersRequest) (*string, *string) {
		return ptr(value(in.LogGroupName)), nil // none means all
	}), s.describeMetricFilters)
	awsapi.Handle(s.api, shapes.DescribeSubscriptionFilters, onGroup("DescribeSubscriptionFilters", func(in *shapes.DescribeSubscriptionFiltersRequest) (*string, *string) {
		return in.LogGroupName, nil
	}), s.describeSubscriptionFilters)
	awsapi.Handle(s.api, shapes.PutMetricFilter, onGroup("PutMetricFilter", func(in *shapes.PutMetricFilterRequest) (*string, *string) { return in.LogGroupName, nil }), s.putMetricFilter)
	awsapi.Handle(s.api, shapes.DeleteMetricFilter, onGroup("DeleteMetricFilter", func(in *shapes.DeleteMetricFilterRequest) (*string, *string) { return in.LogGroupName, nil }), s.deleteMetricFilter)
	awsapi.Handle(s.api, shapes.TestMetricFilter, nil, s.testMetricFilter)
	awsapi.Handle(s.api, shapes.PutSubscriptionFilter, accessSubscription, s.putSubscriptionFilter)
	awsapi.Handle(s.api, shapes.DeleteSubscriptionFilter, onGroup("DeleteSubscriptionFilter", func(in *shapes.DeleteSubscriptionFilterRequest) (*string, *string) {
		return in.LogGroupName, nil
	}), s.deleteSubscriptionFilter)
	s.registerQueries()
	s.registerNotOffered()
	return s
}

func (s *Service) registerQueries() {
	awsapi.Handle(s.api, shapes.StartQuery, accessQuery, s.startQuery)
	awsapi.Handle(s.api, shapes.GetQueryResults, s.accessAnswer, s.getQueryResults)
	awsapi.Handle(s.api, shapes.GetLogGroupFields, onGroup("GetLogGroupFields", func(in *shapes.GetLogGroupFieldsRequest) (*string, *string) {
		return in.LogGroupName, in.LogGroupIdentifier
	}), s.getLogGroupFields)
	awsapi.Handle(s.api, shapes.GetLogRecord, accessRecord, s.getLogRecord)
	awsapi.Handle(s.api, shapes.StopQuery, nil, s.stopQuery)
	awsapi.Handle(s.api, shapes.DescribeQueries, nil, s.describeQueries)
	awsapi.Handle(s.api, shapes.PutQueryDefinition, nil, s.putQueryDefinition)
	awsapi.Handle(s.api, shapes.DeleteQueryDefinition, nil, s.deleteQueryDefinition)
	awsapi.Handle(s.api, shapes.DescribeQueryDefinitions, nil, s.describeQueryDefinitions)
}

// registerNotOffered says why there is no more.
func (s *Service) registerNotOffered() {
	s.api.NotOffered("nube trains no models of logs",
		"CreateLogAnomalyDetector", "DeleteLogAnomalyDetector", "GetLogAnomalyDetector", "ListAnomalies", "ListLogAnomalyDetectors", "UpdateAnomaly", "UpdateLogAnomalyDetector")
	s.api.NotOffered("events are read with FilterLogEvents; nube logs and OTLP carry them elsewhere", "CancelExportTask", "CreateExportTask", "DescribeExportTasks", "StartLiveTail")
	s.api.NotOffered("events are passed on to functions alone, in their own account",
		"DeleteDestination", "DescribeDestinations", "PutDestination", "PutDestinationPolicy", "DeleteAccountPolicy", "DescribeAccountPolicies", "PutAccountPolicy",
		"CreateDelivery", "DeleteDelivery", "DeleteDeliveryDestination", "DeleteDeliveryDestinationPolicy", "DeleteDeliverySource", "DescribeDeliveries",
		"DescribeDeliveryDestinations", "DescribeDeliverySources", "GetDelivery", "GetDeliveryDestination", "GetDeliveryDestinationPolicy", "GetDeliverySource",
		"PutDeliveryDestination", "PutDeliveryDestinationPolicy", "PutDeliverySource")
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// cell is the account and region that a call goes to.
func cell(ctx context.Context) keyspace.Cell {
	scope := awsapi.From(ctx).Scope
	return keyspace.Cell{Account: scope.Account, Region: scope.Region}
}

// streamIn names a stream to package record.
func streamIn(c keyspace.Cell, group, name string) record.Stream {
	return record.Stream{Account: c.Account, Region: c.Region, Group: group, Name: name}
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
