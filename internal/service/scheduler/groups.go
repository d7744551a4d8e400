package scheduler

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// loadGroup reads a group that must exist. The default one does.
func loadGroup(g jsonrow.Getter, n name) (groupRow, error) {
	var r groupRow
	ok, err := jsonrow.Get(g, n.space().group(n.group), &r)
	if err == nil && !ok && n.group != defaultGroup {
		err = noGroup(n)
	}
	return r, err
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html
func (s *Service) createGroup(ctx context.Context, in *shapes.CreateScheduleGroupInput) (*shapes.CreateScheduleGroupOutput, error) {
	n := nameOf(ctx, in.Name, nil)
	now := s.Clock.Now()
	r := groupRow{Created: now, Modified: now, Token: value(in.ClientToken)}
	var err error
	if r.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().group(n.group)
		var old groupRow
		switch ok, err := jsonrow.Get(tx, k, &old); {
		case err != nil:
			return err
		case ok && sameCall(old.Token, in.ClientToken):
			return nil
		case ok || n.group == defaultGroup:
			return conflict("Schedule group %s already exists.", n.group)
		}
		return jsonrow.Set(tx, k, &r)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateScheduleGroupOutput{ScheduleGroupArn: ptr(n.arn())}, nil
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetScheduleGroup.html
func (s *Service) getGroup(ctx context.Context, in *shapes.GetScheduleGroupInput) (*shapes.GetScheduleGroupOutput, error) {
	n := nameOf(ctx, in.Name, nil)
	r, err := s.viewGroup(ctx, n)
	if err != nil {
		return nil, err
	}
	return &shapes.GetScheduleGroupOutput{
		Arn: ptr(n.arn()), Name: &n.group, State: ptr("ACTIVE"), CreationDate: given(r.Created), LastModificationDate: given(r.Modified),
	}, nil
}

func (s *Service) viewGroup(ctx context.Context, n name) (r groupRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		r, err = loadGroup(snap, n)
		return err
	})
	return r, err
}

// deleted is how many schedules of a group go in one transaction.
const deleted = 200

// deleteGroup deletes a group with its schedules. AWS answers before they are
// gone; here they are gone when it answers.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
func (s *Service) deleteGroup(ctx context.Context, in *shapes.DeleteScheduleGroupInput) (*shapes.DeleteScheduleGroupOutput, error) {
	n := nameOf(ctx, in.Name, nil)
	if n.group == defaultGroup {
		return nil, invalid("The default schedule group cannot be deleted.")
	}
	sp := n.space()
	for more := true; more; {
		_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
			if _, err := loadGroup(tx, n); err != nil {
				return err
			}
			count := 0
			for p, err := range tx.Scan(sp.schedulesOf(n.group), kv.ScanOptions{KeysOnly: true, Limit: deleted}) {
				if err != nil {
					return err
				}
				d := sp.Decode(p.Key)
				d.Str()
				one := name{n.scope, d.Str(), d.Str()}
				if err := d.Done(); err != nil {
					return err
				}
				if err := s.drop(tx, one); err != nil {
					return err
				}
				count++
			}
			if more = count == deleted; !more {
				tx.Delete(sp.group(n.group))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return &shapes.DeleteScheduleGroupOutput{}, nil
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListScheduleGroups.html
func (s *Service) listGroups(ctx context.Context, in *shapes.ListScheduleGroupsInput) (*shapes.ListScheduleGroupsOutput, error) {
	p, err := pageOf(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	n := name{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	out := &shapes.ListScheduleGroupsOutput{ScheduleGroups: []shapes.ScheduleGroupSummary{}}
	add := func(group string, r groupRow) {
		is := name{scope: n.scope, group: group}
		out.ScheduleGroups = append(out.ScheduleGroups, shapes.ScheduleGroupSummary{
			Arn: ptr(is.arn()), Name: &is.group, State: ptr("ACTIVE"), CreationDate: given(r.Created), LastModificationDate: given(r.Modified),
		})
	}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		// The default group comes first, whether it has a row or not.
		if p.after == nil && strings.HasPrefix(defaultGroup, value(in.NamePrefix)) {
			r, err := loadGroup(snap, name{n.scope, defaultGroup, ""})
			if err != nil {
				return err
			}
			add(defaultGroup, r)
			if p.limit--; p.limit == 0 {
				out.NextToken = ptr(base64.URLEncoding.EncodeToString(sp.groups().Start))
				return nil
			}
		}
		out.NextToken, err = p.list(snap, sp, sp.groups(), 1, value(in.NamePrefix), func(names []string, kvs kv.Pair) (bool, error) {
			var r groupRow
			if names[0] == defaultGroup {
				return false, nil
			}
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &r); err != nil {
				return false, err
			}
			add(names[0], r)
			return true, nil
		})
		return err
	})
	return out, err
}

// maxTags is how many tags a group may have.
const maxTags = 50

func addTags(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil && len(tags) > 0 {
		out = map[string]string{}
	}
	for _, t := range tags {
		out[value(t.Key)] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	return out, nil
}

// taggedName reads the ARN of a group.
func taggedName(resource *string) (name, error) {
	a, err := arn.Parse(value(resource))
	group, ok := strings.CutPrefix(a.Resource(), "schedule-group/")
	if err != nil || !ok || a.Service() != "scheduler" {
		return name{}, invalid("%s is not the ARN of a schedule group.", value(resource))
	}
	return name{scope: a.Scope(), group: group}, nil
}

func (s *Service) changeTags(ctx context.Context, resource *string, change func(map[string]string) (map[string]string, error)) error {
	n, err := taggedName(resource)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		r, err := loadGroup(tx, n)
		if err != nil {
			return err
		}
		if r.Tags, err = change(r.Tags); err != nil {
			return err
		}
		r.Modified = now
		return jsonrow.Set(tx, n.space().group(n.group), &r)
	})
	return err
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceInput) (*shapes.TagResourceOutput, error) {
	return &shapes.TagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(old map[string]string) (map[string]string, error) { return addTags(old, in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceInput) (*shapes.UntagResourceOutput, error) {
	return &shapes.UntagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(old map[string]string) (map[string]string, error) {
		out := maps.Clone(old)
		for _, k := range in.TagKeys {
			delete(out, k)
		}
		return out, nil
	})
}

func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsForResourceInput) (*shapes.ListTagsForResourceOutput, error) {
	n, err := taggedName(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := s.viewGroup(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListTagsForResourceOutput{Tags: []shapes.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, shapes.Tag{Key: &k, Value: ptr(r.Tags[k])})
	}
	return out, nil
}
