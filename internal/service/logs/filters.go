package logs

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/service/logs/filter"
)

// Quotas of a group.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const (
	maxMetricFilters = 100
	maxSubscriptions = 2
	maxDimensions    = 3
)

// principal is who calls subscribed functions.
const principal = "logs.amazonaws.com"

// metricFilter is the row of a metric filter.
type metricFilter struct {
	Pattern         string `json:",omitempty"`
	Transformations []shapes.MetricTransformation
	Created         clock.Instant
}

// subscription is the row of a subscription filter.
type subscription struct {
	Pattern      string `json:",omitempty"`
	Destination  string
	Distribution string `json:",omitempty"`
	Created      clock.Instant
}

func (s space) metricFilter(group, name string) kv.Key {
	return s.Key().Str("metric").Str(group).Str(name).Done()
}
func (s space) metricFilters(group string) kv.Range { return s.Key().Str("metric").Str(group).Range() }
func (s space) allMetricFilters() kv.Range          { return s.Key().Str("metric").Range() }
func (s space) subscription(group, name string) kv.Key {
	return s.Key().Str("subscription").Str(group).Str(name).Done()
}
func (s space) subscriptions(group string) kv.Range {
	return s.Key().Str("subscription").Str(group).Range()
}

// lastPart is the name in a key of a group's part.
func lastPart(sp space, k kv.Key) string {
	_, _, name := keyParts(sp, k)
	return name
}

func keyParts(sp space, k kv.Key) (kind, group, name string) {
	d := sp.Decode(k)
	return d.Str(), d.Str(), d.Str()
}

func groupARN(c keyspace.Cell, group string) arn.ARN {
	return arn.In(c.Region, c.Account).LogGroup(group) + ":*"
}

// forgetDerived makes what becomes of a group's events read anew.
func (s *Service) forgetDerived(tx *kv.Tx, c keyspace.Cell, group string) {
	tx.After(func(kv.Stamp) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes++
		s.derivations.Delete(streamIn(c, group, ""))
	})
}

func (s *Service) putMetricFilter(ctx context.Context, in *shapes.PutMetricFilterRequest) (*schema.Empty, error) {
	if _, err := filter.Parse(value(in.FilterPattern)); err != nil {
		return nil, invalid("%v", err)
	}
	for _, t := range in.MetricTransformations {
		if err := checkTransformation(&t); err != nil {
			return nil, err
		}
	}
	row := &metricFilter{Pattern: value(in.FilterPattern), Transformations: in.MetricTransformations, Created: s.clock.Now()}
	return &schema.Empty{}, s.putPart(ctx, *in.LogGroupName, func(sp space) (kv.Key, kv.Range) {
		return sp.metricFilter(*in.LogGroupName, *in.FilterName), sp.metricFilters(*in.LogGroupName)
	}, row, maxMetricFilters)
}

func checkTransformation(t *shapes.MetricTransformation) error {
	text := value(t.MetricValue)
	if _, err := strconv.ParseFloat(text, 64); err != nil && !strings.HasPrefix(text, "$") {
		return invalid("Invalid metric transformation: MetricValue must be a number or a selector that begins with $, not %q", text)
	}
	if len(t.Dimensions) > maxDimensions {
		return invalid("Invalid metric transformation: a metric has no more than %d dimensions", maxDimensions)
	}
	if t.DefaultValue != nil && len(t.Dimensions) > 0 {
		return invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	}
	if strings.HasPrefix(value(t.MetricNamespace), "AWS/") {
		return invalid("Invalid metric transformation: the namespace %s is reserved for AWS.", value(t.MetricNamespace))
	}
	return nil
}

// putPart writes a filter of a group, of which it has no more than so many.
func (s *Service) putPart(ctx context.Context, group string, keys func(space) (kv.Key, kv.Range), row any, limit int) error {
	c := cell(ctx)
	sp := spaceOf(c)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		g, err := tx.Get(sp.group(group))
		if err != nil {
			return err
		}
		if g == nil {
			return noGroup()
		}
		k, all := keys(sp)
		old, err := tx.Get(k)
		if err != nil {
			return err
		}
		n := 0
		for _, err := range tx.Scan(all, kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			n++
		}
		if old == nil && n >= limit {
			return fault.New("LimitExceededException", "Resource limit exceeded.")
		}
		s.forgetDerived(tx, c, group)
		return jsonrow.Set(tx, k, row)
	})
	return err
}

// deletePart deletes a filter of a group.
func (s *Service) deletePart(ctx context.Context, group string, key func(space) kv.Key, gone *fault.Error) error {
	c := cell(ctx)
	sp := spaceOf(c)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		rows, err := tx.GetAll(sp.group(group), key(sp))
		if err != nil {
			return err
		}
		if rows[0] == nil {
			return noGroup()
		}
		if rows[1] == nil {
			return gone
		}
		tx.Delete(key(sp))
		s.forgetDerived(tx, c, group)
		return nil
	})
	return err
}

func (s *Service) deleteMetricFilter(ctx context.Context, in *shapes.DeleteMetricFilterRequest) (*schema.Empty, error) {
	return &schema.Empty{}, s.deletePart(ctx, *in.LogGroupName, func(sp space) kv.Key { return sp.metricFilter(*in.LogGroupName, *in.FilterName) },
		fault.New("ResourceNotFoundException", "The specified metric filter does not exist."))
}

func (s *Service) testMetricFilter(_ context.Context, in *shapes.TestMetricFilterRequest) (*shapes.TestMetricFilterResponse, error) {
	p, err := filter.Parse(value(in.FilterPattern))
	if err != nil {
		return nil, invalid("%v", err)
	}
	out := &shapes.TestMetricFilterResponse{Matches: []shapes.MetricFilterMatchRecord{}}
	for i, m := range in.LogEventMessages {
		if p.Match(m) {
			out.Matches = append(out.Matches, shapes.MetricFilterMatchRecord{EventNumber: ptr(int64(i + 1)), EventMessage: &m, ExtractedValues: p.Extracted(m)})
		}
	}
	return out, nil
}

func (s *Service) describeMetricFilters(ctx context.Context, in *shapes.DescribeMetricFiltersRequest) (*shapes.DescribeMetricFiltersResponse, error) {
	after, err := decodeName(in.NextToken)
	if err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	all := sp.allMetricFilters()
	if in.LogGroupName != nil {
		if _, err := s.viewGroup(ctx, *in.LogGroupName); err != nil {
			return nil, err
		}
		all = sp.metricFilters(*in.LogGroupName)
	}
	out := &shapes.DescribeMetricFiltersResponse{MetricFilters: []shapes.MetricFilter{}}
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		out.MetricFilters, out.NextToken = out.MetricFilters[:0], nil
		for p, err := range snap.Scan(all, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			_, group, name := keyParts(sp, p.Key)
			var row metricFilter
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if place := group + "\n" + name; place <= after || !row.wanted(in, name) {
				continue
			}
			if n := len(out.MetricFilters); n == describeLimit(in.Limit) {
				last := &out.MetricFilters[n-1]
				out.NextToken = encodeName(*last.LogGroupName + "\n" + *last.FilterName)
				return nil
			}
			out.MetricFilters = append(out.MetricFilters, shapes.MetricFilter{
				FilterName: &name, FilterPattern: &row.Pattern, MetricTransformations: row.Transformations, CreationTime: ptr(row.Created.UnixMilli()), LogGroupName: &group,
			})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("metric filters: %w", err)
	}
	return out, nil
}

func (m *metricFilter) wanted(in *shapes.DescribeMetricFiltersRequest, name string) bool {
	if !strings.HasPrefix(name, value(in.FilterNamePrefix)) {
		return false
	}
	if in.MetricName == nil {
		return true
	}
	for _, t := range m.Transformations {
		if value(t.MetricName) == *in.MetricName && value(t.MetricNamespace) == value(in.MetricNamespace) {
			return true
		}
	}
	return false
}

func (s *Service) putSubscriptionFilter(ctx context.Context, in *shapes.PutSubscriptionFilterRequest) (*schema.Empty, error) {
	if _, err := filter.Parse(value(in.FilterPattern)); err != nil {
		return nil, invalid("%v", err)
	}
	target, err := arn.Parse(*in.DestinationArn)
	if err != nil {
		return nil, invalid("destinationArn %s is not an ARN", *in.DestinationArn)
	}
	if target.Service() != "lambda" {
		return nil, invalid("nube passes log events on to functions of Lambda, not to %s: it has no streams of Kinesis and Firehose.", target.Service())
	}
	if s.emit == nil || !s.emit.Delivers(*in.DestinationArn) {
		return nil, invalid("Could not deliver test message to specified Lambda function.")
	}
	if *in.LogGroupName == "/aws/lambda/"+target.Name() {
		return nil, invalid("The function would be invoked by what it logs itself.")
	}
	row := &subscription{Pattern: value(in.FilterPattern), Destination: *in.DestinationArn, Distribution: value(in.Distribution), Created: s.clock.Now()}
	return &schema.Empty{}, s.putPart(ctx, *in.LogGroupName, func(sp space) (kv.Key, kv.Range) {
		return sp.subscription(*in.LogGroupName, *in.FilterName), sp.subscriptions(*in.LogGroupName)
	}, row, maxSubscriptions)
}

func (s *Service) deleteSubscriptionFilter(ctx context.Context, in *shapes.DeleteSubscriptionFilterRequest) (*schema.Empty, error) {
	return &schema.Empty{}, s.deletePart(ctx, *in.LogGroupName, func(sp space) kv.Key { return sp.subscription(*in.LogGroupName, *in.FilterName) },
		fault.New("ResourceNotFoundException", "The specified subscription filter does not exist."))
}

func (s *Service) describeSubscriptionFilters(ctx context.Context, in *shapes.DescribeSubscriptionFiltersRequest) (*shapes.DescribeSubscriptionFiltersResponse, error) {
	if _, err := s.viewGroup(ctx, value(in.LogGroupName)); err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	out := &shapes.DescribeSubscriptionFiltersResponse{SubscriptionFilters: []shapes.SubscriptionFilter{}}
	err := s.db.View(ctx, func(snap *kv.Snap) error {
		out.SubscriptionFilters = out.SubscriptionFilters[:0]
		for p, err := range snap.Scan(sp.subscriptions(*in.LogGroupName), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			var row subscription
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			name := lastPart(sp, p.Key)
			if !strings.HasPrefix(name, value(in.FilterNamePrefix)) {
				continue
			}
			out.SubscriptionFilters = append(out.SubscriptionFilters, shapes.SubscriptionFilter{
				FilterName: &name, LogGroupName: in.LogGroupName, FilterPattern: &row.Pattern, DestinationArn: &row.Destination,
				Distribution: ptr(or(row.Distribution, "ByLogStream")), CreationTime: ptr(row.Created.UnixMilli()),
			})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("subscription filters of %s: %w", *in.LogGroupName, err)
	}
	return out, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// accessSubscription: the filter, and the group that it is of.
func accessSubscription(ctx context.Context, in *shapes.PutSubscriptionFilterRequest) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "logs:PutSubscriptionFilter", Resource: groupResource(awsapi.From(ctx).Scope, value(in.LogGroupName))}}, nil
}
