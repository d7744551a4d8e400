package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
)

// standard is the class of groups that have none of their own.
const standard = "STANDARD"

func (s *Service) createLogGroup(ctx context.Context, in *shapes.CreateLogGroupRequest) (*schema.Empty, error) {
	name := value(in.LogGroupName)
	if strings.HasPrefix(strings.ToLower(name), "aws/") {
		return nil, invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	if in.KmsKeyId != nil {
		return nil, invalid("nube does not encrypt log groups; create the group without kmsKeyId.")
	}
	g := group{Created: s.clock.Now(), Tags: in.Tags}
	if c := value(in.LogGroupClass); c != standard {
		g.Class = c
	}
	k := spaceOf(cell(ctx)).group(name)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		old, err := tx.Get(k)
		if err != nil {
			return err
		}
		if old != nil {
			return fault.New("ResourceAlreadyExistsException", "The specified log group already exists")
		}
		return jsonrow.Set(tx, k, &g)
	})
	return &schema.Empty{}, err
}

// deleteLogGroup deletes the events before the group, so that a crash in between
// leaves an empty group and never the events of one that is gone, which a new
// group of the name would show.
func (s *Service) deleteLogGroup(ctx context.Context, in *shapes.DeleteLogGroupRequest) (*schema.Empty, error) {
	c := cell(ctx)
	name := value(in.LogGroupName)
	if _, err := s.viewGroup(ctx, name); err != nil {
		return nil, err
	}
	events := streamIn(c, name, "")
	if err := s.logs.DropGroup(events); err != nil {
		return nil, fmt.Errorf("events of log group %s: %w", name, err)
	}
	sp := spaceOf(c)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		row, err := tx.Get(sp.group(name))
		if err != nil {
			return err
		}
		if row == nil {
			return noGroup()
		}
		tx.Delete(sp.group(name))
		tx.DeleteRange(sp.streams(name))
		tx.DeleteRange(sp.metricFilters(name))
		tx.DeleteRange(sp.subscriptions(name))
		s.forgetDerived(tx, c, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.forget(func(known record.Stream) bool {
		return known.Account == c.Account && known.Region == c.Region && known.Group == name
	})
	// What came in between.
	late, err := s.logs.Streams(ctx, events)
	if err == nil && len(late) > 0 {
		err = s.logs.DropGroup(events)
	}
	if err != nil {
		return nil, fmt.Errorf("events of log group %s: %w", name, err)
	}
	return &schema.Empty{}, nil
}

func (s *Service) describeLogGroups(ctx context.Context, in *shapes.DescribeLogGroupsRequest) (*shapes.DescribeLogGroupsResponse, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	after, err := decodeName(in.NextToken)
	if err != nil {
		return nil, err
	}
	call := awsapi.From(ctx)
	if len(in.AccountIdentifiers) > 0 && !slices.Contains(in.AccountIdentifiers, call.Scope.Account) {
		return &shapes.DescribeLogGroupsResponse{LogGroups: []shapes.LogGroup{}}, nil // no other account is linked
	}
	stats, err := s.logs.Groups(ctx, call.Scope.Account, call.Scope.Region)
	if err != nil {
		return nil, fmt.Errorf("describe log groups: %w", err)
	}
	limit := describeLimit(in.Limit)
	out := &shapes.DescribeLogGroupsResponse{LogGroups: []shapes.LogGroup{}}
	sp := spaceOf(cell(ctx))
	r := sp.groups()
	if after != "" {
		r.Start = kv.Next(sp.group(after))
	}
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		last := ""
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			name := d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			if !strings.HasPrefix(name, value(in.LogGroupNamePrefix)) || !strings.Contains(name, value(in.LogGroupNamePattern)) {
				continue
			}
			var g group
			if err := jsonrow.Decode(p.Key, p.Value, &g); err != nil {
				return err
			}
			if in.LogGroupClass != nil && *in.LogGroupClass != g.class() {
				continue
			}
			if len(out.LogGroups) == limit {
				out.NextToken = encodeName(last)
				return nil
			}
			filters := int32(0)
			for _, err := range snap.Scan(sp.metricFilters(name), kv.ScanOptions{KeysOnly: true}) {
				if err != nil {
					return err
				}
				filters++
			}
			out.LogGroups = append(out.LogGroups, g.shape(call, name, int64(stats[name].Bytes), filters))
			last = name
		}
		return nil
	})
	return out, err
}

func (g *group) class() string {
	if g.Class == "" {
		return standard
	}
	return g.Class
}

// shape is the group as the API shows it.
func (g *group) shape(call *awsapi.Call, name string, bytes int64, filters int32) shapes.LogGroup {
	a := string(call.Scope.LogGroup(name))
	out := shapes.LogGroup{
		LogGroupName: &name, CreationTime: ptr(g.Created.UnixMilli()), MetricFilterCount: &filters,
		Arn: ptr(a + ":*"), LogGroupArn: &a, StoredBytes: &bytes, LogGroupClass: ptr(g.class()),
	}
	if g.Retention != 0 {
		out.RetentionInDays = ptr(g.Retention)
	}
	return out
}

// describeLimit is the size of a page of groups or streams.
func describeLimit(p *int32) int {
	if p == nil {
		return 50
	}
	return int(*p)
}

// retentions are the days that a retention policy may say.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
func retentions() []int32 {
	return []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

func (s *Service) putRetentionPolicy(ctx context.Context, in *shapes.PutRetentionPolicyRequest) (*schema.Empty, error) {
	days := *in.RetentionInDays
	if valid := retentions(); !slices.Contains(valid, days) {
		text := strings.ReplaceAll(fmt.Sprint(valid), " ", ", ")
		return nil, invalid("Invalid retention value. Valid values are: %s", text)
	}
	err := s.changeGroup(ctx, value(in.LogGroupName), noGroup(), func(g *group) error {
		g.Retention = days
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) deleteRetentionPolicy(ctx context.Context, in *shapes.DeleteRetentionPolicyRequest) (*schema.Empty, error) {
	err := s.changeGroup(ctx, value(in.LogGroupName), noGroup(), func(g *group) error {
		g.Retention = 0
		return nil
	})
	return &schema.Empty{}, err
}
